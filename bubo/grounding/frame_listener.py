"""Listener over a model that scores every moment by itself: PE-A-Frame (`PeAudioFrameLevelModel`)."""

import threading
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor

from bubo.grounding.windows import Windows, stretches_of
from bubo.recent import Recent
from bubo.types import Sound, Spans

FloatArray = NDArray[np.float32]


class FrameListener:
    """Sound and phrases -> seconds. Threads may share it; sounds take turns.

    Long sounds are read in overlapping windows whose frames are blended.

    Args:
        model: A `PeAudioFrameLevelModel`.
        feature_extractor: Its feature extractor.
        tokenizer: Its tokenizer.
        threshold: A phrase is heard from this probability on; scores are bent so that it lies at one half.
        window_s: Seconds read at a time.
        hop_s: Seconds from one window's start to the next one's.
        template: What the model is asked for a phrase, with {} in its place.
        capacity: Sounds whose frames are kept.
    """

    def __init__(
        self,
        model: Any,
        feature_extractor: Any,
        tokenizer: Any,
        *,
        threshold: float = 0.5,
        window_s: float = 20.0,
        hop_s: float = 15.0,
        template: str = "{}",
        capacity: int = 4,
    ):
        self.windows = Windows(window_s, hop_s, 1)
        self.model = model
        self.feature_extractor = feature_extractor
        self.tokenizer = tokenizer
        self.threshold = threshold
        self.template = template
        self.sampling_rate = int(feature_extractor.sampling_rate)
        self.frame_s = float(feature_extractor.hop_length) / self.sampling_rate
        self._kept: Recent[list[Tensor]] = Recent(capacity)
        self._lock = threading.Lock()

    def clear(self) -> None:
        """Forget all sounds."""
        with self._lock:
            self._kept.clear()

    def listen(self, sound: Sound, phrases: Sequence[str]) -> Spans:
        """Stretches of each phrase; one that is not heard has an empty stretch with its best score."""
        if not phrases:
            return Spans.empty()
        with self._lock:
            frames = self.scores(sound, phrases)
        best = frames.max(axis=0)
        return stretches_of(frames, best, self.frame_s, phrases, sound, self.threshold)

    def scores(self, sound: Sound, phrases: Sequence[str]) -> FloatArray:
        """Probabilities (T, N) of each phrase in each frame."""
        prompts = [self.template.replace("{}", phrase) for phrase in phrases]
        inputs = self.tokenizer(prompts, padding=True, truncation=True, return_tensors="pt").to(
            self.model.device
        )
        count = max(1, int(np.ceil(sound.duration_s / self.frame_s - 1e-6)))
        total = np.zeros((count, len(phrases)), np.float64)
        weights = np.zeros((count, 1))
        with torch.inference_mode():
            texts = self._encode_texts(inputs)
            scale, bias = self.model.text_audio_logit_scale, self.model.text_audio_logit_bias
            for start, states in zip(
                self.windows.starts(sound.duration_s),
                self._kept.get(sound.id, partial(self._read, sound)),
                strict=True,
            ):
                part = (states @ texts.T * scale + bias).float().sigmoid().cpu().numpy()  # (F, N)
                first = min(round(start / self.frame_s), count - 1)
                part = part[: count - first]
                length = len(part)
                ramp = np.minimum(np.arange(1, length + 1), np.arange(length, 0, -1))[:, None]
                total[first : first + length] += part * ramp
                weights[first : first + length] += ramp
        frames: FloatArray = (total / np.maximum(weights, 1)).astype(np.float32)
        return frames

    def _read(self, sound: Sound) -> list[Tensor]:
        """States (F, D) of each window's frames."""
        samples = sound.samples
        if sound.sampling_rate != self.sampling_rate:
            samples = soxr.resample(samples, sound.sampling_rate, self.sampling_rate)
        found = []
        for piece in self.windows.cut(samples, self.sampling_rate, sound.duration_s):
            inputs = self.feature_extractor([piece], sampling_rate=self.sampling_rate, return_tensors="pt")
            inputs = inputs.to(self.model.device)
            values = inputs["input_values"].to(self.model.dtype)
            states = self.model.get_audio_embeds(values, inputs.get("padding_mask"))
            found.append(states[0])
        return found

    def _encode_texts(self, inputs: Any) -> Tensor:
        # as in the model's own forward: the last layer's first token
        out = self.model.text_model(**inputs, output_hidden_states=True)
        return self.model.text_audio_head(out.hidden_states[-1][:, 0])  # type: ignore[no-any-return]
