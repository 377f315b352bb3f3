"""One forward pass over tokens of several conversations in a single sequence, some with many, most with one.

The sequence is (1, tokens). All layers but attention look at each token by itself, so nothing is padded; and
attention is ours for the time of such a pass: every token sees its own conversation only.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

__all__ = ["Packing", "packed_attention"]

#: Name of our attention among those of transformers.
NAME = "bubo_packed"


@dataclass(frozen=True, eq=False)
class Prompt:
    """A run of tokens of one conversation.

    Fields:
        start, end: Where it stands in the sequence.
        slot: Number of its slot.
        mask: (1, 1, tokens, positions), true where a token sees a position of its slot.
    """

    start: int
    end: int
    slot: int
    mask: Tensor


class Packing:
    """Which token of a packed sequence belongs where. Single tokens come first, then the longer runs.

    Args:
        runs: (slot, position of its first token, number of tokens) of each conversation.
        device: Where the model is.

    Fields:
        order: The conversations, as indices into `runs`, as they stand in the sequence.
        slots: (tokens,) the slot of each.
        places: (tokens,) the position of each.
        last: (conversations,) where the last token of each stands, in the order of `runs`.
        singles: (singles,) the slots of those with one token.
        prompts: The longer runs.
    """

    def __init__(self, runs: Sequence[tuple[int, int, int]], device: torch.device):
        self.order = sorted(range(len(runs)), key=lambda number: runs[number][2] > 1)
        slots: list[int] = []
        places: list[int] = []
        last = [0] * len(runs)
        self.prompts: list[Prompt] = []
        for number in self.order:
            slot, first, count = runs[number]
            start = len(slots)
            slots += [slot] * count
            places += range(first, first + count)
            last[number] = len(slots) - 1
            if count > 1:
                ends = torch.arange(first, first + count, device=device)
                seen = torch.arange(first + count, device=device) <= ends[:, None]
                self.prompts.append(Prompt(start, start + count, slot, seen[None, None]))
        self.slots = torch.tensor(slots, device=device)
        self.places = torch.tensor(places, device=device)
        self.last = torch.tensor(last, device=device)
        self.singles = self.slots[: len(runs) - len(self.prompts)]


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    packing: Packing | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Attention of transformers' interface; without a packing it is "sdpa".

    Args:
        module: The layer that calls.
        query: (1, heads, tokens, size).
        key: (slots, heads, positions, size).
        value: Like `key`.
        attention_mask: (slots, 1, 1, positions), what the one token of a slot sees.
        dropout: Of the weights.
        scaling: Of the products.
        packing: Which token belongs where.
        **kwargs: For "sdpa".

    Returns:
        (1, tokens, heads, size), and no weights.
    """
    kwargs |= {"dropout": dropout, "scaling": scaling}
    if packing is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **kwargs)  # type: ignore[no-any-return]
    parts = []
    if count := len(packing.singles):
        # slots that feed nothing or more get a query of zeros, which costs less than taking their keys out
        one = query.new_zeros(len(key), query.shape[1], 1, query.shape[3])
        one[packing.singles] = query[0, :, :count].transpose(0, 1)[:, :, None]
        mixed, _ = sdpa_attention_forward(module, one, key, value, attention_mask, **kwargs)
        parts.append(mixed[packing.singles].transpose(0, 1))
    for prompt in packing.prompts:
        own, end = slice(prompt.slot, prompt.slot + 1), prompt.mask.shape[-1]
        mixed, _ = sdpa_attention_forward(
            module,
            query[:, :, prompt.start : prompt.end],
            key[own, :, :end],
            value[own, :, :end],
            prompt.mask,
            **kwargs,
        )
        parts.append(mixed)
    return torch.cat(parts, 1), None


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, sdpa_mask)
#: Held while a model has our attention: several speakers may have one model.
_switched = threading.Lock()


@contextmanager
def packed_attention(model: Any) -> Iterator[None]:
    """Gives a model our attention for a while."""
    config = model.get_decoder().config
    with _switched:
        before = config._attn_implementation
        config._attn_implementation = NAME
        try:
            yield
        finally:
            config._attn_implementation = before
