"""Listener over ImageBind: windows of two seconds against phrases."""

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bubo.errors import ModelError
from bubo.grounding.window_listener import WindowListener
from bubo.grounding.windows import Windows


class ImageBindListener(WindowListener):
    """Sound and phrases -> seconds.

    Args:
        model: An `ImageBindModel` with the audio and the text tower.
        feature_extractor: Its feature extractor; every window is one of its clips.
        tokenizer: Its tokenizer.
        window_s: Seconds of a window; None takes the extractor's clip. Longer ones are not possible.
        hop_s: Seconds from one window's start to the next one's.
        batch: Windows given to the model at a time.
        **settings: See `WindowListener`.

    Raises:
        ModelError: If the model lacks a tower, or a setting is impossible.
    """

    def __init__(
        self,
        model: Any,
        feature_extractor: Any,
        tokenizer: Any,
        *,
        window_s: float | None = None,
        hop_s: float = 0.5,
        batch: int = 16,
        **settings: Any,
    ):
        missing = {"audio", "text"} - set(model.config.modalities)
        if missing:
            raise ModelError(
                f"This ImageBind has no {' and no '.join(sorted(missing))} tower: a listener needs both."
            )
        clip_s = float(feature_extractor.clip_duration_s)
        window_s = clip_s if window_s is None else window_s
        if window_s > clip_s:
            raise ModelError(f"window_s is {window_s}, but this ImageBind hears {clip_s} s at a time.")
        settings.setdefault("template", "the sound of {}")
        super().__init__(Windows(window_s, hop_s, batch), int(feature_extractor.sampling_rate), **settings)
        self.model = model
        self.tokenizer = tokenizer
        # one clip per window, whatever clips the released front end takes from a whole sound
        self.feature_extractor = copy.copy(feature_extractor)
        self.feature_extractor.clip_sampling = "windows"
        self.feature_extractor.max_clips = 1

    def encode_windows(self, pieces: list[NDArray[np.float32]]) -> Tensor:
        """Embeddings (W, D), scaled as published."""
        inputs = self.feature_extractor(pieces, sampling_rate=self.sampling_rate, return_tensors="pt")
        values = inputs["input_features"][:, 0]  # (W, 1, M, F)
        return self.model.get_audio_features(values.to(self.model.device, self.model.dtype))  # type: ignore[no-any-return]

    def encode_texts(self, texts: list[str]) -> Tensor:
        """Embeddings (N, D), scaled as published."""
        ids = self.tokenizer(texts, return_tensors="pt")["input_ids"]
        return self.model.get_text_features(ids.to(self.model.device))  # type: ignore[no-any-return]
