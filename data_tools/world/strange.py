"""Pictures unlike the drawn world, so that the model learns to say that it knows nothing in them."""

import numpy as np
from numpy.typing import NDArray

from .truth import Scene

Canvas = NDArray[np.float32]


def render_strange(rng: np.random.Generator, *, size_hw: tuple[int, int] | None = None) -> Scene:
    """Draw noise, clouds, gradients, stripes or blocks of colour: a scene without things and without a place.

    Args:
        rng: source of randomness.
        size_hw: height and width in pixels; sides of 128 to 192 by default.
    """
    seed = int(rng.integers(2**62))
    own = np.random.default_rng(seed)
    height, width = size_hw or (int(own.integers(128, 193)), int(own.integers(128, 193)))
    draw = (_noise, _clouds, _gradient, _stripes, _blocks)[
        int(own.choice(5, p=[0.15, 0.35, 0.15, 0.15, 0.2]))
    ]
    pixels = draw(own, height, width)
    if own.random() < 0.5:
        pixels = pixels + own.normal(0, own.uniform(2, 25), pixels.shape).astype(np.float32)
    return Scene(np.clip(pixels, 0, 255).astype(np.uint8), (), "", seed)


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
