"""Pictures unlike the drawn world: photograph, still life, page, building.

Inside, most of them are planes of red, green and blue (3, height, width), which numpy adds up faster.
"""

import string
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Canvas = NDArray[np.float32]
Font = ImageFont.ImageFont | ImageFont.FreeTypeFont
Ink = tuple[int, int, int]
Box = tuple[int, int, int, int]

NATURAL = np.array(
    [
        (224, 186, 160), (186, 132, 102), (112, 74, 54), (152, 118, 82), (96, 72, 50), (130, 126, 118),
        (84, 84, 80), (178, 172, 160), (82, 96, 54), (54, 70, 40), (120, 124, 78), (150, 166, 180),
        (198, 204, 206), (92, 108, 124), (140, 88, 66), (60, 52, 48), (206, 190, 150), (34, 36, 38),
    ],
    np.float32,
)  # fmt: skip
"""Skin, wood, stone, leaf, sky, brick, sand and shadow."""
LETTERS = np.array(list(string.ascii_letters + string.digits + ".,;:-" + "etaoin" * 5))


def natural_scene(rng: np.random.Generator, height: int, width: int) -> Canvas:
    """Two to five lit, textured regions behind wavy borders, the far ones out of focus."""
    fine, coarse = texture(rng, height, width, 1.0), texture(rng, height, width, 1.9)
    ys, xs = unit_grid(height, width)
    pixels = _natural(rng) * (1 + 0.12 * coarse + rng.uniform(0, 0.15) * fine)
    across = rng.random() < 0.3
    along, over = (ys, xs) if across else (xs, ys)
    count = int(rng.integers(1, 4))
    for index, level in enumerate(sorted(rng.uniform(-0.9, 0.9, count).tolist())):
        if rng.random() < 0.8:
            pixels = _soft(pixels, rng.uniform(0.3, 3.0) * (count - index) / count)
        border = level + rng.uniform(-0.5, 0.5) * along + rng.uniform(0.03, 0.3) * _shifted(rng, coarse)
        border = border + rng.uniform(0, 0.12) * (rng.random() < 0.5) * _shifted(rng, fine)
        sharp = rng.uniform(15, 70)
        share = np.clip(0.5 + sharp * (over - border), 0, 1)
        grain = rng.uniform(0.06, 0.3) * _shifted(rng, fine) + 0.15 * _shifted(rng, coarse)
        light = 1 + rng.uniform(-0.4, 0.4) * along + grain
        shadow = 1 - 0.5 * np.clip(1 - 3 * np.abs(over - border), 0, 1) * rng.random()
        region = _natural(rng) * light + rng.uniform(0, 14) * _shifted(rng, coarse)
        pixels = pixels * shadow * (1 - share) + region * share
    return _expose(rng, pixels)


def still_life(rng: np.random.Generator, height: int, width: int) -> Canvas:
    """A few large lit ellipsoids or boxes, textured, with soft shadows before a blurred background."""
    fine, coarse = texture(rng, height, width, 1.1), texture(rng, height, width, 2.0)
    ys, xs = unit_grid(height, width)
    table = np.clip(0.5 + rng.uniform(2, 20) * (ys - rng.uniform(-0.2, 1.2)), 0, 1)
    back = _natural(rng) * (1 + 0.25 * coarse) * (1 - table)
    pixels = _soft(back + _natural(rng) * (1 + 0.12 * fine) * table, rng.uniform(1, 5))
    angle = rng.uniform(0, 2 * np.pi)
    sun = [float(np.cos(angle)) * 0.6, float(np.sin(angle)) * 0.6 - 0.2, 0.75]
    for _ in range(int(rng.integers(1, 5))):
        turned, sides = rng.uniform(-1.5, 1.5), rng.uniform(0.25, 0.85, 2).tolist()
        right, down = xs - rng.uniform(-0.7, 0.7), ys - rng.uniform(-0.5, 0.8)
        cosine, sine = float(np.cos(turned)), float(np.sin(turned))
        u = (cosine * right + sine * down) / sides[0]
        v = (cosine * down - sine * right) / sides[1]
        power = int(rng.choice([2, 2, 2, 6]))
        radius = _power(u + rng.uniform(0, 0.05) * coarse, power) + _power(v, power)
        cast = np.exp(-1.5 * ((u + sun[0] * 0.5) ** 2 + (v + sun[1] * 0.5 - 0.2) ** 2) ** 2)
        pixels = pixels * (1 - 0.55 * cast)
        depth = np.sqrt(np.clip(1 - radius, 0, 1))
        lambert = np.clip(sun[0] * u + sun[1] * v + sun[2] * depth + rng.uniform(0, 0.05) * fine, 0, 1)
        body = _natural(rng) * (0.2 + lambert)
        body = body * (1 + rng.uniform(0.02, 0.16) * _shifted(rng, fine) + 0.1 * coarse)
        body = body + (rng.uniform(0, 130) * _power(lambert, int(rng.choice([8, 16, 32]))))
        share = np.clip((1 - radius) * rng.uniform(8, 25), 0, 1)
        pixels = pixels * (1 - share) + body * share
    return _expose(rng, pixels)


