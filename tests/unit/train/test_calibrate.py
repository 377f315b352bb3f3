"""The span limits are those with which the listener's stretches fit what is true."""

from __future__ import annotations

import numpy as np

from bubo.grounding.ears import Hearing
from bubo.train.calibrate import FRAMES, GAPS_S, best_spans, best_threshold


def heard(*levels: float) -> Hearing:
    """One class; each level lasts 0.8 s, in frames of 0.1 s."""
    frames = np.repeat(np.array(levels, np.float32), 8)[:, None]
    return Hearing(frames, np.array([0.9], np.float32), 0.1, 0.8 * len(levels))


def test_a_pause_inside_an_event_is_bridged() -> None:
    sound = heard(0, 1, 0, 1, 0, 1, 0)
    assert best_spans([sound], [[(0, (0.8, 4.8))]], 0.5)["gap_s"] > 0.5
    apart = [(0, (0.8, 1.6)), (0, (2.4, 3.2)), (0, (4.0, 4.8))]
    assert best_spans([sound], [apart], 0.5)["gap_s"] < 0.8


def test_a_soft_beginning_belongs_to_the_event_or_not() -> None:
    sound = heard(0, 0.35, 0.35, 0.35, 1, 0)
    assert best_spans([sound], [[(0, (0.8, 4.0))]], 0.5)["frame"] < 0.35
    assert best_spans([sound], [[(0, (3.2, 4.0))]], 0.5)["frame"] > 0.35


def test_what_is_not_heard_counts_for_nothing() -> None:
    silent = Hearing(np.ones((20, 1), np.float32), np.array([0.1], np.float32), 0.1, 2.0)
    chosen = best_spans([silent], [[(0, (0.0, 2.0))]], 0.5)
    assert chosen == {"frame": FRAMES[0], "gap_s": GAPS_S[0]}  # nothing to choose by


def test_a_threshold_lies_between_right_and_wrong() -> None:
    scores, truth = np.array([0.9, 0.6, 0.3]), np.array([True, True, False])
    assert 0.3 < best_threshold(scores, truth) <= 0.6
