"""Draws one picture of the world: things on a place, composited far to near, with exact visible masks.

A thing is one affine step on a cached glyph bitmap, blended into the small window that it covers; an id map
records which thing owns each pixel (coverage above one half), so masks, visible shares and boxes are exact.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bubo.errors import InputError

from .casting import choose_cast
from .lens import photograph
from .places import render_place
from .sprites import Canvas, Sprite, draw_sprite
from .truth import Scene, Size, Thing, position_word
from .vocabulary import OBJECTS_BY_NAME, Glyph

SIZES_HW = (
    (160, 160),
    (144, 176),
    (176, 144),
    (128, 192),
    (192, 128),
    (160, 192),
    (192, 160),
    (128, 128),
    (176, 176),
)
SMALL_BELOW, LARGE_ABOVE = 0.2, 0.32
"""Borders of the size words; a thing's size is the larger of its shares of the picture's width and height."""
MIN_RELATIVE, MAX_RELATIVE = 0.14, 0.45
CLOSE_UP_SHARE = 0.2
"""How often the farthest of at most `MAX_CLOSE_UP_THINGS` things nearly fills the picture."""
MAX_CLOSE_UP_THINGS = 3
CLOSE_UP_FROM, CLOSE_UP_TO = 0.5, 0.92
SIZE_MARGIN = 0.012
"""No thing is this close to a border of the size words."""
THIRDS_MARGIN = 0.035
"""Most things keep this share of a side between their centre and the borders of the thirds."""
MIN_VISIBLE = 0.6
TRIES_PER_SPRITE = 6
SPRITES_PER_THING = 14
NEW_GLYPH_SHARE = 0.12
"""How often the held-out split uses a held-out glyph where the class has one."""


@dataclass(eq=False)
class _Placed:
    """One thing while the picture grows: pixels of the whole thing, and of what is left of it."""

    name: str
    glyph: Glyph
    relative: float
    full: int
    left: int


class _Board:
    """The growing picture: colours (H, W, 3) float32, and the id map (H, W) with -1 where no thing is."""

    def __init__(self, background: NDArray[np.uint8]) -> None:
        self.pixels: Canvas = background.astype(np.float32)
        self.owner: NDArray[np.int16] = np.full(background.shape[:2], -1, np.int16)
        self.placed: list[_Placed] = []

    def covered(self, sprite: Sprite, top: int, left: int) -> tuple[NDArray[np.int64], int]:
        """Pixels that a sprite would take from each earlier thing, and how many of its own are inside."""
        rows, columns, inner = _overlap(self.owner.shape, sprite.mask.shape, top, left)
        mask = sprite.mask[inner]
        taken = np.bincount(self.owner[rows, columns][mask] + 1, minlength=len(self.placed) + 1)[1:]
        return taken.astype(np.int64), int(np.count_nonzero(mask))

    def paste(self, sprite: Sprite, top: int, left: int, shadow: float) -> None:
        """Blend a sprite in front of everything; ``shadow`` in [0, 1] darkens the ground below it first."""
        if shadow > 0:
            self._shade(sprite, top, left, shadow)
        rows, columns, inner = _overlap(self.owner.shape, sprite.mask.shape, top, left)
        window = self.pixels[rows, columns]
        window *= 1.0 - sprite.coverage[inner]
        window += sprite.colour[inner]
        self.owner[rows, columns][sprite.mask[inner]] = len(self.placed)

    def _shade(self, sprite: Sprite, top: int, left: int, shadow: float) -> None:
        height, width = sprite.mask.shape
        size = (max(4, int(width * 1.1)), max(3, int(height * 0.24)))
        soft = np.asarray(_SHADOW.resize(size, Image.Resampling.BILINEAR), np.float32)[..., None] / 255.0
        top, left = top + height - size[1] * 2 // 3, left - (size[0] - width) // 2
        rows, columns, inner = _overlap(self.owner.shape, (size[1], size[0]), top, left)
        self.pixels[rows, columns] *= 1.0 - shadow * soft[inner]


def _make_shadow() -> Image.Image:
    ys, xs = np.mgrid[-1:1:24j, -1:1:64j]
    return Image.fromarray((255 * np.clip(1.15 - (xs**2 + ys**2), 0, 1) ** 1.5).astype(np.uint8))


_SHADOW = _make_shadow()


def _overlap(
    frame_hw: tuple[int, ...], sprite_hw: tuple[int, ...], top: int, left: int
) -> tuple[slice, slice, tuple[slice, slice]]:
    """Rows and columns of the frame under a sprite at (top, left), and the sprite's part inside the frame."""
    y0, y1 = max(0, top), min(frame_hw[0], top + sprite_hw[0])
    x0, x1 = max(0, left), min(frame_hw[1], left + sprite_hw[1])
    y1, x1 = max(y0, y1), max(x0, x1)
    return slice(y0, y1), slice(x0, x1), (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))


