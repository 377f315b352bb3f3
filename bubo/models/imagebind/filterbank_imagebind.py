"""Arrays to arrays: resampling, Kaldi's log-mel filterbank, and squeezing spectrograms.

The filterbank has 25 ms frames every 10 ms, pre-emphasis, a symmetric Hann window, no dither and a natural
log. It runs over all frames of a clip at once, in float32. Against the released front end only cells near the
log floor differ visibly (worst seen: 1.5e-3 after normalisation, behind a resampling).
"""

import math
from functools import lru_cache

import numpy as np

FRAME_S, HOP_S = 0.025, 0.010
PREEMPHASIS = np.float32(0.97)
LOWEST_HZ = 20.0
MAX_KERNEL_CELLS = 20_000_000  # of a resampling filter; odd pairs of rates would need gigabytes
LOG_FLOOR = np.float32(1.1920929e-07)  # float32 epsilon; its log, -15.9424, is digital silence


@lru_cache(maxsize=8)
def mel_filters(num_mel_bins: int, num_fft: int, sampling_rate: int) -> np.ndarray:
    """Triangular filters (num_fft / 2 + 1, num_mel_bins) float32, linear in Kaldi's mel, unit peak.

    They span 20 Hz to the Nyquist frequency. With many filters some are narrower than the spacing of the FFT
    bins and stay empty; their rows then sit at the floor. The Nyquist bin has no weight.
    """
    edges_hz = np.array([LOWEST_HZ, sampling_rate / 2])
    low_mel, high_mel = 1127.0 * np.log1p(edges_hz / 700.0)
    edges = np.linspace(low_mel, high_mel, num_mel_bins + 2)
    bins = 1127.0 * np.log1p(np.arange(num_fft // 2) * sampling_rate / num_fft / 700.0)[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    filters = np.zeros((num_fft // 2 + 1, num_mel_bins), dtype=np.float32)
    filters[:-1] = np.maximum(0.0, np.minimum(rising, falling))
    filters.setflags(write=False)
    return filters


@lru_cache(maxsize=8)
def frame_window(length: int) -> np.ndarray:
    """Symmetric Hann window (length,) float32; both ends are zero."""
    window = np.hanning(length).astype(np.float32)
    window.setflags(write=False)
    return window


def log_mel(
    clips: np.ndarray, *, num_mel_bins: int = 128, num_frames: int | None = None, sampling_rate: int = 16000
) -> np.ndarray:
    """Log-mel energies of equally long clips.

    Args:
        clips: (N, samples) waveforms in [-1, 1].
        num_mel_bins: number of filters M.
        num_frames: pad with zeros or cut to this many frames; None keeps the frames that fit into the clip.
        sampling_rate: samples per second of `clips`.

    Returns:
        (N, M, F) float32 natural logs, not normalised.

    Raises:
        ValueError: if `clips` is not two-dimensional or shorter than one frame of 25 ms.
    """
    clips = np.asarray(clips, dtype=np.float32)
    frame, hop = round(FRAME_S * sampling_rate), round(HOP_S * sampling_rate)
    if clips.ndim != 2 or clips.shape[1] < frame:
        raise ValueError(
            f"Clips must have shape (N, samples) with at least {frame} samples (25 ms), got {clips.shape}: "
            "pad short sounds with silence."
        )
    num_fft = 1 << (frame - 1).bit_length()
    filters = mel_filters(num_mel_bins, num_fft, sampling_rate)
    window = frame_window(frame)
    count = 1 + (clips.shape[1] - frame) // hop
    width = count if num_frames is None else num_frames
    kept = min(count, width)
    mels = np.zeros((clips.shape[0], num_mel_bins, width), dtype=np.float32)
    for clip, mel in zip(clips, mels, strict=True):  # one clip's frames fit the cache, a batch's would not
        mel[:, :kept] = _clip_mel(clip, window, filters, num_fft, hop)[:kept].T
    return mels


def _clip_mel(
    clip: np.ndarray, window: np.ndarray, filters: np.ndarray, num_fft: int, hop: int
) -> np.ndarray:
    """Log-mel energies (frames, M) of one clip (samples,).

    Removing a frame's mean m before pre-emphasis equals subtracting 0.03 m after it, so the whole clip is
    pre-emphasised once. The first sample of a frame would be an exception, but the window is zero there.
    """
    emphasised = np.empty_like(clip)
    emphasised[0] = 0.0
    np.subtract(clip[1:], PREEMPHASIS * clip[:-1], out=emphasised[1:])
    frames = np.lib.stride_tricks.sliding_window_view(emphasised, window.size)[::hop]  # (F, 400), a view
    means = np.lib.stride_tricks.sliding_window_view(clip, window.size)[::hop].mean(axis=1, keepdims=True)
    spectrum = np.fft.rfft((frames - (1 - PREEMPHASIS) * means) * window, num_fft)  # (F, 257)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32, copy=False)
    return np.log(np.maximum(power @ filters, LOG_FLOOR))


def resize_frames(mel: np.ndarray, num_frames: int, antialias: bool) -> np.ndarray:
    """Resize the frame axis of (M, F) linearly to `num_frames`, half-pixel centres; the mel axis stays.

    `antialias` widens the triangle to the step between output frames when shrinking.
    """
    num_in = mel.shape[1]
    step = num_in / num_frames
    centres = (np.arange(num_frames) + 0.5) * step - 0.5
    support = max(step, 1.0) if antialias else 1.0
    weights = np.maximum(0.0, 1.0 - np.abs(np.arange(num_in)[:, None] - centres) / support)  # (F, num_frames)
    return (mel @ (weights / weights.sum(axis=0))).astype(np.float32)


def resample(waveform: np.ndarray, source_rate: int, target_rate: int) -> np.ndarray:
    """Change the rate of (channels, samples) by windowed-sinc interpolation.

    Low-pass at 0.99 of the lower Nyquist frequency, six zero crossings a side, Hann window: torchaudio's
    defaults, which the released front end uses. Returns ceil(samples x target / source) float32 samples per
    channel.
    """
    if source_rate == target_rate:
        return waveform
    divisor = math.gcd(source_rate, target_rate)
    source, target = source_rate // divisor, target_rate // divisor
    cutoff = 0.99 * min(source, target)
    reach = math.ceil(6 * source / cutoff)  # input samples on either side
    if target * (source + 2 * reach) > MAX_KERNEL_CELLS:
        raise ValueError(
            f"{source_rate} Hz and {target_rate} Hz have too small a common divisor to resample here: "
            "convert the sound to the model's rate first."
        )
    # Row p is the filter of output phase p, over the inputs -reach .. source + reach of its period.
    offsets = np.arange(-reach, source + reach) / source - np.arange(target)[:, None] / target
    periods = np.clip(offsets * cutoff, -6, 6)
    kernels = np.sinc(periods) * np.cos(periods * np.pi / 12) ** 2 * (cutoff / source)
    length = -(-waveform.shape[1] * target // source)
    padded = np.pad(waveform, ((0, 0), (reach, reach + source)))
    blocks = np.lib.stride_tricks.sliding_window_view(padded, kernels.shape[1], axis=1)[:, ::source]
    resampled = blocks @ kernels.astype(np.float32).T  # (channels, periods, target)
    return resampled.reshape(waveform.shape[0], -1)[:, :length].astype(np.float32)
