"""What a camera and a file do to a picture: noise, blur and JPEG artefacts."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

BLUR_SHARE, NOISE_SHARE, JPEG_SHARE = 0.2, 0.4, 0.3
_NOISE_PX = 256


@cache
def _noise_field() -> NDArray[np.float32]:
    """A fixed field of unit noise (_NOISE_PX, _NOISE_PX, 3), of which each picture takes another window."""
    return np.random.default_rng(99).standard_normal((_NOISE_PX, _NOISE_PX, 3)).astype(np.float32)


def _noise(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    if max(height, width) > _NOISE_PX:
        return rng.standard_normal((height, width, 3)).astype(np.float32)
    top, left = rng.integers(_NOISE_PX - height + 1), rng.integers(_NOISE_PX - width + 1)
    window = _noise_field()[top : top + height, left : left + width]
    if rng.random() < 0.5:
        window = window[::-1]
    return window[..., rng.permutation(3)] if rng.random() < 0.5 else window[..., :1]


def photograph(rng: np.random.Generator, pixels: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Turn colours (H, W, 3) into the final uint8 picture, some with blur, noise or JPEG artefacts."""
    height, width = pixels.shape[:2]
    if rng.random() < NOISE_SHARE:
        pixels = pixels + np.float32(rng.uniform(1.5, 9.0)) * _noise(rng, height, width)
    picture = np.clip(pixels, 0, 255).astype(np.uint8)
    if rng.random() < BLUR_SHARE:
        blur = ImageFilter.GaussianBlur(float(rng.uniform(0.3, 0.9)))
        picture = np.asarray(Image.fromarray(picture).filter(blur))
    if rng.random() < JPEG_SHARE:
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "JPEG", quality=int(rng.integers(40, 91)))
        picture = np.asarray(Image.open(file))
    return np.ascontiguousarray(picture)
