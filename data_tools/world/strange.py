"""Pictures unlike the drawn world, so that the model learns to say that it knows nothing in them."""

from collections.abc import Callable
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from .strange_scenes import (
    NATURAL,
    as_float,
    as_ink,
    as_points,
    blur,
    building,
    natural_scene,
    page,
    still_life,
    texture,
    unit_grid,
)
from .truth import Scene

Canvas = NDArray[np.float32]


def render_strange(rng: np.random.Generator, *, size_hw: tuple[int, int] | None = None) -> Scene:
    """Draw plain patterns, or what looks like a photograph, a sketch, a page, a painting or a building.

    The scene has no things and no place.

    Args:
        rng: source of randomness.
        size_hw: height and width in pixels; sides of 128 to 192 by default.
    """
    seed = int(rng.integers(2**62))
    own = np.random.default_rng(seed)
    height, width = size_hw or (int(own.integers(128, 193)), int(own.integers(128, 193)))
    families = tuple(FAMILIES.items())
    draw, _ = families[int(own.choice(len(families), p=list(FAMILIES.values())))]
    pixels = draw(own, height, width)
    if own.random() < (0.5 if draw in PATTERNS else 0.15):
        pixels = pixels + own.normal(0, own.uniform(2, 25), pixels.shape).astype(np.float32)
    return Scene(_develop(own, pixels), (), "", seed)


def _develop(rng: np.random.Generator, pixels: Canvas) -> NDArray[np.uint8]:
    """The picture as it is passed on: sometimes blurred, with another contrast, or saved as JPEG."""
    if rng.random() < 0.15:
        pixels = blur(pixels, rng.uniform(0.4, 2.0))
    if rng.random() < 0.4:
        pixels = (pixels - 128) * np.float32(rng.uniform(0.5, 1.3)) + np.float32(128 + rng.uniform(-25, 25))
    shown = np.clip(pixels, 0, 255).astype(np.uint8)
    if rng.random() < 0.35:
        file = BytesIO()
        Image.fromarray(shown).save(file, "JPEG", quality=int(rng.integers(25, 95)))
        shown = np.array(Image.open(file))
    return shown


def _colour(rng: np.random.Generator) -> Canvas:
    return rng.uniform(0, 255, 3).astype(np.float32)


def _noise(rng: np.random.Generator, height: int, width: int) -> Canvas:
    grey = rng.random() < 0.4
    values = rng.uniform(0, 255, (height, width, 1 if grey else 3)).astype(np.float32)
    return np.broadcast_to(values, (height, width, 3)).astype(np.float32)


def _clouds(rng: np.random.Generator, height: int, width: int) -> Canvas:
    """Noise with a falling spectrum, as many real textures have it, mixed between three colours."""
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]) + 1 / max(
        height, width
    )
    fields = []
    for _ in range(2):
        white = np.fft.rfft2(rng.normal(size=(height, width)))
        field = np.fft.irfft2(white * frequency ** -rng.uniform(0.8, 2.0), s=(height, width))
        fields.append(((field - field.min()) / (np.ptp(field) + 1e-9)).astype(np.float32)[..., None])
    first, second = fields
    mixed = _colour(rng) * first + _colour(rng) * (1 - first)
    return np.asarray(mixed * (0.5 + 0.5 * second) + _colour(rng) * 0.5 * (1 - second), np.float32)


def _gradient(rng: np.random.Generator, height: int, width: int) -> Canvas:
    angle = rng.uniform(0, 2 * np.pi)
    ys, xs = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    share = (np.cos(angle) * (xs - 0.5) + np.sin(angle) * (ys - 0.5) + 0.71)[..., None] / 1.42
    return np.asarray(_colour(rng) * share + _colour(rng) * (1 - share), np.float32)


def _stripes(rng: np.random.Generator, height: int, width: int) -> Canvas:
    angle, period = rng.uniform(0, np.pi), rng.uniform(6, 50)
    ys, xs = np.mgrid[0:height, 0:width]
    wave = np.sin(2 * np.pi * (np.cos(angle) * xs + np.sin(angle) * ys) / period)[..., None]
    share = (wave > 0).astype(np.float32) if rng.random() < 0.5 else (wave + 1) / 2
    return np.asarray(_colour(rng) * share + _colour(rng) * (1 - share), np.float32)


def _blocks(rng: np.random.Generator, height: int, width: int) -> Canvas:
    pixels = np.broadcast_to(_colour(rng), (height, width, 3)).astype(np.float32).copy()
    for _ in range(int(rng.integers(3, 40))):
        top, left = int(rng.integers(height)), int(rng.integers(width))
        pixels[top : top + int(rng.integers(4, 80)), left : left + int(rng.integers(4, 80))] = _colour(rng)
    return pixels


