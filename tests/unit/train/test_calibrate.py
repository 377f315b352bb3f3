"""The limits are those with which spans and verdicts fit what is true."""

from __future__ import annotations

import numpy as np
from fakes import VOCABULARY

from bubo.grounding.ears import Hearing
from bubo.grounding.lexicon import Lexicon
from bubo.grounding.perception import Heard, Perception
from bubo.train.calibrate import FRAMES, GAPS_S, best_spans, best_threshold, best_verdicts
from bubo.types import Span


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


def pair(*, dog: float, barking: float, meowing: float = 0.0) -> Perception:
    """A picture of a dog and a cat, as surely as told, and what is heard with it."""
    heard = tuple(
        Heard(name, Span(0, 0, 1, score))
        for name, score in (("barking", barking), ("meowing", meowing))
        if score
    )
    return Perception((), heard, {}, {}, (0,), (0,), 1, 1, shown_scores={"dog": dog})


def test_a_faint_source_counts_if_that_is_mostly_true() -> None:
    lexicon = Lexicon.from_dict(VOCABULARY)
    faint = [pair(dog=0.22, barking=0.9)] * 3
    assert best_verdicts(faint, ["match"] * 3, lexicon)["faint"] <= 0.2
    assert best_verdicts(faint, ["mismatch"] * 3, lexicon)["faint"] > 0.22


def test_an_unsure_sound_speaks_against_the_others_if_that_is_mostly_true() -> None:
    lexicon = Lexicon.from_dict(VOCABULARY)
    unsure = [pair(dog=0.9, barking=0.9, meowing=0.65)] * 3
    assert best_verdicts(unsure, ["partly"] * 3, lexicon)["missing"] <= 0.65
    assert best_verdicts(unsure, ["match"] * 3, lexicon)["missing"] > 0.65
