"""A sound in overlapping windows, and what is said of each window as stretches of seconds.

A model that scores a whole window says nothing about its inside. Windows that overlap do: a moment's score is
the mean over the windows that hold it, those counting most in whose middle it lies. So scores rise and fall
without steps where a window begins or ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bubo.errors import ModelError
from bubo.grounding.ears import Hearing, find_stretches
from bubo.grounding.thresholds import Thresholds, bent
from bubo.types import Sound, Spans

FloatArray = NDArray[np.float32]

# Frames of the blended scores per hop.
FRAMES_PER_HOP = 4
# Weight of a window at its very ends: the first and the last moment of a sound lie in one window only.
EDGE = 1e-3


@dataclass(frozen=True)
class Windows:
    """How a sound is cut.

    Args:
        window_s: Seconds of a window.
        hop_s: Seconds from one window's start to the next one's; smaller than a window.
        batch: Windows given to the model at a time.
    """

    window_s: float
    hop_s: float
    batch: int = 16

    def __post_init__(self) -> None:
        if not 0 < self.hop_s < self.window_s or self.batch < 1:
            raise ModelError(
                f"Windows must overlap, with 0 < hop_s < window_s, but hop_s is {self.hop_s}, "
                f"window_s {self.window_s} and the batch {self.batch}: choose a smaller hop."
            )

    def starts(self, duration_s: float) -> list[float]:
        """Seconds at which windows begin; the last one ends with the sound, a short sound has one window."""
        last = duration_s - self.window_s
        if last <= 0:
            return [0.0]
        count = int(np.ceil(last / self.hop_s - 1e-9))
        return [*(number * self.hop_s for number in range(count)), last]

    def cut(self, samples: FloatArray, sampling_rate: int, duration_s: float) -> list[FloatArray]:
        """The windows of a sound of `duration_s`, each a view; only that of a short sound is shorter.

        The samples may be one more or less than the duration says: resampling rounds.
        """
        size = max(1, round(self.window_s * sampling_rate))
        starts = [round(start * sampling_rate) for start in self.starts(duration_s)]
        return [samples[min(start, max(0, len(samples) - size)) :][:size] for start in starts]

    def blend(self, scores: FloatArray, duration_s: float) -> tuple[FloatArray, float]:
        """Scores over time of scores per window (W, N).

        Returns:
            (T, N) scores of equally long frames, and the seconds of a frame.
        """
        frame_s = self.hop_s / FRAMES_PER_HOP
        count = max(1, int(np.ceil(duration_s / frame_s - 1e-6)))
        middles = (np.arange(count, dtype=np.float64) + 0.5) * frame_s
        middles = np.minimum(middles, duration_s)
        half = self.window_s / 2
        total = np.zeros((count, scores.shape[1]))
        weights = np.zeros((count, 1))
        for start, row in zip(self.starts(duration_s), scores, strict=True):
            part = slice(*np.searchsorted(middles, [start - 1e-6, start + self.window_s + 1e-6]))
            away = np.abs(middles[part] - start - half) / half  # 0 in the window's middle, 1 at its ends
            weight = np.clip(1 - away, EDGE, None)[:, None]
            total[part] += weight * row
            weights[part] += weight
        return (total / np.maximum(weights, 1e-12)).astype(np.float32), frame_s


def spans_of(
    scores: FloatArray,
    phrases: Sequence[str],
    sound: Sound,
    windows: Windows,
    threshold: float,
    faint: float = Thresholds.faint,
) -> Spans:
    """Stretches of each phrase from scores per window.

    Args:
        scores: (W, N) between 0 and 1.
        phrases: N.
        sound: The sound that the windows were cut from.
        windows: How.
        threshold: A sound is heard from this score on; scores are bent so that it lies at one half.
        faint: Stretches are given from this bent score on; below it a phrase has one empty stretch.
    """
    frames, frame_s = windows.blend(scores, sound.duration_s)
    return stretches_of(frames, scores.max(axis=0), frame_s, phrases, sound, threshold, faint)


def stretches_of(
    frames: FloatArray,
    best: FloatArray,
    frame_s: float,
    phrases: Sequence[str],
    sound: Sound,
    threshold: float,
    faint: float = Thresholds.faint,
) -> Spans:
    """The same from scores (T, N) of frames and the best score (N,) of each phrase."""
    hearing = Hearing(frames, best, frame_s, sound.duration_s)
    parts = []
    for column, phrase in enumerate(phrases):
        score = bent(float(best[column]), threshold)
        stretches = find_stretches(hearing, column, Thresholds()) if score >= faint else [(0.0, 0.0)]
        times = np.array(stretches, np.float32).reshape(-1, 2)
        parts.append(Spans((phrase,) * len(times), times, np.full(len(times), score, np.float32)))
    return Spans.merge(parts)