def size_word(relative: float) -> Size:
    """The word for the larger of a thing's shares of the picture's width and height."""
    return "small" if relative < SMALL_BELOW else "large" if relative > LARGE_ABOVE else "medium"


def _relative_side(rng: np.random.Generator, attempt: int, num_things: int) -> float:
    """A wanted relative side: small, medium or large about equally often; less in crowds, after failures."""
    highest = MAX_RELATIVE - 0.02 if num_things <= 3 else 0.4 if num_things <= 5 else 0.32
    highest = max(0.19, highest - 0.02 * attempt)
    third = rng.random()
    if third < 0.3:
        return float(rng.uniform(MIN_RELATIVE, SMALL_BELOW))
    if third < 0.68 or highest <= LARGE_ABOVE:
        return (
            float(rng.uniform(SMALL_BELOW, min(LARGE_ABOVE, highest))) if highest > SMALL_BELOW else highest
        )
    return float(rng.uniform(LARGE_ABOVE, highest))


def _size_is_clear(relative: float, close_up: bool) -> bool:
    clear = min(abs(relative - SMALL_BELOW), abs(relative - LARGE_ABOVE)) >= SIZE_MARGIN
    return clear and MIN_RELATIVE <= relative <= (CLOSE_UP_TO if close_up else MAX_RELATIVE)


def _along(rng: np.random.Generator, third: int, length: int, extent: int, margin: float) -> int | None:
    """Start in pixels that puts the middle of a thing into a third of ``length``; None: no room."""
    low = max(extent / 2, length * (third / 3 + (margin if third > 0 else 0.0)))
    high = min(length - extent / 2, length * ((third + 1) / 3 - (margin if third < 2 else 0.0)))
    if high < low:
        return None
    return min(max(0, round(float(rng.uniform(low, high)) - extent / 2)), length - extent)


