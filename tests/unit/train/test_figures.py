"""Figures by hand."""

from __future__ import annotations

import numpy as np
import pytest

from bubo.train.figures import average_precision, bootstrap_ci95, f1, interval_iou, mean_average_precision


@pytest.mark.parametrize(
    ("scores", "truth", "value"),
    [
        ([0.9, 0.8, 0.1], [1, 1, 0], 1.0),
        ([0.9, 0.8, 0.1], [0, 1, 1], (1 / 2 + 2 / 3) / 2),
        ([0.1, 0.2, 0.3], [1, 0, 0], 1 / 3),
        ([0.5, 0.5], [0, 1], 1 / 2),  # ties stay in their order
    ],
)
def test_average_precision(scores: list[float], truth: list[int], value: float) -> None:
    assert average_precision(np.array(scores), np.array(truth)) == pytest.approx(value)


def test_a_class_that_never_occurs_does_not_count() -> None:
    scores = np.array([[0.9, 0.1], [0.2, 0.8]])
    assert mean_average_precision(scores, np.array([[True, False], [False, False]])) == 1.0
    assert np.isnan(average_precision(scores[:, 0], np.zeros(2)))
    assert np.isnan(mean_average_precision(scores, np.zeros((2, 2), bool)))


def test_f1() -> None:
    assert f1(2, 4, 2) == pytest.approx(2 * 0.5 * 1.0 / 1.5)
    assert f1(0, 3, 2) == 0.0
    assert f1(0, 0, 0) == 1.0


@pytest.mark.parametrize(
    ("a", "b", "value"),
    [((0, 2), (1, 3), 1 / 3), ((0, 4), (1, 2), 1 / 4), ((0, 1), (1, 2), 0.0), ((0, 1), (5, 6), 0.0),
     ((2, 2), (2, 2), 0.0), ((1, 3), (1, 3), 1.0)],
)  # fmt: skip
def test_interval_iou(a: tuple[float, float], b: tuple[float, float], value: float) -> None:
    assert interval_iou(a, b) == interval_iou(b, a) == pytest.approx(value)


def test_the_interval_of_a_mean_holds_it_and_shrinks_with_more_items() -> None:
    values = np.random.default_rng(0).integers(0, 2, 400)
    low, high = bootstrap_ci95(values)
    assert low < values.mean() < high
    few = bootstrap_ci95(values[:40])
    assert few[1] - few[0] > high - low
    assert bootstrap_ci95(values) == (low, high)  # the draws are seeded
    assert np.isnan(bootstrap_ci95(np.zeros(0))).all()
    assert bootstrap_ci95(np.ones((5, 2)), lambda rows: float(rows[:, 0].sum())) == (5.0, 5.0)
