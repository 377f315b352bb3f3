"""Brushes for the backgrounds: gradients, smooth noise, horizons, clouds and shapes on a square canvas."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

CANVAS_PX = 208

Canvas = NDArray[np.float32]
"""Colours (CANVAS_PX, CANVAS_PX, 3) in 0 to 255, or one channel of them (CANVAS_PX, CANVAS_PX)."""
Mask = NDArray[np.bool_]
Colour = tuple[float, float, float]


def rgb(colour: Colour) -> Canvas:
    """A colour as an array (3,) that broadcasts over a canvas."""
    return np.array(colour, np.float32)


def smooth_noise(rng: np.random.Generator, cells_h: int, cells_w: int) -> Canvas:
    """Noise (CANVAS_PX, CANVAS_PX) in about [-1, 1] that varies over ``cells`` patches per side."""
    coarse = rng.uniform(-1.0, 1.0, (cells_h, cells_w)).astype(np.float32)
    image = Image.fromarray(coarse).resize((CANVAS_PX, CANVAS_PX), Image.Resampling.BICUBIC)
    return np.asarray(image, dtype=np.float32)


def blend(top: Colour, bottom: Colour, start: float = 0.0, end: float = 1.0) -> Canvas:
    """Vertical gradient (CANVAS_PX, CANVAS_PX, 3) between two colours, flat outside ``start`` to ``end``."""
    rows = np.linspace(0.0, 1.0, CANVAS_PX, dtype=np.float32)
    share = np.clip((rows - start) / max(end - start, 1e-3), 0.0, 1.0)[:, None, None]
    canvas = rgb(top) * (1 - share) + rgb(bottom) * share
    return np.ascontiguousarray(np.broadcast_to(canvas, (CANVAS_PX, CANVAS_PX, 3)), dtype=np.float32)


def varied(rng: np.random.Generator, colour: Colour, spread: float = 14.0) -> Colour:
    """A colour with each channel moved by up to ``spread``."""
    red, green, blue = (float(value + rng.uniform(-spread, spread)) for value in colour)
    return red, green, blue


def horizon(rng: np.random.Generator, level: float, cells: int = 4, swing: float = 0.04) -> Mask:
    """Mask (CANVAS_PX, CANVAS_PX) of everything below a wavy line at about ``level`` of the height."""
    line = level + swing * smooth_noise(rng, 2, cells)[0]
    rows = np.linspace(0.0, 1.0, CANVAS_PX, dtype=np.float32)
    below: Mask = rows[:, None] > line[None, :]
    return below


def ground(canvas: Canvas, mask: Mask, ground: Canvas) -> Canvas:
    """The canvas with ``ground`` put in where the mask (CANVAS_PX, CANVAS_PX) is true."""
    return np.where(mask[..., None], ground, canvas).astype(np.float32)


def clouds(rng: np.random.Generator, canvas: Canvas, strength: float = 0.6) -> Canvas:
    """Soft white patches; ``strength`` 0 adds none."""
    puff = np.clip(smooth_noise(rng, 7, 4) * 0.7 + smooth_noise(rng, 14, 9) * 0.4 - 0.15, 0, 1)
    share = (puff * strength)[..., None].astype(np.float32)
    clouded: Canvas = canvas * (1 - share) + rgb((250, 250, 252)) * share
    return clouded


def speckle(rng: np.random.Generator, canvas: Canvas, amount: float) -> Canvas:
    """Fine grey grain with a standard deviation of ``amount`` levels."""
    return canvas + rng.normal(0.0, amount, (CANVAS_PX, CANVAS_PX, 1)).astype(np.float32)


def draw(canvas: Canvas, paint: Callable[[ImageDraw.ImageDraw], None]) -> Canvas:
    """Let ``paint`` draw shapes on the canvas."""
    image = Image.fromarray(np.clip(canvas, 0, 255).astype(np.uint8))
    paint(ImageDraw.Draw(image))
    return np.asarray(image, dtype=np.float32)


def fill(colour: Colour) -> tuple[int, int, int]:
    """A colour as the whole numbers that Pillow takes."""
    red, green, blue = (int(min(255.0, max(0.0, value))) for value in colour)
    return red, green, blue


def sky(rng: np.random.Generator, level: float) -> Canvas:
    """Blue sky that grows paler down to ``level`` of the height, with some clouds."""
    sky = blend(varied(rng, (96, 160, 226)), varied(rng, (196, 224, 246)), 0.0, level)
    return clouds(rng, sky, float(rng.uniform(0.2, 0.8)))
