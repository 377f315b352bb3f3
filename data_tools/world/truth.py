"""What is true about a generated picture, sound or pair: the answer key of the world.

Everything random is drawn from one generator per sample, made from (split, seed, index) by `sample_rng`, so
that any sample can be made again alone and no split shares a seed with another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bubo.errors import InputError

Split = Literal["train", "validation", "heldout"]
Size = Literal["small", "medium", "large"]
Pair = Literal["match", "partly", "mismatch", "silent", "noise", "offscreen", "none"]

SPLIT_CODES: Mapping[str, int] = {"train": 0, "validation": 1, "heldout": 2}
POSITIONS = (
    ("top left", "top", "top right"),
    ("left", "centre", "right"),
    ("bottom left", "bottom", "bottom right"),
)
"""Position words as rows and columns of the thirds of a picture."""


def split_code(split: str) -> int:
    """The number that a split contributes to every seed.

    Raises:
        InputError: the split is not one of train, validation, heldout.
    """
    if split not in SPLIT_CODES:
        raise InputError(f"split is {split!r}, expected one of {', '.join(SPLIT_CODES)}")
    return SPLIT_CODES[split]


def sample_rng(split: str, seed: int, index: int) -> np.random.Generator:
    """The generator behind sample ``index`` of a split."""
    return np.random.default_rng(np.random.SeedSequence([split_code(split), seed, index]))


def position_word(x: float, y: float, size_hw: tuple[int, int]) -> str:
    """The word for the third of the picture in which the point (x, y), in pixels, lies."""
    height, width = size_hw
    row = min(2, max(0, int(3.0 * y / height)))
    column = min(2, max(0, int(3.0 * x / width)))
    return POSITIONS[row][column]


@dataclass(frozen=True, eq=False)
class Thing:
    """One object of a picture.

    ``box_xyxy`` (pixel edges, x1 and y1 exclusive) and ``mask`` (H, W) bool cover the visible part only;
    ``visible`` is its share of the whole object. ``depth`` 0 is the farthest thing; ``colour`` is None where
    no word is certain; ``size`` tells how much of the picture's width or height, whichever is more, the
    whole object takes.
    """

    id: int
    name: str
    glyph: str
    box_xyxy: tuple[float, float, float, float]
    mask: NDArray[np.bool_]
    visible: float
    size: Size
    position: str
    colour: str | None
    depth: int
    new_glyph: bool = False


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture (H, W, 3) uint8 RGB, its things, and its place ("" for a picture unlike the world)."""

    pixels: NDArray[np.uint8]
    things: tuple[Thing, ...]
    place: str
    seed: int

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return int(self.pixels.shape[0]), int(self.pixels.shape[1])


@dataclass(frozen=True)
class Event:
    """One sound event: its class and when it is heard, in seconds from the start of the clip."""

    id: int
    name: str
    start_s: float
    end_s: float
    gain_db: float = 0.0


@dataclass(frozen=True, eq=False)
class Clip:
    """A sound (T,) float32 in [-1, 1], its events by start, and its background noise ("" for none)."""

    samples: NDArray[np.float32]
    events: tuple[Event, ...]
    noise: str | None = ""
    seed: int = 0
    sampling_rate: int = 16000

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sampling_rate


@dataclass(frozen=True, eq=False)
class Sample:
    """A picture, a sound or both, and how they belong together.

    ``sources`` maps the id of an event to the ids of the things in the picture that can make it.
    """

    key: str
    scene: Scene | None
    clip: Clip | None
    pair: Pair
    sources: Mapping[int, tuple[int, ...]] = field(default_factory=dict)


def thing_to_dict(thing: Thing, mask_rle: Mapping[str, Any]) -> dict[str, Any]:
    """A thing as it travels in a record; the caller encodes the mask."""
    return {
        "id": f"t{thing.id}",
        "name": thing.name,
        "glyph": thing.glyph,
        "box": [float(value) for value in thing.box_xyxy],
        "mask": dict(mask_rle),
        "size": thing.size,
        "position": thing.position,
        "colour": thing.colour,
        "depth": thing.depth,
        "visible": round(thing.visible, 4),
        "new_glyph": thing.new_glyph,
    }
