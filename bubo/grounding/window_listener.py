"""Listener over any model that puts sounds and texts into one space: windows against phrases.

Each window is compared with all phrases asked for and with a few prompts for "nothing of these"; a phrase's
score in it is its share (softmax). So a phrase is heard where it fits better than the others do.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import partial
from itertools import chain

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor

from bubo.errors import ModelError
from bubo.grounding.windows import Windows, spans_of
from bubo.passes import Passes, fail_alone
from bubo.recent import Shared
from bubo.types import Sound, Spans

FloatArray = NDArray[np.float32]

BACKGROUNDS = ("silence", "background noise", "a quiet room")
# Texts whose vectors are kept.
MAX_TEXTS = 4096
# Texts of several listeners' questions that are read in one pass.
TEXTS = 256


class WindowListener(ABC):
    """Sound and phrases -> seconds.

    Threads may share it: windows of sounds that several ask about at once are read together, as are texts.

    Args:
        windows: How sounds are cut, and how many windows are read together.
        sampling_rate: Rate in Hz that the model works at; sounds are brought to it.
        threshold: A phrase is heard from this share on; scores are bent so that it lies at one half.
        template: What the model is asked for a phrase, with {} in its place.
        backgrounds: Prompts that stand for "nothing of these"; at least one.
        temperature: Divides the model's similarities: larger lets several sounds be heard at a time.
        capacity: Sounds whose vectors are kept.

    Raises:
        ModelError: If a setting is impossible.
    """

    def __init__(
        self,
        windows: Windows,
        sampling_rate: int,
        *,
        threshold: float = 0.3,
        template: str = "{}",
        backgrounds: Sequence[str] = BACKGROUNDS,
        temperature: float = 1.0,
        capacity: int = 8,
    ):
        if "{}" not in template or not backgrounds or temperature <= 0:
            raise ModelError(
                "A listener needs a template with {} for the phrase, at least one background prompt and a "
                f"temperature above 0, but got {template!r}, {len(backgrounds)} and {temperature}."
            )
        self.windows = windows
        self.sampling_rate = sampling_rate
        self.threshold = threshold
        self.template = template
        self.backgrounds = tuple(backgrounds)
        self.temperature = temperature
        self._kept: Shared[Tensor] = Shared(capacity)
        self._texts: dict[str, Tensor] = {}  # changed inside passes only
        self._readings: Passes[list[FloatArray], Tensor] = Passes(
            fail_alone(self._read_together),
            windows.batch,
            weigh=lambda pieces: len(pieces) / self.windows.batch,
        )
        self._wordings: Passes[list[str], Tensor] = Passes(
            fail_alone(self._learn), TEXTS, weigh=lambda texts: len(texts) / TEXTS
        )

    @abstractmethod
    def encode_windows(self, pieces: list[FloatArray]) -> Tensor:
        """Vectors (W, D) of windows at the model's rate; only the one of a short sound may be shorter."""

    @abstractmethod
    def encode_texts(self, texts: list[str]) -> Tensor:
        """Vectors (N, D) of texts, so long that their products with sounds are ready for a softmax."""

    def clear(self) -> None:
        """Forget all sounds."""
        self._kept.clear()

    def listen(self, sound: Sound, phrases: Sequence[str]) -> Spans:
        """Stretches of each phrase; one that is not heard has an empty stretch with its best score."""
        if not phrases:
            return Spans.empty()
        return spans_of(self.scores(sound, phrases), phrases, sound, self.windows, self.threshold)

    def scores(self, sound: Sound, phrases: Sequence[str]) -> FloatArray:
        """Shares (W, N) of the phrases in each window."""
        prompts = [self.template.replace("{}", phrase) for phrase in phrases]
        texts = list(dict.fromkeys((*prompts, *self.backgrounds)))
        with torch.inference_mode():
            logits = self._kept.get(sound.id, partial(self._read, sound)) @ self._vectors(texts).T
            shares = (logits / self.temperature).softmax(dim=1).cpu().numpy()
        found: FloatArray = shares[:, [texts.index(prompt) for prompt in prompts]]
        return found

    def _read(self, sound: Sound) -> Tensor:
        samples = sound.samples
        if sound.sampling_rate != self.sampling_rate:
            samples = soxr.resample(samples, sound.sampling_rate, self.sampling_rate)
        pieces = self.windows.cut(samples, self.sampling_rate, sound.duration_s)
        batch = self.windows.batch
        firsts = range(0, len(pieces), batch)
        return torch.cat([self._readings.share(pieces[first : first + batch]) for first in firsts])

    def _read_together(self, pieces: Sequence[list[FloatArray]]) -> list[Tensor]:
        """One pass over the windows of several sounds."""
        with torch.inference_mode():
            vectors = self.encode_windows(list(chain.from_iterable(pieces))).float()
        return list(vectors.split([len(one) for one in pieces]))

    def _vectors(self, texts: list[str]) -> Tensor:
        known = [vector for text in texts if (vector := self._texts.get(text)) is not None]
        return torch.stack(known) if len(known) == len(texts) else self._wordings.share(texts)

    def _learn(self, asked: Sequence[list[str]]) -> list[Tensor]:
        """Vectors (N, D) of each list of texts; of those that are not kept in one pass."""
        texts = list(dict.fromkeys(chain.from_iterable(asked)))
        missing = [text for text in texts if text not in self._texts]
        if len(self._texts) + len(missing) > MAX_TEXTS:
            self._texts.clear()
            missing = texts
        with torch.inference_mode():
            if missing:
                self._texts |= dict(zip(missing, self.encode_texts(missing).float(), strict=True))
            return [torch.stack([self._texts[text] for text in one]) for one in asked]
