"""Attention over packed dialogues: each sees the front of its row and itself, and nothing else is computed.

All rows of a batch lie behind one another, without padding, as one sequence of T tokens. A segment is one
dialogue (or the front of a row) with the front that it sees. Segments of like length are attended together;
the linear layers see the T tokens as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface

NAME = "packed"
NUM_BUCKETS = 6


@dataclass(frozen=True)
class Bucket:
    """G segments of like length, padded to M own tokens and N = F + M seen ones.

    Attributes:
        own: (G, M) index of each segment's tokens; 0 where padded.
        seen: (G, N) index of its front, then of its own tokens; 0 where padded.
        hidden: (G, 1, M, N) bool, what a token must not see.
        picks: (K, 4) segment, head, own token, seen token of the supervised attention.
    """

    own: Tensor
    seen: Tensor
    hidden: Tensor
    picks: Tensor


@dataclass(frozen=True)
class Layout:
    """How a flat batch is attended.

    Attributes:
        layer: the layer whose attention is supervised.
        buckets: the segments.
        back: (T,) where each token lies among the padded tokens of all buckets.
        order: (K,) the target that each pick belongs to, over all buckets.
    """

    layer: int
    buckets: tuple[Bucket, ...]
    back: Tensor
    order: Tensor


def lay_out(segments: Tensor, targets: Tensor, layer: int) -> Layout:
    """Sort segments into buckets.

    Args:
        segments: (S, 4) long: begin and end of the front that is seen, begin and end of the own tokens; in
            the order of their own tokens, which cover 0..T.
        targets: (K, 3) long: head, query, key as positions 0..T; the query's segment sees the key.
        layer: the layer whose attention is supervised.
    """
    device = segments.device
    segments, targets = segments.cpu(), targets.cpu()
    lengths = segments[:, 3] - segments[:, 2]  # (S,)
    segment_of = torch.repeat_interleave(torch.arange(len(segments)), lengths)  # (T,)
    target_segment = segment_of[targets[:, 1]]  # (K,)
    by_length = torch.argsort(lengths, stable=True)
    shares = lengths[by_length].cumsum(0) * NUM_BUCKETS // (int(lengths.sum()) + 1)
    back = torch.empty(len(segment_of), dtype=torch.long)
    buckets, orders, offset = [], [], 0
    for share in shares.unique().tolist():
        chosen = by_length[shares == share]  # (G,)
        front_begin, front_end, begin, end = segments[chosen].T[:, :, None]  # each (G, 1)
        front = torch.arange(int((front_end - front_begin).max()))[None]  # (1, F)
        steps = torch.arange(int((end - begin).max()))[None]  # (1, M)
        own_real, front_real = steps < end - begin, front < front_end - front_begin
        own = torch.where(own_real, begin + steps, 0)
        seen = torch.cat([torch.where(front_real, front_begin + front, 0), own], 1)
        causal = steps[0][None, :] <= steps[0][:, None]  # (M, M)
        shown = torch.cat(
            [front_real[:, None].expand(-1, steps.shape[1], -1), causal[None] & own_real[:, None]], 2
        )
        shown[..., front.shape[1]] |= ~shown.any(-1)  # padding sees something: no row of the softmax is empty
        number = torch.full((len(segments),), -1)
        number[chosen] = torch.arange(len(chosen))
        order = (number[target_segment] >= 0).nonzero()[:, 0]
        head, query, key = targets[order].T
        at = number[target_segment[order]]
        in_front = key < front_end[at, 0]
        in_front &= key >= front_begin[at, 0]
        column = torch.where(in_front, key - front_begin[at, 0], front.shape[1] + key - begin[at, 0])
        picks = torch.stack([at, head, query - begin[at, 0], column], 1)
        back[own[own_real]] = offset + own_real.flatten().nonzero()[:, 0]
        offset += own.numel()
        moved = (part.to(device) for part in (own, seen, ~shown[:, None], picks))
        buckets.append(Bucket(*moved))
        orders.append(order)
    return Layout(layer, tuple(buckets), back.to(device), torch.cat(orders).to(device))


def _take(table: Tensor, index: Tensor) -> Tensor:
    """Rows of a (T, D) table by index; its backward is parallel, that of plain indexing is not."""
    return nn.functional.embedding(index, table)


def _padded(x: Tensor, indices: Sequence[Tensor]) -> list[Tensor]:
    """The tokens of each bucket, (G, H, N, D), from (1, H, T, D); in one gather: its backward is dear."""
    _, heads, length, depth = x.shape
    table = x[0].transpose(0, 1).reshape(length, -1)
    taken = _take(table, torch.cat([index.flatten() for index in indices]))
    pieces = taken.split([index.numel() for index in indices])
    return [
        piece.view(*index.shape, heads, depth).transpose(1, 2)
        for piece, index in zip(pieces, indices, strict=True)
    ]


def packed_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    dropout: float = 0.0,
    layout: Layout | None = None,
    **kwargs: Any,
) -> tuple[Tensor, Tensor | None]:
    """Attention as transformers calls it, for one flat sequence.

    Args:
        module: the attention layer; its `layer_idx` tells whether it is supervised.
        query: (1, H, T, D).
        key: (1, H, T, D), with as many heads.
        value: (1, H, T, D).
        attention_mask: must be None.
        scaling: of the scores.
        dropout: must be 0.
        layout: of the batch.
        **kwargs: what else transformers hands over, not used.

    Returns:
        (1, T, H, D), and in the supervised layer the probabilities (K,) of the targets in the layout's order.
    """
    if layout is None or attention_mask is not None or dropout or query.shape[1] != key.shape[1]:
        raise ValueError(
            "Packed attention needs a layout, no mask, no dropout, and as many key as query heads."
        )
    _, heads, length, depth = query.shape
    own = [bucket.own for bucket in layout.buckets]
    seen = [bucket.seen for bucket in layout.buckets]
    query, key = query.to(value.dtype), key.to(value.dtype)
    parts = zip(_padded(query, own), _padded(key, seen), _padded(value, seen), layout.buckets, strict=True)
    outputs, picked = [], []
    for qs, ks, vs, bucket in parts:  # (G, H, M, D), (G, H, N, D) twice
        scores = (qs @ ks.transpose(-1, -2)).float() * scaling
        shares = scores.masked_fill(bucket.hidden, float("-inf")).softmax(-1)  # (G, H, M, N)
        if getattr(module, "layer_idx", None) == layout.layer:
            segment, head, row, column = bucket.picks.T
            picked.append(shares[segment, head, row, column])
        outputs.append((shares.to(vs.dtype) @ vs).transpose(1, 2).reshape(-1, heads * depth))
    mixed = _take(torch.cat(outputs), layout.back)  # (T, H * D)
    return mixed.view(1, length, heads, depth), torch.cat(picked) if picked else None


AttentionInterface.register(NAME, packed_attention)


def supervised(attentions: Sequence[Tensor | None]) -> Tensor:
    """The (K,) probabilities among the attentions that transformers collected: only one layer gives any."""
    return next(attention for attention in attentions if attention is not None)
