"""Waveforms to normalised log-mel clips for the audio tower.

Three ways to choose the clips of a sound:
- "upstream": `num_clips` clips, evenly spread so that the last one touches the end (ImageBind's release);
- "pytorchvideo-0.1.5": the same with a smaller step, which never reaches the end (BuboGPT's training);
- "windows": contiguous windows from the start, as many as the sound needs: every moment is heard once.

The first two reproduce the released front end exactly, its oddities included; "windows" is for new models.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from transformers.feature_extraction_sequence_utils import SequenceFeatureExtractor
from transformers.feature_extraction_utils import BatchFeature

from .filterbank_imagebind import log_mel, resample, resize_frames

CLIP_SAMPLINGS = ("upstream", "pytorchvideo-0.1.5", "windows")
FITS = ("pad", "resize")


class ImageBindFeatureExtractor(SequenceFeatureExtractor):
    """Turns sounds into `input_features` (B, S, 1, M, F) float32 and `clip_mask` (B, S) bool.

    Args:
        num_mel_bins: mel filters M.
        num_frames: frames F of a clip.
        sampling_rate: rate the model works at, in Hz; other sounds are resampled.
        clip_duration_s: length of a clip.
        num_clips: clips per sound S for the two published samplings.
        clip_sampling: "upstream", "pytorchvideo-0.1.5" or "windows", see the module's text.
        max_clips: most windows a sound gets; longer sounds have them spread evenly from start to end.
        fit: what happens to clips with more than `num_frames` frames: "pad" cuts them, "resize" squeezes
            them. Shorter ones are always padded with zeros (before normalisation).
        resize_antialias: smooth while squeezing.
        use_global: add the whole waveform as one more clip (BuboGPT).
        tile_short: repeat sounds not longer than a clip until they fill one (BuboGPT).
        parity: subtract clip means in place, one after the other, so that overlapping clips see each other's
            subtraction as in the released code. Does not apply to "windows", whose clips are always
            independent.
        mix_channels: hear the mean of all channels; otherwise only the first is heard, as in the released
            code.
        mean: subtracted from the log-mel energies.
        std: divides them afterwards.
    """

    model_input_names = ["input_features", "clip_mask"]

    def __init__(
        self,
        num_mel_bins: int = 128,
        num_frames: int = 204,
        sampling_rate: int = 16000,
        clip_duration_s: float = 2.0,
        num_clips: int = 3,
        clip_sampling: str = "upstream",
        max_clips: int = 6,
        fit: str = "pad",
        resize_antialias: bool = False,
        use_global: bool = False,
        tile_short: bool = False,
        parity: bool = True,
        mix_channels: bool = False,
        mean: float = -4.268,
        std: float = 9.138,
        **kwargs: Any,
    ):
        kwargs.pop("feature_size", None)  # saved files carry it; it is num_mel_bins
        padding_value = kwargs.pop("padding_value", 0.0)
        if clip_sampling not in CLIP_SAMPLINGS:
            raise ValueError(f"clip_sampling must be one of {CLIP_SAMPLINGS}, got {clip_sampling!r}.")
        if fit not in FITS:
            raise ValueError(f"fit must be one of {FITS}, got {fit!r}.")
        if min(num_clips, max_clips) < 1:
            raise ValueError(f"num_clips and max_clips must be at least 1, got {num_clips} and {max_clips}.")
        self.num_mel_bins = num_mel_bins
        self.num_frames = num_frames
        self.clip_duration_s = clip_duration_s
        self.num_clips = num_clips
        self.clip_sampling = clip_sampling
        self.max_clips = max_clips
        self.fit = fit
        self.resize_antialias = resize_antialias
        self.use_global = use_global
        self.tile_short = tile_short
        self.parity = parity
        self.mix_channels = mix_channels
        self.mean = mean
        self.std = std
        super().__init__(
            feature_size=num_mel_bins, sampling_rate=sampling_rate, padding_value=padding_value, **kwargs
        )

    @property
    def whole_s(self) -> float:
        """Longest sound, in seconds, of which every moment is heard; of longer ones the clips are samples."""
        clips = self.max_clips if self.clip_sampling == "windows" else self.num_clips
        return float(np.inf) if self.use_global and self.fit == "resize" else clips * self.clip_duration_s

    def __call__(
        self,
        audio: np.ndarray | Sequence[Any],
        sampling_rate: int | None = None,
        return_tensors: str | None = None,
        **kwargs: Any,
    ) -> BatchFeature:
        """Extract the clips of one sound or a batch.

        Args:
            audio: one waveform in [-1, 1], shape (samples,) or (channels, samples), or a list of them.
                Without `mix_channels` only the first channel is heard; the others count in the published
                front end's mean.
            sampling_rate: Hz of `audio`; None means `self.sampling_rate`.
            return_tensors: "np" or "pt".
            **kwargs: ignored, for processors that pass their other arguments along.

        Returns:
            `input_features` (B, S, 1, M, F) and `clip_mask` (B, S). S is the largest number of clips in the
            batch; padding clips are zero and false in the mask.

        Raises:
            ValueError: if a waveform is empty, too short for a frame, has a wrong shape or type, or holds NaN
                or infinity.
        """
        waveforms = [self.prepare(sound, sampling_rate or self.sampling_rate) for sound in split_batch(audio)]
        if not waveforms:
            raise ValueError("No sound given: pass one waveform or a list with at least one.")
        extract = self.window_mels if self.clip_sampling == "windows" else self.published_mels
        per_sound = extract(waveforms)
        counts = [len(mels) for mels in per_sound]
        shape = (len(waveforms), max(counts), 1, self.num_mel_bins, self.num_frames)
        features = np.zeros(shape, dtype=np.float32)
        for row, mels in zip(features, per_sound, strict=True):
            row[: len(mels), 0] = (mels - np.float32(self.mean)) / np.float32(self.std)
        clip_mask = np.arange(shape[1]) < np.array(counts)[:, None]
        return BatchFeature({"input_features": features, "clip_mask": clip_mask}, tensor_type=return_tensors)

    def prepare(self, sound: Any, sampling_rate: int) -> np.ndarray:
        """Check one sound and bring it to (channels, samples) float32 at the model's rate."""
        waveform = np.asarray(sound)
        if waveform.dtype.kind in "iu":
            raise ValueError(
                f"A waveform must hold floats in [-1, 1], got {waveform.dtype}: divide 16-bit samples by "
                "32768."
            )
        waveform = np.atleast_2d(waveform.astype(np.float32, copy=False))
        if waveform.ndim != 2 or waveform.size == 0:
            raise ValueError(
                "A waveform must have shape (samples,) or (channels, samples) and not be empty, "
                f"got {waveform.shape}."
            )
        if not np.isfinite(waveform).all():
            raise ValueError("A waveform holds NaN or infinity: clean it first.")
        if self.mix_channels:
            waveform = waveform.mean(axis=0, keepdims=True)
        waveform = resample(waveform, sampling_rate, self.sampling_rate)
        clip_samples = int(self.clip_duration_s * self.sampling_rate)
        if self.tile_short and waveform.shape[1] <= clip_samples:
            repeats = -(-clip_samples // waveform.shape[1])
            waveform = np.tile(waveform, (1, repeats))[:, :clip_samples]
        return waveform

    def clip_ranges(self, num_samples: int) -> list[tuple[int, int]]:
        """Start and stop sample of every clip of a sound; a stop may lie behind the end of a short one.

        Published samplings: seconds are exact fractions of the float duration, turned into samples by
        truncation.
        """
        if self.clip_sampling == "windows":
            size = int(self.clip_duration_s * self.sampling_rate)
            count = -(-num_samples // size)
            if count <= self.max_clips:
                starts = [index * size for index in range(count)]
            else:
                last, gaps = num_samples - size, max(self.max_clips - 1, 1)
                starts = [round(index * last / gaps) for index in range(self.max_clips)]
            return [(start, start + size) for start in starts]
        parts = max(self.num_clips - 1, 1) if self.clip_sampling == "upstream" else self.num_clips
        starts_s = constant_starts(
            num_samples / self.sampling_rate, self.clip_duration_s, self.num_clips, parts
        )
        duration = Fraction(self.clip_duration_s)
        rate = self.sampling_rate
        return [(int(start * rate), int((start + duration) * rate)) for start in starts_s]

    def window_mels(self, waveforms: list[np.ndarray]) -> list[np.ndarray]:
        """Log-mel windows (S_i, M, F) of every sound; each is centred by itself and padded with silence."""
        size = int(self.clip_duration_s * self.sampling_rate)
        ranges = [self.clip_ranges(waveform.shape[1]) for waveform in waveforms]
        clips = np.zeros((sum(map(len, ranges)), size), dtype=np.float32)
        index = 0
        for waveform, sound_ranges in zip(waveforms, ranges, strict=True):
            for start, stop in sound_ranges:
                piece = waveform[0, start:stop]
                clips[index, : piece.size] = piece - piece.mean()
                index += 1
        splits = np.cumsum([len(sound_ranges) for sound_ranges in ranges])[:-1]
        return np.split(self.fit_mels(clips), splits)

    def published_mels(self, waveforms: list[np.ndarray]) -> list[np.ndarray]:
        """Log-mel clips (S, M, F) of every sound, as the released front ends make them."""
        sounds = []
        for waveform in waveforms:
            ranges = self.clip_ranges(waveform.shape[1])
            if self.use_global:
                ranges = [*ranges, (0, waveform.shape[1])]
            waveform = waveform.copy()
            mels = []
            for start, stop in ranges:
                clip = waveform[:, start:stop] if self.parity else waveform[:, start:stop].copy()
                clip -= clip.mean()  # with parity this changes the waveform that later clips are cut from
                mels.append(self.fit_mels(clip[:1]))
            sounds.append(np.concatenate(mels))
        return sounds

    def fit_mels(self, clips: np.ndarray) -> np.ndarray:
        """Log-mel energies (N, M, F) of equally long clips (N, samples), fitted to `num_frames`."""
        if self.fit == "pad":
            return log_mel(
                clips,
                num_mel_bins=self.num_mel_bins,
                num_frames=self.num_frames,
                sampling_rate=self.sampling_rate,
            )
        mels = log_mel(clips, num_mel_bins=self.num_mel_bins, sampling_rate=self.sampling_rate)
        missing = self.num_frames - mels.shape[2]
        if missing >= 0:
            return np.pad(mels, ((0, 0), (0, 0), (0, missing)))
        return np.stack([resize_frames(mel, self.num_frames, self.resize_antialias) for mel in mels])


def constant_starts(duration_s: float, clip_duration_s: float, num_clips: int, parts: int) -> list[Fraction]:
    """Exact start seconds of evenly spaced clips; the step is the free time divided by `parts`.

    A recording shorter than a clip yields `num_clips` equal clips from 0.
    """
    longest_start = Fraction(max(duration_s - clip_duration_s, 0))
    return [index * (longest_start / parts) for index in range(num_clips)]


def split_batch(audio: np.ndarray | Sequence[Any]) -> list[Any]:
    """Return the waveforms of a batch. An array, or a list of numbers, is one waveform."""
    if isinstance(audio, list | tuple) and not (audio and np.isscalar(audio[0])):
        return list(audio)
    return [audio]


__all__ = ["ImageBindFeatureExtractor", "log_mel"]