def _find_spot(rng: np.random.Generator, board: _Board, sprite: Sprite) -> tuple[int, int] | None:
    """Top and left of a spot where the sprite fits and hides no earlier thing too much, or None."""
    height, width = board.owner.shape
    keep = MIN_VISIBLE if rng.random() < 0.35 else 0.9
    for _ in range(TRIES_PER_SPRITE):
        margin = THIRDS_MARGIN if rng.random() < 0.93 else 0.0
        cell = int(rng.integers(9))
        top = _along(rng, cell // 3, height, sprite.mask.shape[0], margin)
        left = _along(rng, cell % 3, width, sprite.mask.shape[1], margin)
        if top is None or left is None:
            continue
        if rng.random() < 0.08:
            top, left = _push_out(rng, sprite, top, left, (height, width))
        taken, inside = board.covered(sprite, top, left)
        if inside < 0.75 * np.count_nonzero(sprite.mask):
            continue
        if all(
            item.left - gone >= keep * item.full
            for item, gone in zip(board.placed, taken, strict=True)
            if gone
        ):
            return top, left
    return None


def _push_out(
    rng: np.random.Generator, sprite: Sprite, top: int, left: int, size_hw: tuple[int, int]
) -> tuple[int, int]:
    """Move a spot over the nearer border of the picture, by up to a fifth of the sprite."""
    height, width = sprite.mask.shape
    share = float(rng.uniform(0.05, 0.2))
    if rng.random() < 0.5:
        below = top + height / 2 > size_hw[0] / 2
        return (size_hw[0] - round(height * (1 - share)) if below else -round(height * share)), left
    right = left + width / 2 > size_hw[1] / 2
    return top, (size_hw[1] - round(width * (1 - share)) if right else -round(width * share))


def _add_thing(
    rng: np.random.Generator, board: _Board, name: str, glyph: Glyph, num_things: int, close_up: bool
) -> bool:
    """Draw one more thing in front of the others; False when there was no room for it."""
    height, width = board.owner.shape
    for attempt in range(SPRITES_PER_THING):
        wanted = (
            float(rng.uniform(CLOSE_UP_FROM, CLOSE_UP_TO))
            if close_up
            else _relative_side(rng, attempt, num_things)
        )
        sprite = draw_sprite(rng, glyph, wanted * math.sqrt(height * width))
        relative = max(sprite.mask.shape[0] / height, sprite.mask.shape[1] / width)
        if not _size_is_clear(relative, close_up):
            continue
        spot = _find_spot(rng, board, sprite)
        if spot is None:
            continue
        taken, inside = board.covered(sprite, *spot)
        for item, gone in zip(board.placed, taken, strict=True):
            item.left -= int(gone)
        shadow = float(rng.uniform(0.15, 0.5)) if rng.random() < 0.4 else 0.0
        board.paste(sprite, *spot, shadow)
        full = int(np.count_nonzero(sprite.mask))
        board.placed.append(_Placed(name, glyph, relative, full, inside))
        return True
    return False


def _choose_glyphs(rng: np.random.Generator, names: Sequence[str], split: str) -> list[Glyph]:
    """A glyph for each thing; copies of a class share one in about half of the pictures."""
    shared: dict[str, Glyph] = {}
    alike = rng.random() < 0.5
    chosen = []
    for name in names:
        item = OBJECTS_BY_NAME[name]
        new = item.glyphs_for(held_out=True)
        use_new = split == "heldout" and bool(new) and rng.random() < NEW_GLYPH_SHARE
        glyphs = new if use_new else item.glyphs_for(held_out=False)
        glyph = glyphs[int(rng.integers(len(glyphs)))]
        chosen.append(shared.setdefault(name, glyph) if alike else glyph)
    return chosen


def _things(board: _Board) -> tuple[Thing, ...]:
    height, width = board.owner.shape
    things = []
    for number, item in enumerate(board.placed):
        mask = board.owner == number
        ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        box = (float(xs[0]), float(ys[0]), float(xs[-1] + 1), float(ys[-1] + 1))
        things.append(
            Thing(
                id=number,
                name=item.name,
                glyph=item.glyph.text,
                box_xyxy=box,
                mask=mask,
                visible=item.left / item.full,
                size=size_word(item.relative),
                position=position_word((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, (height, width)),
                colour=item.glyph.colour,
                depth=number,
                new_glyph=item.glyph.held_out,
            )
        )
    return tuple(things)


def choose_size(rng: np.random.Generator, size_hw: tuple[int, int] | None) -> tuple[int, int]:
    """The given size, or one of `SIZES_HW`.

    Raises:
        InputError: a side is below 64 or above 1024 pixels.
    """
    if size_hw is None:
        return SIZES_HW[int(rng.integers(len(SIZES_HW)))]
    if min(size_hw) < 64 or max(size_hw) > 1024:
        raise InputError(f"size_hw is {size_hw}, expected both sides within 64 to 1024 pixels")
    return size_hw


def render_scene(
    rng: np.random.Generator,
    *,
    names: Sequence[str] | None = None,
    place: str | None = None,
    split: str = "train",
    size_hw: tuple[int, int] | None = None,
    avoid: Collection[str] = (),
) -> Scene:
    """A picture with exact truth, deterministic in the state of ``rng``.

    It shows every class of ``names`` (as often as it stands there) and usually some more, but none of
    ``avoid``. ``names=None`` leaves all open (2 % of pictures are then empty places), ``names=()`` asks
    for an empty place. Ids and depths run from the farthest thing (0) to the nearest.

    Raises:
        InputError: unknown class, place or split, a class both wanted and avoided, more than 8 names, a size
            outside 64 to 1024 pixels, or names and place that this split must not show together.
    """
    seed = int(rng.integers(2**31))
    rng = np.random.default_rng(seed)
    size = choose_size(rng, size_hw)
    cast = choose_cast(rng, names, place, split, avoid)
    glyphs = _choose_glyphs(rng, cast.names, split)
    while True:
        board = _Board(render_place(rng, cast.place, split, size))
        order = rng.permutation(len(glyphs))
        close = len(glyphs) <= MAX_CLOSE_UP_THINGS and rng.random() < CLOSE_UP_SHARE
        if all(
            _add_thing(rng, board, cast.names[i], glyphs[i], len(glyphs), close and i == order[0])
            for i in order
        ):
            break
    return Scene(pixels=photograph(rng, board.pixels), things=_things(board), place=cast.place, seed=seed)
