"""Procedural backgrounds: fifteen kinds of places painted from gradients, smooth noise and simple shapes.

Each process paints a small pool of canvases per place and split when first asked and then cuts windows out of
it, since painting costs about ten times as much as cutting. A pool depends on (split, place, variant) only,
so the picture at an index is the same in every process. No place holds a shape that could pass for an object.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from .canvas import (
    CANVAS_PX,
    Canvas,
    blend,
    draw,
    fill,
    ground,
    horizon,
    rgb,
    sky,
    smooth_noise,
    speckle,
    varied,
)
from .truth import split_code
from .vocabulary import PLACES

VARIANTS = 24
"""Canvases per place and split."""

Painter = Callable[[np.random.Generator], Canvas]


def _beach(rng: np.random.Generator) -> Canvas:
    sea_level, sand_level = rng.uniform(0.24, 0.36), rng.uniform(0.46, 0.58)
    sea = blend(varied(rng, (24, 132, 178)), varied(rng, (110, 206, 214)), sea_level, sand_level)
    canvas = ground(sky(rng, sea_level), horizon(rng, sea_level, 2, 0.0), sea)
    sand = blend(varied(rng, (236, 214, 160)), varied(rng, (222, 186, 124)), sand_level, 1.0)
    sand += 7 * smooth_noise(rng, 24, 10)[..., None]
    shore = horizon(rng, sand_level, 4, 0.03)
    foam = shore & ~np.roll(shore, 5, axis=0)
    canvas = ground(canvas, shore, speckle(rng, sand, 5.0))
    return ground(canvas, foam, np.full_like(canvas, 242.0))


def _desert(rng: np.random.Generator) -> Canvas:
    level = rng.uniform(0.3, 0.45)
    canvas = blend(varied(rng, (240, 196, 120)), varied(rng, (252, 230, 178)), 0.0, level)
    for step in range(4):
        dune = blend(
            varied(rng, (228, 158 - 6 * step, 84 - 5 * step), 8), varied(rng, (186, 112, 52), 8), level, 1.1
        )
        ripples = np.sin(np.linspace(0, 60 + 20 * step, CANVAS_PX, dtype=np.float32))[:, None, None] * 5
        canvas = ground(canvas, horizon(rng, level + 0.15 * step, 3, 0.09), dune + ripples)
    return speckle(rng, canvas, 4.0)


def _meadow(rng: np.random.Generator) -> Canvas:
    level = rng.uniform(0.3, 0.44)
    grass = blend(varied(rng, (142, 198, 84)), varied(rng, (60, 140, 44)), level, 1.0)
    blades = rng.normal(0, 1, (CANVAS_PX // 4, CANVAS_PX)).repeat(4, axis=0).astype(np.float32)
    grass += 9 * blades[..., None] + 8 * smooth_noise(rng, 8, 8)[..., None]
    return ground(sky(rng, level), horizon(rng, level, 3, 0.07), grass)


def _forest(rng: np.random.Generator) -> Canvas:
    canvas = blend(varied(rng, (44, 92, 52)), varied(rng, (26, 56, 34)))
    canvas += 16 * smooth_noise(rng, 18, 18)[..., None]
    level = rng.uniform(0.7, 0.84)

    def trunks(draw: ImageDraw.ImageDraw) -> None:
        for _ in range(int(rng.integers(7, 12))):
            x, width = rng.uniform(0, CANVAS_PX), rng.uniform(5, 15)
            foot = CANVAS_PX * (level + rng.uniform(0.0, 0.1))
            tone = varied(rng, (74, 54, 38), 16)
            lean = rng.uniform(-6, 6)
            draw.polygon(
                [(x + lean, 0), (x + lean + width * 0.8, 0), (x + width, foot), (x, foot)], fill=fill(tone)
            )

    canvas = draw(canvas, trunks)
    floor = blend(varied(rng, (70, 92, 40)), varied(rng, (78, 66, 36)), level, 1.0)
    canvas = ground(canvas, horizon(rng, level, 6, 0.03), floor + 12 * smooth_noise(rng, 30, 30)[..., None])
    fade = np.linspace(0, 4.5, CANVAS_PX, dtype=np.float32)[:, None]
    crown = np.clip(smooth_noise(rng, 14, 14) + 1.2 - fade, 0, 1)[..., None]
    leaves = rgb(varied(rng, (52, 118, 50))) + 26 * smooth_noise(rng, 40, 40)[..., None]
    crowned: Canvas = canvas * (1 - crown) + leaves * crown
    return crowned


def _street(rng: np.random.Generator) -> Canvas:
    level = rng.uniform(0.52, 0.66)
    canvas = blend(varied(rng, (168, 186, 204)), varied(rng, (214, 216, 220)), 0.0, level)

    def buildings(draw: ImageDraw.ImageDraw) -> None:
        x = -rng.uniform(0, 20)
        while x < CANVAS_PX:
            width, top = rng.uniform(32, 62), CANVAS_PX * rng.uniform(0.02, level - 0.22)
            base = np.array(varied(rng, (140, 128, 122), 34))
            foot = CANVAS_PX * level
            draw.rectangle((x, top, x + width - 2, foot), fill=fill((base[0], base[1], base[2])))
            pane = (
                (236, 222, 150)
                if rng.random() < 0.3
                else fill((base[0] * 0.5, base[1] * 0.55, base[2] * 0.65))
            )
            for wy in np.arange(top + 6, foot - 10, 13):
                for wx in np.arange(x + 5, x + width - 9, 11):
                    draw.rectangle((wx, wy, wx + 5, wy + 7), fill=pane)
            x += width

    canvas = draw(canvas, buildings)
    asphalt = blend(varied(rng, (104, 104, 108), 8), varied(rng, (72, 72, 78), 8), level, 1.0)
    canvas = speckle(rng, ground(canvas, horizon(rng, level, 2, 0.0), asphalt), 4.0)
    offset = rng.uniform(0, 40)

    def marks(draw: ImageDraw.ImageDraw) -> None:
        draw.rectangle((0, CANVAS_PX * level, CANVAS_PX, CANVAS_PX * level + 9), fill=(176, 172, 166))
        y = CANVAS_PX * (level + 1.0) / 2 + 4
        for x in np.arange(-offset, CANVAS_PX, 44):
            draw.rectangle((x, y, x + 24, y + 4), fill=(232, 232, 224))

    return draw(canvas, marks)


def _snow(rng: np.random.Generator) -> Canvas:
    level = rng.uniform(0.34, 0.5)
    canvas = blend(varied(rng, (158, 178, 204)), varied(rng, (214, 224, 236)), 0.0, level)
    drift = blend(varied(rng, (246, 249, 254), 4), varied(rng, (206, 220, 240), 6), level, 1.0)
    canvas = ground(canvas, horizon(rng, level, 3, 0.06), drift + 7 * smooth_noise(rng, 7, 4)[..., None])
    ys, xs = rng.integers(1, CANVAS_PX - 1, (2, int(rng.integers(60, 220))))
    for dy, dx in ((0, 0), (0, 1), (1, 0), (1, 1)):
        canvas[ys + dy - 1, xs + dx - 1] = 254.0
    return canvas


def _sea(rng: np.random.Generator) -> Canvas:
    level = rng.uniform(0.16, 0.3)
    water = blend(varied(rng, (38, 112, 172)), varied(rng, (10, 54, 112)), level, 1.0)
    rows = np.linspace(0, 1, CANVAS_PX, dtype=np.float32)[:, None]
    phase = (
        smooth_noise(rng, 6, 6) * 3 + np.linspace(0, rng.uniform(10, 20), CANVAS_PX, dtype=np.float32)[None]
    )
    waves = np.sin(38 * np.sqrt(rows) * 2 + phase)
    water += (16 * waves + 34 * (waves > 0.93))[..., None]
    return ground(sky(rng, level), horizon(rng, level, 2, 0.0), water)


def _living_room(rng: np.random.Generator) -> Canvas:
    level = rng.uniform(0.6, 0.72)
    tones = ((222, 196, 168), (196, 208, 186), (214, 190, 198), (226, 214, 178))
    wall = rgb(varied(rng, tones[int(rng.integers(len(tones)))], 10))
    width = int(rng.integers(9, 18))
    stripes = ((np.arange(CANVAS_PX) // width) % 2).astype(np.float32)[None, :, None] * -12
    canvas = np.broadcast_to(wall, (CANVAS_PX, CANVAS_PX, 3)) + stripes
    floor = blend(varied(rng, (168, 112, 66)), varied(rng, (130, 82, 46)), level, 1.0)
    floor += 8 * smooth_noise(rng, 60, 6)[..., None]
    rows = np.arange(CANVAS_PX)
    floor[(rows % 14) == 0] *= 0.72
    canvas = ground(canvas.astype(np.float32), horizon(rng, level, 2, 0.0), floor)
    board = int(CANVAS_PX * level)
    canvas[board - 8 : board] = rgb((244, 240, 232))
    canvas[board - 9] = rgb((168, 160, 150))
    return canvas


def _kitchen(rng: np.random.Generator) -> Canvas:
    level, tile = rng.uniform(0.56, 0.68), int(rng.integers(18, 27))
    tone = rgb(varied(rng, (208, 228, 228), 12))
    rows, columns = np.arange(CANVAS_PX)[:, None], np.arange(CANVAS_PX)[None]
    checks = (((rows // tile) + (columns // tile)) % 2).astype(np.float32)[..., None]
    canvas = tone - checks * rgb(varied(rng, (52, 30, 22), 10))
    joints = (rows % tile == 0) | (columns % tile == 0)
    canvas = ground(canvas, joints, np.full_like(canvas, 250.0))
    cabinet = rgb(varied(rng, (234, 228, 218), 8)) + np.zeros_like(canvas)
    cabinet[:, (np.arange(CANVAS_PX) % 62) < 2] = 150.0
    canvas = ground(canvas, horizon(rng, level + 0.07, 2, 0.0), cabinet)
    edge = int(CANVAS_PX * level)
    canvas[edge : edge + 15] = rgb(varied(rng, (110, 104, 106), 14))
    canvas[edge : edge + 3] = 190.0
    return canvas


def _mountains(rng: np.random.Generator) -> Canvas:
    canvas = sky(rng, 0.6)
    columns = np.arange(CANVAS_PX, dtype=np.float32)
    rows = np.arange(CANVAS_PX, dtype=np.float32)[:, None]
    for layer in range(2):
        ridge = np.full(CANVAS_PX, CANVAS_PX * (0.62 + 0.14 * layer), np.float32)
        for _ in range(4):
            peak = CANVAS_PX * (rng.uniform(0.14, 0.34) + 0.3 * layer)
            slope = rng.uniform(0.8, 1.5)
            ridge = np.minimum(ridge, peak + slope * np.abs(columns - rng.uniform(0, CANVAS_PX)))
        jagged = ridge + 4 * smooth_noise(rng, 2, 30)[0]
        depth = rows - jagged[None]
        rock = rgb(varied(rng, (120 - 22 * layer, 122 - 18 * layer, 136 - 24 * layer), 10))
        stone = rock + 22 * smooth_noise(rng, 10, 16)[..., None]
        canvas = ground(canvas, depth > 0, stone)
        if layer == 0:
            snow = (depth > 0) & (rows + 9 * smooth_noise(rng, 2, 26)[0][None] < CANVAS_PX * 0.44)
            canvas = ground(
                canvas, snow, np.full_like(canvas, 244.0) + 6 * smooth_noise(rng, 10, 10)[..., None]
            )
    return canvas


def _space(rng: np.random.Generator) -> Canvas:
    canvas = np.zeros((CANVAS_PX, CANVAS_PX, 3), np.float32) + rgb(varied(rng, (14, 12, 34), 8))
    for tone in ((96, 40, 130), (30, 70, 140), (130, 40, 80)):
        glow = np.clip(smooth_noise(rng, 4, 4) + 0.5 * smooth_noise(rng, 9, 9) - 0.2, 0, 1)[..., None]
        canvas += glow * rgb(tone) * float(rng.uniform(0.0, 0.7))
    ys, xs = rng.integers(0, CANVAS_PX, (2, int(rng.integers(120, 320))))
    canvas[ys, xs] = rng.uniform(120, 255, (len(ys), 1)).astype(np.float32)
    return canvas


def _sunset(rng: np.random.Generator) -> Canvas:
    level, middle = rng.uniform(0.66, 0.78), rng.uniform(0.35, 0.45)
    upper = blend(varied(rng, (92, 54, 128)), varied(rng, (232, 96, 96)), 0.0, middle)
    lower = blend(varied(rng, (232, 96, 96)), varied(rng, (254, 190, 92)), middle, level)
    rows = np.linspace(0, 1, CANVAS_PX, dtype=np.float32)
    canvas = np.where((rows < middle)[:, None, None], upper, lower)
    bands = np.clip(smooth_noise(rng, 16, 3), 0, 1)[..., None] * rng.uniform(10, 45)
    canvas = canvas - bands * rgb((0.4, 1.0, 0.5))
    dark = rgb(varied(rng, (52, 30, 50), 8)) + 6 * smooth_noise(rng, 20, 20)[..., None]
    return ground(canvas.astype(np.float32), horizon(rng, level, 5, 0.05), dark)


def _seabed(rng: np.random.Generator) -> Canvas:
    canvas = blend(varied(rng, (70, 186, 196)), varied(rng, (8, 74, 104)))
    columns = np.arange(CANVAS_PX, dtype=np.float32)
    rows = np.arange(CANVAS_PX, dtype=np.float32)[:, None]
    rays = np.zeros((CANVAS_PX, CANVAS_PX), np.float32)
    for _ in range(int(rng.integers(3, 7))):
        centre = rng.uniform(-20, CANVAS_PX) + rows * rng.uniform(0.1, 0.5)
        rays += np.exp(-(((columns[None] - centre) / rng.uniform(5, 13)) ** 2)) * (1 - rows / CANVAS_PX)
    canvas += 46 * np.clip(rays, 0, 1.2)[..., None]
    level = rng.uniform(0.78, 0.9)
    sand = blend(varied(rng, (118, 156, 130)), varied(rng, (84, 122, 108)), level, 1.0)
    canvas = ground(canvas, horizon(rng, level, 5, 0.04), speckle(rng, sand, 7.0))

    def bubbles(draw: ImageDraw.ImageDraw) -> None:
        for _ in range(int(rng.integers(5, 18))):
            x, y, r = rng.uniform(0, CANVAS_PX), rng.uniform(0, CANVAS_PX * 0.8), rng.uniform(1.5, 4)
            draw.ellipse((x - r, y - r, x + r, y + r), outline=(186, 232, 236))

    return draw(canvas, bubbles)


def _stage(rng: np.random.Generator) -> Canvas:
    level = rng.uniform(0.68, 0.8)
    columns = np.linspace(0, rng.uniform(50, 90), CANVAS_PX, dtype=np.float32)
    folds = np.sin(columns + 1.2 * np.sin(columns * 0.23))[None, :, None]
    canvas = blend(varied(rng, (132, 20, 34), 10), varied(rng, (96, 10, 24), 8)) + folds * rgb((34, 8, 10))
    floor = blend(varied(rng, (150, 100, 58)), varied(rng, (186, 130, 78)), level, 1.0)
    floor[:, (np.arange(CANVAS_PX) % 17) == 0] *= 0.8
    canvas = ground(canvas.astype(np.float32), horizon(rng, level, 2, 0.0), floor)
    rows = np.linspace(0, 1, CANVAS_PX, dtype=np.float32)[:, None]
    light = np.zeros((CANVAS_PX, CANVAS_PX), np.float32)
    for centre in rng.uniform(0.1, 0.9, 2):
        spread = np.abs(np.linspace(0, 1, CANVAS_PX, dtype=np.float32)[None] - centre) / (0.06 + 0.26 * rows)
        light += np.clip(1.1 - spread, 0, 1)
    return canvas * (0.72 + 0.5 * np.clip(light, 0, 1.2)[..., None])


def _wheat_field(rng: np.random.Generator) -> Canvas:
    level, vanish = rng.uniform(0.28, 0.42), rng.uniform(0.25, 0.75)
    rows = np.linspace(0, 1, CANVAS_PX, dtype=np.float32)[:, None]
    columns = np.linspace(0, 1, CANVAS_PX, dtype=np.float32)[None]
    angle = (columns - vanish) / np.maximum(rows - level + 0.05, 0.02)
    furrows = np.sin(angle * rng.uniform(16, 26))
    wheat = blend(varied(rng, (232, 194, 92)), varied(rng, (204, 152, 44)), level, 1.0)
    wheat += np.where(furrows > 0.3, -52, 6)[..., None] * rgb((0.9, 0.9, 0.5))
    stalks = rng.normal(0, 8, (CANVAS_PX // 4, CANVAS_PX)).repeat(4, axis=0).astype(np.float32)
    return ground(sky(rng, level), horizon(rng, level, 2, 0.01), wheat + stalks[..., None])


PAINTERS: dict[str, Painter] = {
    "beach": _beach,
    "desert": _desert,
    "meadow": _meadow,
    "forest": _forest,
    "city street": _street,
    "snow field": _snow,
    "sea": _sea,
    "living room": _living_room,
    "kitchen": _kitchen,
    "mountains": _mountains,
    "space": _space,
    "sunset": _sunset,
    "seabed": _seabed,
    "stage": _stage,
    "wheat field": _wheat_field,
}


@cache
def _canvas(split: str, place: str, variant: int) -> Image.Image:
    index = next(number for number, item in enumerate(PLACES) if item.name == place)
    rng = np.random.default_rng(np.random.SeedSequence([7001, split_code(split), index, variant]))
    return Image.fromarray(np.clip(PAINTERS[place](rng), 0, 255).astype(np.uint8))


def render_place(
    rng: np.random.Generator, place: str, split: str, size_hw: tuple[int, int]
) -> NDArray[np.uint8]:
    """A background (H, W, 3) uint8: a random window of a random canvas of this place, perhaps mirrored."""
    image = _canvas(split, place, int(rng.integers(VARIANTS)))
    height, width = size_hw
    zoom = float(rng.uniform(0.8, 1.0)) * CANVAS_PX / max(height, width)
    # A slight squeeze keeps the horizon, which tells the place, inside wide pictures.
    box_h, box_w = min(CANVAS_PX, height * zoom * 1.2), min(CANVAS_PX, width * zoom * 1.2)
    top = float(rng.uniform(0.0, 1.0)) * (CANVAS_PX - box_h)
    left = float(rng.uniform(0.0, 1.0)) * (CANVAS_PX - box_w)
    box = (left, top, left + box_w, top + box_h)
    pixels = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR, box=box))
    if rng.random() < 0.5:
        pixels = pixels[:, ::-1]
    gain, shift = rng.uniform(0.88, 1.1), rng.uniform(-8, 8)
    table = np.clip(np.arange(256) * gain + shift, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(table[pixels])