def page(rng: np.random.Generator, height: int, width: int) -> Canvas:
    """A page or a screenshot: blocks of text, windows with buttons, tables and charts."""
    dark = rng.random() < 0.3
    paper = (
        rng.integers(10, 60, 3) if dark else np.minimum(255, rng.integers(225, 270) + rng.integers(0, 12, 3))
    )
    ink: Ink = (225, 225, 225) if dark else (int(rng.integers(0, 70)),) * 3
    image = Image.new("RGB", (width, height), as_ink(paper))
    draw = ImageDraw.Draw(image)
    columns, top = int(rng.choice([1, 1, 2, 3])), int(rng.integers(0, 14))
    if rng.random() < 0.55:
        top = _window(draw, rng, width, ink)
    margin = int(rng.integers(2, 14))
    step = (width - margin) // columns
    for column in range(columns):
        left, y = margin + column * step, top + 4
        while y < height - 6:
            bottom = min(height, y + int(rng.integers(18, 100)))
            part = (_text, _text, _text, _table, _chart)[int(rng.integers(5))]
            part(draw, rng, (left, y, left + step - margin, bottom), ink)
            y = bottom + int(rng.integers(4, 12))
    if rng.random() < 0.25:
        image = image.rotate(
            rng.uniform(-12, 12), Image.Resampling.BILINEAR, fillcolor=as_ink(_natural(rng)[:, 0, 0])
        )
    pixels = np.asarray(image, np.float32)
    if rng.random() < 0.3:
        pixels = pixels * (1 + rng.uniform(0.02, 0.12) * texture(rng, height, width, 1.8))[..., None]
    return as_float(pixels)


def building(rng: np.random.Generator, height: int, width: int) -> Canvas:
    """Planes in perspective with windows, bricks or tiles: a wall, a corner or a corridor."""
    fine = texture(rng, height, width, 1.0)
    ys, xs = unit_grid(height, width)
    right, down = xs - rng.uniform(-0.5, 0.5), ys - rng.uniform(-0.5, 0.5)
    kind = int(rng.integers(3))
    if kind == 0:
        depth = 1 / (np.maximum(np.abs(right) * rng.uniform(0.6, 1.4), np.abs(down)) + 0.12)
        side = np.abs(right) > np.abs(down)
        u, v, plane = depth * 1.5, np.where(side, down, right) * depth, side + 2 * (right + down > 0)
    elif kind == 1:
        slope = np.where(right > 0, rng.uniform(0.2, 1.2), -rng.uniform(0.2, 1.2))
        depth = 1 / (1 + np.clip(-slope * right, -0.8, 0.8) * float(rng.choice([-0.7, 0.7])))
        u, v, plane = right * depth * 2, down * depth * 1.5, (right > 0) * 1
    else:
        depth = 1 / (1 + rng.uniform(-0.35, 0.35) * right + rng.uniform(-0.35, 0.35) * down)
        u, v, plane = right * depth * 2, down * depth * 2, np.zeros((height, width), int)
    lit = _natural(rng)[:, 0] * rng.uniform(0.6, 1.3, 4) + rng.uniform(-8, 8, (3, 4))
    pixels = _facade(rng, as_float(lit)[:, plane], u * rng.uniform(1.2, 5), v * rng.uniform(1.2, 5))
    pixels = pixels * (1 + rng.uniform(0.04, 0.16) * fine)
    if kind == 0:
        pixels = pixels * np.clip(1.3 - 0.12 * depth * rng.uniform(0.2, 1), 0.1, 1)
    elif rng.random() < 0.5:
        edge = rng.uniform(-1, 0) + rng.uniform(-0.6, 0.6) * right + 0.01 * fine
        sky = _soft(_natural(rng) * (1 + 0.1 * _shifted(rng, fine)), 3)
        pixels = np.where((down < edge), sky, pixels)
    return _expose(rng, _soft(pixels, 0.6))


