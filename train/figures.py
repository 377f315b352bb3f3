"""Figures over predictions: average precision, F1, intervals. Plain functions on arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


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
    """Harmonic mean of precision and recall from counts; 1 when nothing was expected and nothing predicted."""
    return 2 * true_positives / (predicted + expected) if predicted + expected else 1.0


def interval_iou(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union of two intervals (start, end)."""
    shared = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    union = max(a[1], b[1]) - min(a[0], b[0]) if shared else (a[1] - a[0]) + (b[1] - b[0])
    return shared / union if union > 0 else 0.0


def bootstrap_ci95(
    values: np.ndarray, statistic=None, rounds: int = 400, seed: int = 0
) -> tuple[float, float]:
    """95 % interval of a statistic (the mean when None) over resampled items.

    Args:
        values: (N, ...) one row per independent item (scene, sound, question).
        statistic: rows -> number.
    """
    values = np.asarray(values, np.float64)
    if len(values) == 0:
        return (float("nan"), float("nan"))
    rng = np.random.default_rng(seed)
    pick = statistic or (lambda rows: float(rows.mean()))
    drawn = [pick(values[rng.integers(0, len(values), len(values))]) for _ in range(rounds)]
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return (float(low), float(high))
