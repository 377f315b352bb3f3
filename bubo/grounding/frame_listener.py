"""Listener over a model that scores every moment by itself: PE-A-Frame (`PeAudioFrameLevelModel`)."""

from collections.abc import Sequence
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor

from bubo.grounding.window_listener import TEXTS
from bubo.grounding.windows import Windows, stretches_of
from bubo.passes import Passes, fail_alone
from bubo.recent import Shared
from bubo.types import Sound, Spans

FloatArray = NDArray[np.float32]

# Windows read together: one of 20 seconds at 48 kHz takes some 1.5 GB in float32 beside the weights.
BATCH = 2


class FrameListener:
    """Sound and phrases -> seconds.

    Threads may share it: windows of as many frames that several listen to at once are read together. Those of
    other lengths are not: the convolutions see no mask, and a sound filled up with silence ends otherwise.

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
        batch: Most windows read together.
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
        batch: int = BATCH,
    ):
        self.windows = Windows(window_s, hop_s, batch)
        self.model = model
        self.feature_extractor = feature_extractor
        self.tokenizer = tokenizer
        self.threshold = threshold
        self.template = template
        self.sampling_rate = int(feature_extractor.sampling_rate)
        self.frame_s = float(feature_extractor.hop_length) / self.sampling_rate
        self._kept: Shared[list[Tensor]] = Shared(capacity)
        hop = int(feature_extractor.hop_length)
        self._readings: Passes[FloatArray, Tensor] = Passes(
            fail_alone(self._read_together), batch, alike=lambda piece: -(-len(piece) // hop)
        )
        self._wordings: Passes[list[str], Tensor] = Passes(
            fail_alone(self._encode_texts), TEXTS, weigh=lambda texts: len(texts) / TEXTS
        )

    def clear(self) -> None:
        """Forget all sounds."""
        self._kept.clear()

    def listen(self, sound: Sound, phrases: Sequence[str]) -> Spans:
        """Stretches of each phrase; one that is not heard has an empty stretch with its best score."""
        if not phrases:
            return Spans.empty()
        frames = self.scores(sound, phrases)
        best = frames.max(axis=0)
        return stretches_of(frames, best, self.frame_s, phrases, sound, self.threshold)

    def scores(self, sound: Sound, phrases: Sequence[str]) -> FloatArray:
        """Probabilities (T, N) of each phrase in each frame."""
        prompts = [self.template.replace("{}", phrase) for phrase in phrases]
        texts = self._wordings.share(prompts)
        count = max(1, int(np.ceil(sound.duration_s / self.frame_s - 1e-6)))
        total = np.zeros((count, len(phrases)), np.float64)
        weights = np.zeros((count, 1))
        with torch.inference_mode():
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
        pieces = self.windows.cut(samples, self.sampling_rate, sound.duration_s)
        return [self._readings.share(piece) for piece in pieces]

    def _read_together(self, pieces: Sequence[FloatArray]) -> list[Tensor]:
        """States (F, D) of each of some windows of F frames, in one pass."""
        inputs = self.feature_extractor(list(pieces), sampling_rate=self.sampling_rate, return_tensors="pt")
        inputs = inputs.to(self.model.device)
        values = inputs["input_values"].to(self.model.dtype)
        with torch.inference_mode():
            states = self.model.get_audio_embeds(values, inputs.get("padding_mask"))
        return [one.clone() for one in states]

    def _encode_texts(self, asked: Sequence[list[str]]) -> list[Tensor]:
        """Vectors (N, D) of each list of texts, in one pass."""
        texts = list(chain.from_iterable(asked))
        inputs = self.tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
        with torch.inference_mode():
            out = self.model.text_model(**inputs.to(self.model.device), output_hidden_states=True)
            # as in the model's own forward: the last layer's first token
            vectors = self.model.text_audio_head(out.hidden_states[-1][:, 0])
        return list(vectors.split([len(one) for one in asked]))