def texture(rng: np.random.Generator, height: int, width: int, power: float) -> Canvas:
    """Noise whose spectrum falls with this power of the frequency, of mean 0 and deviation 1."""
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    white = np.fft.rfft2(rng.standard_normal((height, width), dtype=np.float32))
    field = np.fft.irfft2(white * as_float(frequency + 1 / max(height, width)) ** -power, s=(height, width))
    return as_float((field - field.mean()) / (field.std() + 1e-9))


def blur(pixels: NDArray[np.floating], radius: float) -> Canvas:
    """The picture out of focus by this many pixels."""
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(radius)), np.float32)


def _soft(planes: NDArray[np.floating], radius: float) -> Canvas:
    return as_float(blur(planes.transpose(1, 2, 0), radius).transpose(2, 0, 1))


def _power(values: NDArray[np.floating], power: int) -> Canvas:
    """The 2nd, 6th, 8th, 16th or 32nd power by multiplication, which is faster than numpy's power."""
    squared = as_float(values * values)
    if power in (2, 6):
        return squared if power == 2 else squared * squared * squared
    return _power(squared, power // 2)


def _expose(rng: np.random.Generator, pixels: NDArray[np.floating]) -> Canvas:
    """The camera's part: light from one side, darker corners, a tint and the noise of the sensor."""
    ys, xs = unit_grid(*pixels.shape[1:])
    light = 1 + rng.uniform(-0.3, 0.3) * xs + rng.uniform(-0.3, 0.3) * ys
    light = light * (1 - rng.uniform(0, 0.3) * (xs**2 + ys**2))
    tint = as_float(rng.uniform(0.85, 1.35) * rng.uniform(0.94, 1.06, (3, 1, 1)))
    noise = rng.standard_normal(pixels.shape, dtype=np.float32) * rng.uniform(1, 9)
    return as_float(pixels * (light * tint) + noise).transpose(1, 2, 0)


def _facade(rng: np.random.Generator, wall: NDArray[np.floating], u: Canvas, v: Canvas) -> Canvas:
    """The wall with a grid of windows, or with the joints of bricks or tiles."""
    windows = rng.random() < 0.65
    if not windows:
        u, v = u * 2, v * 2
        u = as_float(u + 0.5 * (np.floor(v) % 2) * (rng.random() < 0.6))
    low, high = np.sort(rng.uniform(0.08, 0.32, 2)) if windows else np.array([0.04, 0.08])
    inside = (np.abs(u % 1 - 0.5) < 0.5 - low) & (np.abs(v % 1 - 0.5) < 0.5 - high)
    cells = np.floor(u).astype(int) * 37 + np.floor(v).astype(int) * 101
    shade = as_float(rng.uniform(0.5 if windows else 0.75, 1.25, 997))[cells % 997]
    if windows:
        return as_float(np.where(inside, _natural(rng) * 0.7 * shade, wall))
    return as_float(np.where(inside, wall * shade, _natural(rng)))


def _window(draw: ImageDraw.ImageDraw, rng: np.random.Generator, width: int, ink: Ink) -> int:
    """Draw a title bar and a row of buttons; where the rest may begin."""
    bar, row = int(rng.integers(8, 18)), int(rng.integers(10, 18))
    draw.rectangle((0, 0, width, bar), as_ink(rng.uniform(0, 255, 3)))
    draw.text((4, 0), _letters(rng, 14), ink, _font(8))
    for x in range(width - 8, width - 8 * int(rng.integers(2, 5)), -8):
        draw.rectangle((x, 3, x + 4, bar - 3), outline=ink)
    fill = as_ink(rng.uniform(90, 240, 3))
    for x in range(4, int(rng.integers(30, width)), 34):
        draw.rounded_rectangle((x, bar + 3, x + 29, bar + row), 3, fill, ink)
        draw.text((x + 4, bar + 3), _letters(rng, 5), ink, _font(7))
    return bar + row + 2


def _text(draw: ImageDraw.ImageDraw, rng: np.random.Generator, box: Box, ink: Ink) -> None:
    size, dashes = int(rng.choice([6, 7, 8, 9, 10, 12, 18])), rng.random() < 0.3
    for y in range(box[1], box[3] - size, int(size * rng.uniform(1.15, 1.7)) + 1):
        count = max(1, int((box[2] - box[0]) / size * rng.uniform(1.4, 1.9)))
        if not dashes:
            draw.text((box[0], y), _letters(rng, count), ink, _font(size))
            continue
        x = box[0]
        while x < box[2]:
            draw.rectangle((x, y, min(box[2], x + int(rng.integers(3, 20))), y + size // 3), ink)
            x += int(rng.integers(6, 26))


def _table(draw: ImageDraw.ImageDraw, rng: np.random.Generator, box: Box, ink: Ink) -> None:
    across, down = int(rng.integers(16, 40)), int(rng.integers(8, 16))
    for y in range(box[1], box[3] - down, down):
        for x in range(box[0], box[2] - across // 2, across):
            draw.rectangle((x, y, x + across, y + down), outline=ink)
            draw.text((x + 2, y), _letters(rng, across // 8), ink, _font(7))


def _chart(draw: ImageDraw.ImageDraw, rng: np.random.Generator, box: Box, ink: Ink) -> None:
    left, top, right, bottom = box
    draw.line([(left, top), (left, bottom - 2), (right, bottom - 2)], ink)
    step, fill = int(rng.integers(5, 16)), as_ink(rng.uniform(0, 255, 3))
    places = range(left + 3, right - step, step)
    tops = [int(rng.integers(top, bottom - 3)) for _ in places]
    if rng.random() < 0.4:
        draw.line(list(zip(places, tops, strict=True)), fill, 2)
        return
    for x, y in zip(places, tops, strict=True):
        draw.rectangle((x, y, x + step * 2 // 3, bottom - 3), fill)


def _letters(rng: np.random.Generator, count: int) -> str:
    letters = rng.choice(LETTERS, max(1, count))
    letters[rng.random(len(letters)) < 0.16] = " "
    return "".join(letters)


@cache
def _font(size: int) -> Font:
    return ImageFont.load_default(size)


def unit_grid(height: int, width: int) -> tuple[Canvas, Canvas]:
    """A column and a row of places from -1 to 1."""
    ys, xs = (np.linspace(-1, 1, side, dtype=np.float32) for side in (height, width))
    return ys[:, None], xs[None]


def _shifted(rng: np.random.Generator, field: Canvas) -> Canvas:
    return np.roll(field, tuple(int(rng.integers(side)) for side in field.shape), (0, 1))


def _natural(rng: np.random.Generator) -> Canvas:
    """A natural colour, as planes of one pixel."""
    colour = rng.choice(NATURAL) * rng.uniform(0.8, 1.3) + rng.uniform(-6, 6, 3)
    return as_float(colour[:, None, None])


def as_ink(colour: NDArray[np.number]) -> Ink:
    """The colour as PIL takes it."""
    red, green, blue = (int(value) for value in np.clip(colour, 0, 255))
    return red, green, blue


def as_points(points: NDArray[np.floating]) -> list[tuple[float, float]]:
    """The points as PIL takes them."""
    return [(float(x), float(y)) for x, y in points]


def as_float(values: NDArray[np.floating]) -> Canvas:
    """The values as the pictures hold them."""
    return np.asarray(values, np.float32)
