"""Masks as outlines for the browser: SVG paths of few points, filled by the even-odd rule.

A mask's border runs between pixels, along a lattice of whole numbers. Its corners are found at once for the
whole mask, chained into loops, and thinned where leaving a point out changes the shape least (the greedy form
of Ramer, Douglas and Peucker's method), so that most of the points go where the outline is busiest.
"""

import heapq
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["MAX_POINTS", "PATH_PATTERN", "box_to_path", "mask_to_path"]

#: Most points of a path, over all its loops.
MAX_POINTS = 200
#: What a path consists of; browsers check it.
PATH_PATTERN = re.compile(r"[MLZ0-9 .,-]+")

# A change of the shape by less than this many pixels is not worth a point.
_NEGLIGIBLE = 0.25
# Corners that are chained; a mask with more is noise, of which every second row and column is left out.
_MAX_CORNERS = 60_000

Loop = NDArray[np.int64]


def mask_to_path(mask: NDArray[np.bool_], max_points: int = MAX_POINTS) -> str:
    """The outline of a mask (H, W) in pixels, holes included; "" for an empty mask.

    Args:
        mask: Where the thing is.
        max_points: Most points; an outline with no more corners is exact.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return ""
    top, left = int(rows[0]), int(columns[0])
    part = mask[top : rows[-1] + 1, left : columns[-1] + 1]
    corners, step = _corners(part), 1
    while len(corners) > _MAX_CORNERS:
        step *= 2
        corners = _corners(part[::step, ::step])
    loops = [loop * step + (left, top) for loop in _chain(corners)]
    if sum(len(loop) for loop in loops) > max_points:
        loops = _thin(loops, max_points)
    return "".join(_write(loop) for loop in loops)


def box_to_path(box_xyxy: Sequence[float]) -> str:
    """The outline of a box, for a region that has no mask."""
    x0, y0, x1, y1 = (_number(side) for side in box_xyxy)
    return f"M{x0},{y0}L{x1},{y0}L{x1},{y1}L{x0},{y1}Z"


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _write(loop: Loop) -> str:
    return "M" + "L".join(f"{x},{y}" for x, y in loop.tolist()) + "Z"


def _corners(mask: NDArray[np.bool_]) -> Loop:
    """Lattice points (N, 2) of x, y where the border turns, by rows; where two borders touch, twice."""
    padded = np.pad(mask, 1)
    around = (padded[:-1, :-1], padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:])
    turns = around[0] ^ around[1] ^ around[2] ^ around[3]
    touches = (around[0] == around[3]) & (around[1] == around[2]) & (around[0] != around[1])
    ys, xs = np.nonzero(turns | touches)
    points = np.stack([xs, ys], axis=1).astype(np.int64)
    return np.repeat(points, np.where(touches[ys, xs], 2, 1), axis=0)


def _chain(corners: Loop) -> list[Loop]:
    """The loops that the corners lie on.

    In each row, and in each column, borders run from the first corner to the second, from the third to the
    fourth, and so on; a loop takes a row's piece and a column's in turn.
    """
    by_column = np.lexsort((corners[:, 1], corners[:, 0]))
    below = np.empty(len(corners), np.int64)
    below[by_column[0::2]], below[by_column[1::2]] = by_column[1::2], by_column[0::2]
    partners = below.tolist()
    seen = bytearray(len(corners))
    loops = []
    for first in range(len(corners)):
        at, loop = first, []
        while not seen[at]:
            beside = at ^ 1  # corners lie by rows, so its partner in the row is its neighbour in the list
            seen[at] = seen[beside] = 1
            loop += [at, beside]
            at = partners[beside]
        if loop:
            loops.append(corners[loop])
    return loops


def _thin(loops: list[Loop], max_points: int) -> list[Loop]:
    """The loops with at most `max_points` points in all; what is too small for a share is left out."""
    largest = sorted(loops, key=_area, reverse=True)[: max(1, max_points // 3)]
    kept: list[list[int]] = [[] for _ in largest]
    waiting: list[tuple[float, int, int, int, int]] = []
    closed = [np.concatenate([loop, loop[:1]]) for loop in largest]
    for number, loop in enumerate(closed):
        far = int(np.argmax(((loop - loop[0]) ** 2).sum(axis=1)))
        for start, end in ((0, far), (far, len(loop) - 1)):
            _enter(waiting, loop, number, start, end)
    count = 0
    while waiting:
        _, number, start, middle, end = heapq.heappop(waiting)
        new = [middle]
        if not kept[number]:  # the first point of a loop brings the two that it began with
            new += [0, int(np.argmax(((closed[number] - closed[number][0]) ** 2).sum(axis=1)))]
        if count + len(new) > max_points:
            continue
        count += len(new)
        kept[number] += new
        _enter(waiting, closed[number], number, start, middle)
        _enter(waiting, closed[number], number, middle, end)
    return [closed[number][sorted(set(points))] for number, points in enumerate(kept) if points]


def _enter(
    waiting: list[tuple[float, int, int, int, int]], loop: Loop, number: int, start: int, end: int
) -> None:
    """Notes the point between two others whose loss would change the shape most."""
    if end - start < 2:
        return
    chord = loop[end] - loop[start]
    offsets = loop[start + 1 : end] - loop[start]
    length = float(np.hypot(*chord))
    if length:
        distances = np.abs(offsets[:, 0] * chord[1] - offsets[:, 1] * chord[0]) / length
    else:
        distances = np.hypot(offsets[:, 0], offsets[:, 1])
    best = int(np.argmax(distances))
    distance = float(distances[best])
    if distance > _NEGLIGIBLE:
        heapq.heappush(waiting, (-distance, number, start, start + 1 + best, end))


def _area(loop: Loop) -> float:
    x, y = loop[:, 0], loop[:, 1]
    return abs(float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())) / 2
