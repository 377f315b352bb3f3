"""One thing drawn alone: a glyph scaled, turned, mirrored and tinted, with its coverage and mask."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .glyphs import glyph_near
from .vocabulary import Glyph

Canvas = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Sprite:
    """A drawn thing: premultiplied colour (h, w, 3), coverage (h, w, 1) in float32, and mask (h, w) bool."""

    colour: Canvas
    coverage: Canvas
    mask: NDArray[np.bool_]


def draw_sprite(rng: np.random.Generator, glyph: Glyph, side_px: float) -> Sprite:
    """One glyph at about ``side_px``, turned by up to 20 degrees, perhaps mirrored, cut to its mask's box."""
    angle = math.radians(float(np.clip(rng.normal(0.0, 9.0), -20.0, 20.0)))
    bitmap = glyph_near(glyph.text, side_px, bool(rng.random() < 0.5))
    scale = side_px / (max(bitmap.size) - 2)
    cos, sin = math.cos(angle), math.sin(angle)
    width = int(scale * (bitmap.width * abs(cos) + bitmap.height * abs(sin))) + 2
    height = int(scale * (bitmap.width * abs(sin) + bitmap.height * abs(cos))) + 2
    a, b = cos / scale, sin / scale
    shift_x = bitmap.width / 2 - a * width / 2 - b * height / 2
    shift_y = bitmap.height / 2 + b * width / 2 - a * height / 2
    matrix = (a, b, shift_x, -b, a, shift_y)
    turned = bitmap.transform((width, height), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    pixels = np.asarray(turned)
    mask = pixels[..., 3] > 127
    ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    cut = (slice(int(ys[0]), int(ys[-1]) + 1), slice(int(xs[0]), int(xs[-1]) + 1))
    mask = mask[cut]
    colour = pixels[cut][..., :3].astype(np.float32) * _tint(rng, glyph)
    coverage = pixels[cut][..., 3:].astype(np.float32) * np.float32(1 / 255)
    return Sprite(colour, coverage, mask)


def _tint(rng: np.random.Generator, glyph: Glyph) -> NDArray[np.float32]:
    """Gains of red, green and blue; a glyph with a promised colour only becomes lighter or darker."""
    gain = float(rng.uniform(0.84, 1.0))
    spread = 0.0 if glyph.colour else 0.07
    return np.minimum(gain + rng.uniform(-spread, spread, 3), 1.0).astype(np.float32)
