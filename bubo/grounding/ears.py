"""Nano's listener: one small network over windows of the sound, frame by frame."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bubo.grounding.lexicon import Lexicon
from bubo.grounding.thresholds import Thresholds
from bubo.passes import Passes, fail_alone
from bubo.recent import Shared
from bubo.stopping import check_stop
from bubo.types import Sound, Spans

FloatArray = NDArray[np.float32]

# Consecutive passes over a long sound share a third, where they are blended.
SHARED = 1 / 3
BATCH = 8
SMOOTHING = (0.25, 0.5, 0.25)
# The highest frame probability counts as at least this much when moments are compared with it.
LOWEST_PEAK = 0.2


@dataclass(frozen=True, eq=False)
class Hearing:
    """What was heard in one sound. T frames, N classes.

    Args:
        frames: (T, N) probability that a class sounds in a frame.
        clip: (N,) probability that it sounds at all.
        frame_s: Seconds of one frame.
        duration_s: Length of the sound.
    """

    frames: FloatArray
    clip: FloatArray
    frame_s: float
    duration_s: float


class NanoEars:
    """Listens to each sound once and keeps what it heard of the last ones.

    Threads may share it: the windows of sounds that several ask for at once are read together.

    Args:
        model: A `BuboAudioModel`, the audio tower of the speaking model.
        feature_extractor: Its feature extractor, with contiguous windows.
        thresholds: Where there begins.
        capacity: Sounds kept.
    """

    def __init__(self, model: Any, feature_extractor: Any, thresholds: Thresholds, capacity: int = 32):
        self.model = model
        self.feature_extractor = feature_extractor
        self.thresholds = thresholds
        self.class_names: tuple[str, ...] = tuple(model.config.sound_names)
        self.window_s = float(feature_extractor.clip_duration_s) * int(model.config.max_clips)
        self._kept: Shared[Hearing] = Shared(capacity)
        self._read: Shared[Tensor] = Shared(capacity)
        self._passes: Passes[Tensor, Tensor] = Passes(fail_alone(self._read_together), BATCH)

    def hear(self, sound: Sound) -> Hearing:
        """What the network hears in a sound."""
        return self._kept.get(sound.id, partial(self._blend, sound))

    def clear(self) -> None:
        """Forget all sounds."""
        self._kept.clear()
        self._read.clear()

    def states(self, sound: Sound) -> Tensor:
        """The tower's tokens (1, L, D), for a speaker over the same tower."""
        with torch.inference_mode():
            return self.model(window_states=self._windows(sound)).last_hidden_state  # type: ignore[no-any-return]

    def _windows(self, sound: Sound) -> Tensor:
        """The trunk's states (1, S, T, D) of a sound, read once; of a long one those of spread windows."""

        def read() -> Tensor:
            inputs = self.feature_extractor(
                [sound.samples], sampling_rate=sound.sampling_rate, return_tensors="pt"
            )
            return self._passes.share(inputs["input_features"])

        return self._read.get(sound.id, read)

    def _read_together(self, features: Sequence[Tensor]) -> list[Tensor]:
        """One pass over the windows (1, S, 1, M, F) of some sounds, each window by itself."""
        with torch.inference_mode():
            states = self.model.read_windows(torch.cat(list(features), 1).to(self.model.device))
        return [part.clone() for part in states.split([one.shape[1] for one in features], 1)]

    def _blend(self, sound: Sound) -> Hearing:
        """One pass for a sound of up to six windows; else several, blended where they overlap."""
        frame_s = float(self.model.config.frame_s)
        per_pass = round(self.window_s / frame_s)
        hop = round(per_pass * (1 - SHARED))
        total = int(np.ceil(sound.duration_s / frame_s - 1e-6))
        count = 1 + max(0, -(-(total - per_pass) // hop))
        pieces = [self._piece(sound, number * hop * frame_s) for number in range(count)]
        frames = np.zeros((count * hop + per_pass, len(self.class_names)), np.float32)
        weights = np.zeros((len(frames), 1), np.float32)
        ramp = np.minimum(np.arange(1, per_pass + 1), np.arange(per_pass, 0, -1)).astype(np.float32)
        ramp = np.minimum(ramp / (per_pass * SHARED), 1)[:, None]
        clip = np.zeros(len(self.class_names), np.float32)
        for first in range(0, count, BATCH):
            check_stop()
            for offset, (frame_probs, clip_probs) in enumerate(
                self._pass(pieces[first : first + BATCH], sound)
            ):
                start = (first + offset) * hop
                length = len(frame_probs)
                heard = frame_probs * (clip_probs >= self.thresholds.clip) if count > 1 else frame_probs
                frames[start : start + length] += heard * ramp[:length]
                weights[start : start + length] += ramp[:length]
                clip = np.maximum(clip, clip_probs)
        np.divide(frames, np.maximum(weights, 1e-6), out=frames)
        return Hearing(frames[:total], clip, frame_s, sound.duration_s)

    def _piece(self, sound: Sound, start_s: float) -> FloatArray:
        first = round(start_s * sound.sampling_rate)
        return sound.samples[first : first + round(self.window_s * sound.sampling_rate)]

    def _pass(self, pieces: Sequence[FloatArray], sound: Sound) -> list[tuple[FloatArray, FloatArray]]:
        """Frame probabilities (T, N) and clip probabilities (N,) of pieces of up to six windows."""
        durations = torch.tensor([len(piece) / sound.sampling_rate for piece in pieces])
        device = self.model.device
        if sound.duration_s <= self.window_s:
            inputs: Any = {"window_states": self._windows(sound)}
        else:
            inputs = self.feature_extractor(
                list(pieces), sampling_rate=sound.sampling_rate, return_tensors="pt"
            ).to(device)
        with torch.inference_mode():
            out = self.model(**inputs, durations_s=durations.to(device))
        frames = (out.frame_logits.float().sigmoid() * out.frame_mask[..., None]).cpu().numpy()
        clips = out.clip_logits.float().sigmoid().cpu().numpy()
        return list(zip(frames, clips, strict=True))


@dataclass(frozen=True, eq=False)
class NanoListener:
    """Sound and names -> the seconds in which each is heard."""

    ears: NanoEars
    lexicon: Lexicon

    def clear(self) -> None:
        """Forget what was perceived."""
        self.ears.clear()

    def listen(self, sound: Sound, phrases: Sequence[str]) -> Spans:
        """Stretches of each phrase, faint ones too; what is not heard is an empty stretch with its score."""
        hearing = self.ears.hear(sound)
        limits = self.ears.thresholds
        labels: list[str] = []
        times: list[tuple[float, float]] = []
        scores: list[float] = []
        for phrase in phrases:
            columns = self._columns(phrase)
            column = max(columns, key=lambda number: float(hearing.clip[number]), default=None)
            score = 0.0 if column is None else limits.clip_score(float(hearing.clip[column]))
            stretches = [(0.0, 0.0)]
            if column is not None and score >= limits.faint:
                stretches = find_stretches(hearing, column, limits)
            labels += [phrase] * len(stretches)
            times += stretches
            scores += [score] * len(stretches)
        return Spans(tuple(labels), np.array(times, np.float32).reshape(-1, 2), np.array(scores, np.float32))

    def _columns(self, phrase: str) -> list[int]:
        """Numbers of the classes that a phrase names."""
        names = self.ears.class_names
        if phrase in names:
            return [names.index(phrase)]
        senses = self.lexicon.senses_of(phrase)
        wanted = {name for sense in senses if sense.kind == "sound" for name in sense.names}
        return [number for number, name in enumerate(names) if name in wanted]


def find_stretches(hearing: Hearing, column: int, limits: Thresholds) -> list[tuple[float, float]]:
    """The stretches, in seconds, in which one class sounds; at least one wherever its loudest moment is."""
    frames = hearing.frames[:, column]
    padded = np.pad(frames, 1, mode="edge")
    smooth = np.convolve(padded, np.array(SMOOTHING, np.float32), mode="valid")
    line = limits.frame * min(max(float(smooth.max(initial=0.0)), LOWEST_PEAK), 1.0)
    active = np.concatenate([[False], smooth > min(line, float(smooth.max(initial=0.0)) * 0.999), [False]])
    edges = np.flatnonzero(active[1:] != active[:-1])
    runs = [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    merged: list[tuple[int, int]] = []
    for start, end in runs:
        if merged and (start - merged[-1][1]) * hearing.frame_s < limits.gap_s:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    kept = [run for run in merged if (run[1] - run[0]) * hearing.frame_s >= limits.run_s]
    if not kept and merged:
        kept = [max(merged, key=lambda run: run[1] - run[0])]
    return [(a * hearing.frame_s, min(b * hearing.frame_s, hearing.duration_s)) for a, b in kept] or [
        (0.0, 0.0)
    ]