def _sketch(rng: np.random.Generator, height: int, width: int) -> Canvas:
    """Strokes, curves, polygons and hatching on grained paper, sometimes light on dark."""
    image = Image.new("L", (width * 2, height * 2), 255)
    draw, side = ImageDraw.Draw(image), max(height, width) * 2
    for _ in range(int(rng.integers(3, 22))):
        centre, reach = rng.uniform(0, side, 2), side * rng.uniform(0.05, 0.5)
        ink, line = int(rng.integers(0, 130)), int(rng.integers(1, 6))
        kind = int(rng.integers(4))
        if kind == 0:
            turns = np.cumsum(np.cumsum(rng.normal(0, 0.12, 60)))
            steps = np.stack([np.cos(turns), np.sin(turns)], 1) * reach / 12
            draw.line(as_points(centre + np.cumsum(steps, 0)), ink, line, joint="curve")
        elif kind == 1:
            points = as_points(centre + reach * rng.uniform(-1, 1, (int(rng.integers(3, 7)), 2)))
            draw.line([*points, points[0]], ink, line)
        elif kind == 2:
            span = reach * rng.uniform(0.2, 1, 2)
            start = rng.uniform(0, 360)
            draw.arc([*(centre - span), *(centre + span)], start, start + rng.uniform(60, 360), ink, line)
        else:
            angle, gap = rng.uniform(0, np.pi), rng.uniform(5, 14)
            way = np.array([np.cos(angle), np.sin(angle)])
            for step in np.arange(-reach / 2, reach / 2, gap):
                middle = centre + step * way[::-1] * (-1, 1) + rng.normal(0, 2, 2)
                half = way * reach * rng.uniform(0.3, 0.5)
                draw.line(as_points(np.stack([middle - half, middle + half])), ink, max(1, line // 2))
    grain = texture(rng, height, width, 1.0)
    strokes = np.asarray(image.reduce(2), np.float32)[..., None] / 255
    strokes = 1 - (1 - strokes) * np.clip(1 + 0.2 * grain, 0, 1.2)[..., None]
    dark = rng.uniform(0, 70, 3) if rng.random() < 0.3 else np.full(3, rng.uniform(0, 60))
    light = rng.uniform(200, 255) + rng.uniform(-25, 6, 3) * (rng.random() < 0.6)
    paper, ink_colour = (dark, light) if rng.random() < 0.25 else (light, dark)
    return as_float(ink_colour + (paper - ink_colour) * strokes + rng.uniform(0, 7) * grain[..., None])


def _painting(rng: np.random.Generator, height: int, width: int) -> Canvas:
    """Translucent polygons and circles, or a mosaic of cells, under the grain of paint."""
    grain = texture(rng, height, width, 0.9)
    palette = NATURAL if rng.random() < 0.3 else rng.uniform(0, 255, (int(rng.integers(3, 9)), 3))
    if rng.random() < 0.45:
        pixels = _cells(rng, height, width, palette)
    else:
        image = Image.new("RGB", (width, height), as_ink(rng.choice(palette)))
        draw, side = ImageDraw.Draw(image, "RGBA"), max(height, width)
        for _ in range(int(rng.integers(5, 40))):
            fill = (*as_ink(rng.choice(palette)), int(rng.integers(60, 256)))
            centre, reach = rng.uniform(0, side, 2), side * rng.uniform(0.05, 0.5)
            if rng.random() < 0.3:
                draw.ellipse([*(centre - reach / 2), *(centre + reach / 2)], fill)
            else:
                corners = centre + reach * rng.uniform(-1, 1, (int(rng.integers(3, 6)), 2))
                draw.polygon(as_points(corners), fill)
        pixels = np.asarray(image, np.float32)
    relief = grain - np.roll(grain, 1, (0, 1))
    return as_float(pixels * (1 + rng.uniform(0, 0.15) * grain + rng.uniform(0, 0.15) * relief)[..., None])


def _cells(rng: np.random.Generator, height: int, width: int, palette: NDArray[np.floating]) -> Canvas:
    """Voronoi cells, square when the distance is the largest of both sides, with or without joints."""
    ys, xs = unit_grid(height, width)
    seeds = rng.uniform(-1, 1, (int(rng.integers(8, 40)), 2)).astype(np.float32)
    across, down = np.abs(xs - seeds[:, 0, None, None]), np.abs(ys - seeds[:, 1, None, None])
    away = across + down if rng.random() < 0.3 else across * across + down * down
    nearest = away.argmin(0)
    pixels = palette[rng.integers(len(palette), size=len(seeds))] * rng.uniform(0.7, 1.2, (len(seeds), 1))
    joints = (nearest != np.roll(nearest, 1, 0)) | (nearest != np.roll(nearest, 1, 1))
    shown = pixels[nearest]
    return as_float(
        np.where(joints[..., None], rng.choice([20, 230]), shown) if rng.random() < 0.6 else shown
    )


PATTERNS = (_noise, _clouds, _gradient, _stripes, _blocks)
FAMILIES: dict[Callable[[np.random.Generator, int, int], Canvas], float] = {
    **dict(zip(PATTERNS, (0.05, 0.12, 0.05, 0.06, 0.07), strict=True)),
    natural_scene: 0.17,
    still_life: 0.13,
    _sketch: 0.09,
    page: 0.1,
    _painting: 0.07,
    building: 0.09,
}
"""How often each family is drawn."""
