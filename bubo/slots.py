"""Key-value caches of several conversations side by side: new tokens of each in a single forward pass.

Every conversation has a slot in buffers of (slots, heads, positions, size) and a length of its own. New keys
are written in place behind its length; a mask hides what lies further on. So nothing is copied from step to
step: a cache is copied in when its conversation joins, and out when it leaves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin, DynamicCache, DynamicLayer

from bubo.decoding import Kept
from bubo.packed import Packing, packed_attention

__all__ = ["Row", "Slots", "fits_slot"]

#: Positions by which the buffers grow.
MARGIN = 128
#: Steps that a conversation may miss before it loses its slot.
MOST_MISSED = 8
#: Bytes of empty buffers that stay for the next conversations.
IDLE_BYTES = 64_000_000


@dataclass(eq=False)
class Row:
    """One conversation that is being answered.

    Fields:
        kept: Its cache and keys. While it has a slot, the cache object is empty and the slot has the content.
        slot: Number of its slot; None if it has none.
        tokens: What it feeds next: the token of a step, or a short prompt.
        missed: Steps of others since its last one.
    """

    kept: Kept
    slot: int | None = None
    tokens: Sequence[int] = ()
    missed: int = 0


def fits_slot(kept: Kept) -> bool:
    """Whether a cache is of plain layers only, which hold one key and value per position and nothing else."""
    cache = kept.cache
    return (
        isinstance(cache, DynamicCache)
        and not cache.offloading
        and bool(cache.layers)
        and all(
            type(layer) is DynamicLayer
            and layer.is_initialized
            and layer.keys.shape[0] == 1
            and layer.keys.shape[-2] == layer.values.shape[-2] == len(kept.keys)
            for layer in cache.layers
        )
    )


class _SlotLayer(CacheLayerMixin):
    """The buffers of one layer; an update writes each token's keys and values to its slot and place."""

    is_sliding = False

    def __init__(self, keys: Tensor, values: Tensor):
        super().__init__()
        self.keys, self.values = keys, values
        self.is_initialized = True
        self.slots = self.places = torch.zeros(0, dtype=torch.long)
        self.count = self.length = 0

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Nothing to do: the buffers are there from the start."""

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Writes (rows, heads, tokens, size), read row by row; gives the slots in use up to the longest."""
        where = self.slots, slice(None), self.places
        self.keys[where] = key_states.transpose(1, 2).flatten(0, 1)
        self.values[where] = value_states.transpose(1, 2).flatten(0, 1)
        return self.keys[: self.count, :, : self.length], self.values[: self.count, :, : self.length]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Positions that attention sees, and where they begin."""
        return self.length, 0

    def get_seq_length(self) -> int:
        """Positions before this step, of the longest slot."""
        return self.length - 1

    def get_max_length(self) -> int:
        """No limit."""
        return -1

    def grow(self, slots: int, positions: int) -> None:
        """Makes room for so many slots of so many positions."""
        self.keys, self.values = (
            _grown(buffer, max(slots, buffer.shape[0]), max(positions, buffer.shape[2]))
            for buffer in (self.keys, self.values)
        )


def _grown(buffer: Tensor, slots: int, positions: int) -> Tensor:
    if (slots, positions) == (buffer.shape[0], buffer.shape[2]):
        return buffer
    # zeros, since what a mask hides still counts if it is not a number
    large = buffer.new_zeros(slots, buffer.shape[1], positions, buffer.shape[3])
    large[: buffer.shape[0], :, : buffer.shape[2]] = buffer
    return large


class Slots:
    """The conversations that decode together. Not for two threads at once."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._lengths: list[int] = []
        self._cache: Any = None

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def rows(self) -> tuple[Row, ...]:
        """Who has a slot."""
        return tuple(self._rows)

    def length(self, row: Row) -> int:
        """Positions that a row with a slot holds."""
        assert row.slot is not None
        return self._lengths[row.slot]

    def join(self, row: Row) -> None:
        """Gives a row a slot and moves its cache into it; `fits_slot` must hold."""
        if row.slot is not None:
            return
        length, layers = len(row.kept.keys), row.kept.cache.layers
        if self._cache is None:
            empty = [
                _SlotLayer(
                    layer.keys.new_zeros(0, *_around(layer.keys)),
                    layer.values.new_zeros(0, *_around(layer.values)),
                )
                for layer in layers
            ]
            self._cache = Cache(layers=empty)
        self._reserve(len(self._rows) + 1, length + 1)
        slot = len(self._rows)
        for buffers, layer in zip(self._cache.layers, layers, strict=True):
            buffers.keys[slot, :, :length] = layer.keys[0]
            buffers.values[slot, :, :length] = layer.values[0]
        for layer in layers:  # from now on the slot has it
            layer.keys, layer.values = layer.keys.new_empty(0), layer.values.new_empty(0)
        self._rows.append(row)
        self._lengths.append(length)
        row.slot, row.missed = slot, 0

    def leave(self, row: Row) -> None:
        """Moves what the slot of a row holds back into its cache and closes the gap."""
        slot = row.slot
        if slot is None:
            return
        for layer, (keys, values) in zip(row.kept.cache.layers, self._content(row), strict=True):
            layer.keys, layer.values = keys, values
        row.slot = None
        last, length = self._rows.pop(), self._lengths.pop()
        if last is not row:
            for buffers in self._cache.layers:
                buffers.keys[slot, :, :length] = buffers.keys[len(self._rows), :, :length]
                buffers.values[slot, :, :length] = buffers.values[len(self._rows), :, :length]
            self._rows[slot], self._lengths[slot], last.slot = last, length, slot
        if not self._rows and self._bytes() > IDLE_BYTES:
            self._cache = None

    def crop(self, row: Row, length: int) -> None:
        """Forgets a row's positions from `length` on."""
        assert row.slot is not None
        self._lengths[row.slot] = length

    def copy(self, row: Row) -> DynamicCache:
        """A cache of its own with what the slot of a row holds."""
        cache = DynamicCache()
        for number, (keys, values) in enumerate(self._content(row)):
            cache.update(keys, values, number)
        return cache

    def step(self, model: Any, rows: Sequence[Row]) -> Tensor:
        """New tokens of some rows with slots; others that have slots take no part.

        Args:
            model: A causal language model.
            rows: Their tokens are fed at the end of what they hold.

        Returns:
            (rows, vocabulary) logits of what comes after the last token of each.
        """
        part = set(rows)
        ends = [
            held + len(row.tokens) * (row in part)
            for row, held in zip(self._rows, self._lengths, strict=True)
        ]
        length = max(self._lengths) + 1
        if any(len(row.tokens) > 1 for row in rows):
            logits = self._packed(model, rows, max(length, *ends))
        else:
            logits = self._batched(model, rows, length)
        self._lengths = ends
        for row in self._rows:
            row.missed = 0 if row in part else row.missed + 1
        return logits

    def _batched(self, model: Any, rows: Sequence[Row], length: int) -> Tensor:
        """One token of each row, in a batch of all slots."""
        part, places = set(rows), torch.tensor(self._lengths)
        device = model.device
        self._aim(torch.arange(len(places), device=device), places.to(device), length)
        tokens = [[row.tokens[0] if row in part else 0] for row in self._rows]
        logits: Tensor = model(
            input_ids=torch.tensor(tokens, device=device),
            attention_mask=self._mask(length).to(device),
            position_ids=places[:, None].to(device),
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]
        slots = [row.slot for row in rows]
        return logits if slots == list(range(len(self._rows))) else logits[slots]

    def _packed(self, model: Any, rows: Sequence[Row], length: int) -> Tensor:
        """All tokens of the rows in one sequence."""
        runs = [
            (slot, self._lengths[slot], len(row.tokens)) for row in rows if (slot := row.slot) is not None
        ]
        packing = Packing(runs, model.device)
        self._aim(packing.slots, packing.places, length)
        tokens = [token for number in packing.order for token in rows[number].tokens]
        with packed_attention(model):
            logits: Tensor = model(
                input_ids=torch.tensor([tokens], device=model.device),
                attention_mask=self._mask(length).to(model.device),
                position_ids=packing.places[None],
                past_key_values=self._cache,
                use_cache=True,
                logits_to_keep=packing.last,
                packing=packing,
            ).logits[0]
        return logits

    def _aim(self, slots: Tensor, places: Tensor, length: int) -> None:
        """Says where the next pass writes, and how far its attention sees."""
        self._reserve(len(self._rows), length)
        for layer in self._cache.layers:
            layer.slots, layer.places, layer.count, layer.length = slots, places, len(self._rows), length

    def _mask(self, length: int) -> Tensor:
        """(slots, 1, 1, length), 0 where a slot holds something or gets its new token, else very low."""
        buffer = self._cache.layers[0].keys
        mask = torch.zeros(len(self._lengths), 1, 1, length, dtype=buffer.dtype)
        hidden = torch.arange(length) > torch.tensor(self._lengths)[:, None, None, None]
        return mask.masked_fill_(hidden, torch.finfo(buffer.dtype).min)

    def _reserve(self, slots: int, positions: int) -> None:
        buffer = self._cache.layers[0].keys
        if slots > buffer.shape[0] or positions > buffer.shape[2]:
            slots = 2 * slots if slots > buffer.shape[0] else slots
            for layer in self._cache.layers:
                layer.grow(slots, positions + MARGIN if positions > buffer.shape[2] else positions)

    def _content(self, row: Row) -> list[tuple[Tensor, Tensor]]:
        assert row.slot is not None
        slot, length = slice(row.slot, row.slot + 1), self._lengths[row.slot]
        return [
            (layer.keys[slot, :, :length].clone(), layer.values[slot, :, :length].clone())
            for layer in self._cache.layers
        ]

    def _bytes(self) -> int:
        return sum(layer.keys.nbytes + layer.values.nbytes for layer in self._cache.layers)


def _around(states: Tensor) -> tuple[int, int, int]:
    """Heads, no positions, and size of keys or values (1, heads, positions, size)."""
    return states.shape[1], 0, states.shape[3]
