"""Outlines: what a path encloses is the mask it was made of."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bubo.server.paths import MAX_POINTS, PATH_PATTERN, box_to_path, mask_to_path

Mask = NDArray[np.bool_]


def points_of(path: str) -> list[NDArray[np.float64]]:
    return [
        np.array([[float(n) for n in point.split(",")] for point in loop.split("L")])
        for loop in re.findall(r"M([^Z]+)Z", path)
    ]


def fill(path: str, size_hw: tuple[int, int]) -> Mask:
    """The pixels whose centres a path encloses by the even-odd rule."""
    height, width = size_hw
    crossings = np.zeros((height, width + 1), np.int64)
    for loop in points_of(path):
        for (x0, y0), (x1, y1) in zip(loop, np.roll(loop, -1, axis=0), strict=True):
            low, high = sorted((y0, y1))
            for row in range(max(0, int(np.ceil(low - 0.5))), min(height, int(np.ceil(high - 0.5)))):
                x = x0 + (row + 0.5 - y0) * (x1 - x0) / (y1 - y0)
                crossings[row, min(width, max(0, int(np.ceil(x - 0.5))))] += 1
    inside: Mask = np.cumsum(crossings, axis=1)[:, :width] % 2 == 1
    return inside


def iou(a: Mask, b: Mask) -> float:
    return float((a & b).sum() / (a | b).sum())


def grid(height: int, width: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    ys, xs = np.mgrid[:height, :width]
    return ys + 0.5, xs + 0.5


def disc(radius: float = 100, size: int = 240) -> Mask:
    ys, xs = grid(size, size)
    return (ys - size / 2) ** 2 + (xs - size / 2) ** 2 < radius**2


def ring() -> Mask:
    return disc(150, 400) & ~disc(90, 400)


def star() -> Mask:
    ys, xs = grid(500, 500)
    angle, distance = np.arctan2(ys - 250, xs - 250), np.hypot(ys - 250, xs - 250)
    return distance < 150 + 60 * np.sin(7 * angle)


def cloud() -> Mask:
    ys, xs = grid(480, 640)
    rng = np.random.default_rng(5)
    found = np.zeros((480, 640), bool)
    for _ in range(30):
        y, x, radius = rng.uniform(150, 330), rng.uniform(150, 490), rng.uniform(20, 70)
        found |= (ys - y) ** 2 + (xs - x) ** 2 < radius**2
    return found


def two_parts() -> Mask:
    return np.roll(disc(60, 300), 70, axis=1) | np.roll(disc(30, 300), -90, axis=1)


def slanted() -> Mask:
    ys, xs = grid(600, 600)
    return (np.abs(ys - xs) < 60) & (np.abs(ys + xs - 600) < 400)


def large() -> Mask:
    return disc(1400, 3000)


SHAPES = (disc, ring, star, cloud, two_parts, slanted, large)


@pytest.mark.parametrize("make", SHAPES, ids=lambda make: make.__name__)
def test_ordinary_shapes_survive(make) -> None:  # type: ignore[no-untyped-def]
    mask = make()
    path = mask_to_path(mask)
    assert PATH_PATTERN.fullmatch(path)
    assert sum(len(loop) for loop in points_of(path)) <= MAX_POINTS
    assert iou(fill(path, mask.shape), mask) >= 0.99


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.data())
def test_small_masks_are_exact(height: int, width: int, data: st.DataObject) -> None:
    bits = data.draw(st.lists(st.booleans(), min_size=height * width, max_size=height * width))
    mask = np.array(bits).reshape(height, width)
    path = mask_to_path(mask)
    assert np.array_equal(fill(path, mask.shape), mask)


@pytest.mark.parametrize("seed", range(3))
def test_noise_stays_within_the_limits(seed: int) -> None:
    mask = np.random.default_rng(seed).random((700, 700)) < 0.5
    path = mask_to_path(mask)
    assert PATH_PATTERN.fullmatch(path)
    assert 3 <= sum(len(loop) for loop in points_of(path)) <= MAX_POINTS


def test_few_points_keep_the_large_parts() -> None:
    mask = disc() | np.roll(np.eye(240, dtype=bool), 100, axis=1)
    kept = fill(mask_to_path(mask, 40), mask.shape)
    assert iou(kept, disc()) > 0.95


def test_an_empty_mask_has_no_path() -> None:
    assert mask_to_path(np.zeros((4, 5), bool)) == ""


def test_a_box_is_four_points() -> None:
    assert box_to_path((1.0, 2.25, 30.5, 40.0)) == "M1,2.2L30.5,2.2L30.5,40L1,40Z"
    assert PATH_PATTERN.fullmatch(box_to_path((-1e-3, 0, 4e4, 5)))
