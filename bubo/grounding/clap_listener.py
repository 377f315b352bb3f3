"""Listener over CLAP: windows of a few seconds against phrases."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bubo.errors import ModelError
from bubo.grounding.window_listener import WindowListener
from bubo.grounding.windows import Windows


class ClapListener(WindowListener):
    """Sound and phrases -> seconds.

    Args:
        model: A `ClapModel`.
        processor: Its processor, or anything with a `feature_extractor` and a `tokenizer`.
        window_s: Seconds of a window; the extractor repeats it until it fills what the model hears at a time.
        hop_s: Seconds from one window's start to the next one's.
        batch: Windows given to the model at a time.
        **settings: See `WindowListener`.

    Raises:
        ModelError: If a window is longer than what the model hears at a time, or a setting is impossible.
    """

    def __init__(
        self,
        model: Any,
        processor: Any,
        *,
        window_s: float = 3.0,
        hop_s: float = 0.75,
        batch: int = 8,
        **settings: Any,
    ):
        self.feature_extractor = processor.feature_extractor
        longest = float(self.feature_extractor.max_length_s)
        if window_s > longest:
            raise ModelError(f"window_s is {window_s}, but this CLAP hears {longest} s at a time.")
        settings.setdefault("template", "This is a sound of {}.")
        rate = int(self.feature_extractor.sampling_rate)
        super().__init__(Windows(window_s, hop_s, batch), rate, **settings)
        self.model = model
        self.tokenizer = processor.tokenizer

    def encode_windows(self, pieces: list[NDArray[np.float32]]) -> Tensor:
        """Unit vectors (W, D)."""
        inputs = self.feature_extractor(pieces, sampling_rate=self.sampling_rate, return_tensors="pt")
        values = inputs["input_features"].to(self.model.device, self.model.dtype)
        # the extractor calls a random one of several short sounds long; none is
        longer = torch.zeros((len(pieces), 1), dtype=torch.bool, device=values.device)
        return self.model.get_audio_features(input_features=values, is_longer=longer).pooler_output  # type: ignore[no-any-return]

    def encode_texts(self, texts: list[str]) -> Tensor:
        """Unit vectors (N, D) times the model's scale."""
        inputs = self.tokenizer(texts, padding=True, truncation=True, return_tensors="pt").to(
            self.model.device
        )
        vectors = self.model.get_text_features(**inputs).pooler_output
        return vectors * self.model.logit_scale_a.exp()  # type: ignore[no-any-return]
