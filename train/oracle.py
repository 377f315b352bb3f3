"""Truth tokens: what perfect eyes and ears would hand to the language model.

The language model first learns the world's language on these, while the towers are still being trained; then
the Q-Formers learn to make the same tokens from what the towers really see and hear.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .arrays import WorldArrays

NUM_SLOTS = 10
NUM_EVENTS = 4


class TruthTokens(nn.Module):
    """A bag of name embeddings plus learned geometry per thing and event.

    Args:
        width: H of the language model.
        object_ids: per name its token ids, padded with -1: (names, longest).
        sound_ids: likewise.
        place_ids: likewise.
        colour_ids: likewise.
    """

    def __init__(
        self, width: int, object_ids: Tensor, sound_ids: Tensor, place_ids: Tensor, colour_ids: Tensor
    ):
        super().__init__()
        for name, ids in (
            ("object", object_ids),
            ("sound", sound_ids),
            ("place", place_ids),
            ("colour", colour_ids),
        ):
            self.register_buffer(f"{name}_ids", ids)
        self.geometry = nn.Sequential(nn.Linear(24, width), nn.ReLU(), nn.Linear(width, width))
        self.clock = nn.Sequential(nn.Linear(30, width), nn.ReLU(), nn.Linear(width, width))
        self.length = nn.Linear(1, width)
        self.image_kinds = nn.Parameter(torch.randn(4, width) * 0.06)  # thing, empty slot, null, place
        self.audio_kinds = nn.Parameter(torch.randn(3, width) * 0.06)  # event, empty slot, whole sound

    def bag(self, kind: str, index: Tensor, embedding: Tensor) -> Tensor:
        """Mean embedding of the names' tokens: index (...) -> (..., H); zeros for -1."""
        ids = getattr(self, f"{kind}_ids")[index.clamp_min(0)]  # (..., longest)
        real = (ids >= 0) & (index >= 0)[..., None]
        vectors = embedding[ids.clamp_min(0)] * real[..., None]
        mean: Tensor = vectors.sum(-2) / real.sum(-1, keepdim=True).clamp_min(1)
        return mean

    def picture(
        self, embedding: Tensor, things: Tensor, boxes: Tensor, colours: Tensor, place: Tensor
    ) -> Tensor:
        """Tokens (P, 12, H): ten slots, null, place.

        Args:
            embedding: (V, H) input embedding of the language model.
            things: (P, 10) class index, -1 for an empty slot.
            boxes: (P, 10, 4) x0, y0, x1, y1 in picture sides.
            colours: (P, 10) index, -1 for none.
            place: (P,) index, -1 unknown.
        """
        x0, y0, x1, y1 = boxes.unbind(-1)
        numbers = torch.stack([(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0], -1)
        waves = numbers[..., None] * torch.tensor([1.0, 2.0, 4.0], device=boxes.device) * torch.pi
        waves = torch.cat([waves.sin(), waves.cos()], -1).flatten(-2)  # (P, 10, 24)
        full = (things >= 0)[..., None]
        slots = self.bag("object", things, embedding) + 0.5 * self.bag("colour", colours, embedding)
        slots = torch.where(full, slots + self.geometry(waves) + self.image_kinds[0], self.image_kinds[1])
        null = self.image_kinds[2].expand(len(things), 1, -1)
        where = self.bag("place", place, embedding)[:, None] + self.image_kinds[3]
        return torch.cat([slots, null, where], 1)

    def sound(self, embedding: Tensor, events: Tensor, times: Tensor, duration: Tensor) -> Tensor:
        """Tokens (N, 5, H): four events, the whole sound.

        Args:
            embedding: (V, H) input embedding of the language model.
            events: (N, 4) class index, -1 for an empty slot.
            times: (N, 4, 2) start and end in seconds.
            duration: (N,) seconds.
        """
        start, end = times.unbind(-1)
        numbers = torch.stack([start, end, end - start], -1)
        periods = torch.tensor([32.0, 16.0, 8.0, 4.0, 2.0], device=times.device)
        waves = numbers[..., None] * 2 * torch.pi / periods
        waves = torch.cat([waves.sin(), waves.cos()], -1).flatten(-2)  # (N, 4, 30)
        full = (events >= 0)[..., None]
        slots = self.bag("sound", events, embedding) + self.clock(waves) + self.audio_kinds[0]
        slots = torch.where(full, slots, self.audio_kinds[1])
        whole = self.length(duration[:, None] / 12) + self.audio_kinds[2]
        return torch.cat([slots, whole[:, None]], 1)


def name_ids(tokenizer: Any, names: Sequence[str]) -> Tensor:
    """Token ids of each name as it stands inside a sentence, padded with -1: (names, longest)."""
    ids = [tokenizer(" " + name, add_special_tokens=False)["input_ids"] for name in names] or [[-1]]
    longest = max(map(len, ids))
    return torch.tensor([row + [-1] * (longest - len(row)) for row in ids], dtype=torch.long).view(
        -1, longest
    )


def picture_truth(
    world: WorldArrays, row: int, record: dict[str, Any]
) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """Arrays for TruthTokens.picture of one picture, slots from left to right, and "t<id>" -> slot."""
    things = record["truth"]["objects"]
    order = sorted(range(len(things)), key=lambda i: float(world.thing_boxes[row][i, [0, 2]].sum()))[
        :NUM_SLOTS
    ]
    return place_things(world, row, record, order), {things[i]["id"]: slot for slot, i in enumerate(order)}


def place_things(
    world: WorldArrays, row: int, record: dict[str, Any], order: Sequence[int]
) -> dict[str, np.ndarray]:
    """Arrays for TruthTokens.picture with thing ``order[s]`` in slot s (-1 leaves it empty)."""
    colours = world.vocabulary.get("colours", [])
    out = {"things": np.full(NUM_SLOTS, -1), "boxes": np.zeros((NUM_SLOTS, 4), np.float32),
           "colours": np.full(NUM_SLOTS, -1), "place": np.array(world.place[row], np.int64)}  # fmt: skip
    for slot, i in enumerate(order):
        if i < 0:
            continue
        out["things"][slot] = world.thing_class[row][i]
        out["boxes"][slot] = world.thing_boxes[row][i]
        colour = record["truth"]["objects"][i].get("colour")
        out["colours"][slot] = colours.index(colour) if colour in colours else -1
    return out


def sound_truth(
    world: WorldArrays, row: int, record: dict[str, Any]
) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """Arrays for TruthTokens.sound of one sound, events by their start, and "e<id>" -> slot."""
    events = record["truth"]["events"]
    order = sorted(range(len(events)), key=lambda i: float(world.event_times[row][i, 0]))[:NUM_EVENTS]
    return place_events(world, row, order), {events[i]["id"]: slot for slot, i in enumerate(order)}


def place_events(world: WorldArrays, row: int, order: Sequence[int]) -> dict[str, np.ndarray]:
    """Arrays for TruthTokens.sound with event ``order[s]`` in slot s (-1 leaves it empty)."""
    out = {"events": np.full(NUM_EVENTS, -1), "times": np.zeros((NUM_EVENTS, 2), np.float32),
           "duration": np.array(world.duration[row], np.float32)}  # fmt: skip
    for slot, i in enumerate(order):
        if i >= 0:
            out["events"][slot] = world.event_class[row][i]
            out["times"][slot] = world.event_times[row][i]
    return out
