"""Figures over predictions: average precision, F1, intervals. Plain functions on arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

ROUNDS = 400
"""Resamples behind an interval."""


@dataclass(frozen=True)
class Figure:
    """One reported number.

    Args:
        value: What was measured; NaN if there was nothing to measure.
        baseline: What the trivial answer reaches on the same items.
        ci95: Interval that holds 95 % of the values of resampled items.
        n: Number of items.
    """

    value: float
    baseline: float
    ci95: tuple[float, float]
    n: int

    def to_dict(self) -> dict[str, Any]:
        """JSON form, four digits; NaN becomes None."""
        return {
            "value": _rounded(self.value),
            "baseline": _rounded(self.baseline),
            "ci95": [_rounded(end) for end in self.ci95],
            "n": self.n,
        }


NOTHING = Figure(float("nan"), float("nan"), (float("nan"), float("nan")), 0)
"""The figure of no items."""


def _rounded(number: float) -> float | None:
    return None if np.isnan(number) else round(float(number), 4)


def average_precision(scores: np.ndarray, truth: np.ndarray) -> float:
    """Area under the precision-recall steps of scores (N,) against truth (N,) bool; NaN without a positive.

    Source: the uninterpolated definition (mean of the precision at every positive, ranked by score).
    """
    truth = np.asarray(truth, bool)
    if not truth.any():
        return float("nan")
    hits = truth[np.argsort(-np.asarray(scores), kind="stable")]
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float(precision[hits].mean())


def mean_average_precision(scores: np.ndarray, truth: np.ndarray) -> float:
    """Mean over the classes that occur of the average precision; scores and truth are (N, C)."""
    values = [
        average_precision(scores[:, c], truth[:, c]) for c in range(truth.shape[1]) if truth[:, c].any()
    ]
    return float(np.mean(values)) if values else float("nan")


def f1(true_positives: float, predicted: float, expected: float) -> float:
    """Harmonic mean of precision and recall from counts; 1 when nothing was expected and none predicted."""
    return 2 * true_positives / (predicted + expected) if predicted + expected else 1.0


def interval_iou(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union of two intervals (start, end)."""
    shared = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    union = max(a[1], b[1]) - min(a[0], b[0]) if shared else (a[1] - a[0]) + (b[1] - b[0])
    return shared / union if union > 0 else 0.0


def paired(
    found: Sequence[tuple[float, float]], goals: Sequence[tuple[float, float]], least: float = 0.5
) -> int:
    """How many stretches (start, end) pair with a goal of their own at IoU `least`, best overlaps first."""
    overlaps = sorted(
        ((interval_iou(a, b), i, j) for i, a in enumerate(found) for j, b in enumerate(goals)), reverse=True
    )
    used: tuple[set[int], set[int]] = (set(), set())
    for overlap, i, j in overlaps:
        if overlap >= least and i not in used[0] and j not in used[1]:
            used[0].add(i)
            used[1].add(j)
    return len(used[0])


def intervals_iou(a: Sequence[tuple[float, float]], b: Sequence[tuple[float, float]]) -> float:
    """Intersection over union of two sets of intervals (start, end); each set may overlap itself."""
    union = _covered([*a, *b])
    return (_covered(a) + _covered(b) - union) / union if union > 0 else 0.0


def _covered(intervals: Sequence[tuple[float, float]]) -> float:
    """Length of the union of intervals."""
    length, reached = 0.0, -np.inf
    for start, end in sorted(intervals):
        length += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return length


def bootstrap_ci95(
    values: np.ndarray,
    statistic: Callable[[np.ndarray], float] | None = None,
    rounds: int = ROUNDS,
    seed: int = 0,
) -> tuple[float, float]:
    """95 % interval of a statistic (the mean when None) over resampled items.

    Args:
        values: (N, ...) one row per independent item (scene, sound, question).
        statistic: rows -> number.
        rounds: how often items are drawn.
        seed: of the drawing.
    """
    values = np.asarray(values, np.float64)
    if len(values) == 0:
        return (float("nan"), float("nan"))
    rng = np.random.default_rng(seed)
    pick = statistic or (lambda rows: float(rows.mean()))
    drawn = [pick(values[rng.integers(0, len(values), len(values))]) for _ in range(rounds)]
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return (float(low), float(high))


def ratio_figure(
    parts: Sequence[float] | np.ndarray,
    wholes: Sequence[float] | np.ndarray,
    groups: Sequence[str],
    baseline: float,
    n: int | None = None,
) -> Figure:
    """A sum over a sum: an accuracy (wholes are 1), a mean, or an F1 (2 x hits over predicted + expected).

    Args:
        parts: (N,) numerators.
        wholes: (N,) denominators.
        groups: N names; rows of one name (one picture, one record) are resampled together.
        baseline: The value of the trivial answer.
        n: Items, if rows are not items.
    """
    part, whole = np.asarray(parts, np.float64), np.asarray(wholes, np.float64)
    if not len(whole) or whole.sum() <= 0:
        return NOTHING
    number = np.unique(np.asarray(groups), return_inverse=True)[1]
    rows = np.stack([np.bincount(number, part), np.bincount(number, whole)], 1)
    value = float(part.sum() / whole.sum())
    return Figure(value, float(baseline), bootstrap_ci95(rows, _ratio), len(part) if n is None else n)


def _ratio(rows: np.ndarray) -> float:
    part, whole = rows.sum(0)
    return float(part / whole) if whole > 0 else float("nan")


def map_figure(scores: np.ndarray, truth: np.ndarray, rounds: int = ROUNDS, seed: int = 0) -> Figure:
    """Mean average precision over the classes that occur; scores and truth are (N, C), N pictures or sounds.

    Items of equal score are taken together. The baseline gives every item the same scores, so each class
    reaches its share of the items. A resample weights the items by how often they were drawn.
    """
    truth = np.asarray(truth, bool)
    there = truth.any(0) if len(truth) else np.zeros(0, bool)
    if not there.any():
        return NOTHING
    count = len(truth)
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=rounds)
    drawn = np.concatenate([np.ones((1, count)), drawn])  # (R + 1, N): first the items as they are
    total, classes = np.zeros(rounds + 1), np.zeros(rounds + 1)
    for column in np.flatnonzero(there):
        order = np.argsort(-scores[:, column], kind="stable")
        falling = -scores[order, column]
        hits = truth[order, column]
        last = np.searchsorted(falling, falling[hits], side="right") - 1  # (P,) end of each positive's equals
        weights = drawn[:, order]
        precision = np.cumsum(weights * hits, 1)[:, last] / np.maximum(np.cumsum(weights, 1)[:, last], 1)
        own = weights[:, hits]
        positives = own.sum(1)
        total += (own * precision).sum(1) / np.maximum(positives, 1)
        classes += positives > 0
    values = total / np.maximum(classes, 1)
    # Resamples miss rare classes, which shifts them all; their spread is what counts.
    low, high = np.clip(values[0] + np.percentile(values[1:] - values[1:].mean(), [2.5, 97.5]), 0, 1)
    return Figure(float(values[0]), float(truth.mean(0)[there].mean()), (float(low), float(high)), count)
