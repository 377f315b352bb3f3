"""Building blocks of the synthetic sounds: curves, tones, shaped noise, envelopes.

Every signal is a one-dimensional float32 array at `SAMPLING_RATE`; frequencies are in Hz, times in seconds.
Nothing here draws from global state: what is random takes a `numpy.random.Generator`.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import fft

SAMPLING_RATE = 16_000
NYQUIST_HZ = SAMPLING_RATE / 2
_TABLE_SIZE = 2048

Wave = NDArray[np.floating]
Rng = np.random.Generator
Formant = tuple[float, float, float]
"""Centre in Hz, half width in Hz, gain (1.0 is the strongest)."""


def num_samples(duration_s: float) -> int:
    """Return the number of samples in a duration, at least one."""
    return max(1, round(duration_s * SAMPLING_RATE))


def silence(length: int) -> Wave:
    """Return zeros to add sounds into."""
    return np.zeros(length, dtype=np.float32)


def log_uniform(rng: Rng, low: float, high: float) -> float:
    """Draw a number whose logarithm is uniform: the right prior for frequencies, rates and times."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def curve(values: Sequence[float] | Wave, length: int, positions: Sequence[float] | None = None) -> Wave:
    """Return a curve through control points, straight between them.

    Args:
        values: The control points; positive ones are joined on a logarithmic scale, as pitch is heard.
        length: Number of samples.
        positions: Where the points lie, rising from 0 (first sample) to 1 (last); evenly spread by default.
    """
    points = np.asarray(values, dtype=np.float64)
    positive = bool(np.all(points > 0))
    if positive:
        points = np.log(points)
    where = np.linspace(0, 1, len(points)) if positions is None else np.asarray(positions, dtype=np.float64)
    if len(points) > 40:
        out = np.interp(np.linspace(0, 1, length), where, points).astype(np.float32)
    else:
        out = np.empty(length, dtype=np.float32)
        edges = np.round(where * length).astype(int)
        for index in range(len(points) - 1):
            first, last = int(edges[index]), int(edges[index + 1])
            out[first:last] = np.linspace(points[index], points[index + 1], last - first, dtype=np.float32)
    return np.asarray(np.exp(out), dtype=np.float32) if positive else out


def wander(rng: Rng, length: int, rate_hz: float, depth: float) -> Wave:
    """Return a random curve around 1: `exp(depth * z)` with about `rate_hz` new values of z each second."""
    points = max(2, round(length / SAMPLING_RATE * rate_hz) + 1)
    return curve(np.exp(depth * rng.standard_normal(points).clip(-2, 2)), length)


def cycles(frequency_hz: float | Wave, length: int, start: float = 0.0) -> Wave:
    """Return the position inside the period, 0 to 1, of an oscillator with a fixed or changing frequency."""
    steps = np.broadcast_to(np.asarray(frequency_hz, dtype=np.float64) / SAMPLING_RATE, (length,))
    turns = np.cumsum(steps) + start
    turns -= np.floor(turns)
    return turns.astype(np.float32)


def sine(position: Wave, multiple: float = 1.0) -> Wave:
    """Return a sine (or its whole-number overtone) at positions given in cycles."""
    return np.asarray(np.sin(position * np.float32(2 * np.pi * multiple)), dtype=np.float32)


def tone(frequency_hz: float | Wave, length: int, amplitudes: Sequence[float] | Wave = (1.0,)) -> Wave:
    """Return a sum of overtones: entry k of `amplitudes` belongs to overtone k + 1; none above 7.6 kHz."""
    position = cycles(frequency_hz, length)
    highest = float(np.max(frequency_hz))
    kept = np.asarray(amplitudes, dtype=np.float64)[: max(1, int(0.95 * NYQUIST_HZ / highest))]
    if np.count_nonzero(kept) < 3:
        overtones = [
            amplitude * sine(position, index + 1) for index, amplitude in enumerate(kept) if amplitude
        ]
        return np.asarray(sum(overtones, silence(length)), dtype=np.float32)
    angles = np.arange(_TABLE_SIZE) * (2 * np.pi / _TABLE_SIZE)
    table = np.zeros(_TABLE_SIZE)
    for index, amplitude in enumerate(kept):
        table += amplitude * np.sin(angles * (index + 1))
    return table.astype(np.float32)[(position * np.float32(_TABLE_SIZE)).astype(np.int32) % _TABLE_SIZE]


def buzz(frequency_hz: float | Wave, length: int, brightness: float | Wave = 0.9) -> Wave:
    """Return a train of soft pulses: overtone k has the amplitude `brightness ** k`, in closed form.

    Args:
        frequency_hz: Fundamental.
        length: Number of samples.
        brightness: 0 (a sine) to below 1 (a click per period); lowered where overtones would fold at 8 kHz.
    """
    limit = np.exp(np.log(0.03) * np.asarray(frequency_hz, dtype=np.float32) / NYQUIST_HZ)
    ratio = np.minimum(np.asarray(brightness, dtype=np.float32), limit)
    cosine = np.cos(cycles(frequency_hz, length) * np.float32(2 * np.pi))
    train = (ratio * cosine - ratio**2) / (1 - 2 * ratio * cosine + ratio**2)
    return np.asarray(train * np.sqrt(1 - ratio**2) / ratio, dtype=np.float32)


def white(rng: Rng, length: int) -> Wave:
    """Return white noise of unit variance."""
    return rng.standard_normal(length, dtype=np.float32)


def _frequencies(size: int) -> Wave:
    return np.arange(size // 2 + 1, dtype=np.float32) * np.float32(SAMPLING_RATE / size)


def _response(frequency_hz: Wave, formants: Sequence[Formant], floor: float) -> Wave:
    response = np.full(frequency_hz.shape, floor, dtype=np.float32)
    for centre, width, gain in formants:
        response += np.float32(gain) / (1 + ((frequency_hz - np.float32(centre)) / np.float32(width)) ** 2)
    return response


def resonate(wave: Wave, formants: Sequence[Formant], floor: float = 0.02) -> Wave:
    """Return the wave seen through resonances, zero-phase.

    Args:
        wave: Source signal.
        formants: The resonances.
        floor: What passes between them, against 1 at a resonance.
    """
    size = fft.next_fast_len(len(wave) + 256, real=True)
    spectrum = fft.rfft(wave.astype(np.float32, copy=False), size)
    spectrum *= _response(_frequencies(size), formants, floor)
    return np.asarray(fft.irfft(spectrum, size)[: len(wave)], dtype=np.float32)


def band_noise(rng: Rng, length: int, low_hz: float, high_hz: float, slope: float = 0.0) -> Wave:
    """Return noise between two frequencies with soft edges, at unit RMS.

    Args:
        rng: Source of randomness.
        length: Number of samples.
        low_hz: Lower edge.
        high_hz: Upper edge.
        slope: Amplitude falls as frequency to this power inside the band (0 white, 0.5 pink, 1 brown).
    """
    size = fft.next_fast_len(length, real=True)
    frequency = np.maximum(_frequencies(size), 1.0)
    low, high = np.square(np.float32(low_hz) / frequency), np.square(frequency / np.float32(high_hz))
    response = 1 / ((1 + low * low) * (1 + high * high))
    if slope:
        response *= np.exp(np.float32(-slope) * np.log(frequency))
    draws = rng.standard_normal(2 * len(frequency), dtype=np.float32).view(np.complex64)
    wave = fft.irfft(draws * response, size)[:length]
    return np.asarray(wave / (np.sqrt(np.mean(wave**2)) + 1e-9), dtype=np.float32)


def moving_noise(rng: Rng, length: int, centre_hz: Wave, width_hz: float) -> Wave:
    """Return narrow noise whose centre follows a curve (a whistling wind), at about unit RMS."""
    points = max(4, round(length / SAMPLING_RATE * 2 * width_hz))
    where = np.linspace(0, points - 1, length)
    position = cycles(centre_hz, length)
    cosine = np.interp(where, np.arange(points), rng.standard_normal(points)).astype(np.float32)
    quadrature = np.interp(where, np.arange(points), rng.standard_normal(points)).astype(np.float32)
    cosine *= sine(position)
    quadrature *= np.cos(position * np.float32(2 * np.pi))
    return cosine + quadrature


def swell(length: int, attack_s: float, release_s: float) -> Wave:
    """Return an envelope that rises, stays at 1 and falls, with rounded corners; both parts shrink to fit."""
    rise, fall = num_samples(attack_s), num_samples(release_s)
    if rise + fall > length:
        rise = max(1, length * rise // (rise + fall))
        fall = max(1, length - rise)
    envelope = np.ones(length, dtype=np.float32)
    envelope[:rise] = np.sin(np.linspace(0, np.pi / 2, rise)) ** 2
    envelope[-fall:] *= np.cos(np.linspace(0, np.pi / 2, fall)).astype(np.float32) ** 2
    return envelope


def decay(length: int, time_s: float, attack_s: float = 0.002) -> Wave:
    """Return an exponential decay (to 1/e after `time_s`) behind a short straight attack."""
    times = np.arange(length, dtype=np.float32) / SAMPLING_RATE
    envelope = np.exp(-times / np.float32(time_s))
    rise = min(length, num_samples(attack_s))
    envelope[:rise] *= np.linspace(0, 1, rise, dtype=np.float32)
    return envelope


def add_at(out: Wave, wave: Wave, start_s: float, gain: float = 1.0) -> None:
    """Add a wave into `out` from `start_s` on, in place; what falls outside is dropped."""
    first = round(start_s * SAMPLING_RATE)
    skip = max(0, -first)
    piece = wave[skip : max(skip, len(out) - first)]
    out[first + skip : first + skip + len(piece)] += np.float32(gain) * piece


def beats(rng: Rng, duration_s: float, period_s: float, jitter: float = 0.1) -> list[float]:
    """Return onset times from 0 on, about a period apart; `jitter` is the spread as a share of the period."""
    count = max(1, int(duration_s / period_s) + 1)
    steps = period_s * np.exp(jitter * rng.standard_normal(count).clip(-2, 2))
    times = np.concatenate([[0.0], np.cumsum(steps)])
    return [float(time) for time in times if time < duration_s]


def scatter(rng: Rng, length: int, rate_hz: float, grains: Sequence[Wave], spread: float = 0.6) -> Wave:
    """Return short grains at random times with random loudness (drops, claps, crackles).

    Args:
        rng: Source of randomness.
        length: Number of samples.
        rate_hz: Grains per second, on average.
        grains: The sounds to choose from.
        spread: Standard deviation of the log gain; large values make a few loud ones among many soft.
    """
    total = max(1, int(rng.poisson(rate_hz * length / SAMPLING_RATE)))
    owners = rng.integers(len(grains), size=total)
    firsts = rng.integers(length, size=total)
    gains = np.exp(spread * rng.standard_normal(total)).astype(np.float32)
    longest = max(len(grain) for grain in grains)
    out = silence(length + longest)
    for owner, first, gain in zip(owners, firsts, gains, strict=True):
        grain = grains[owner]
        out[first : first + len(grain)] += gain * grain
    return out[:length]


def repeat_calls(
    rng: Rng, duration_s: float, call: Callable[[float], Wave], length_s: float, gap_s: float
) -> Wave:
    """Fill a duration with calls of about `length_s` and pauses of about `gap_s`.

    No pause is longer than 0.34 s, so that with the soft ends of the calls it stays under half a second.

    Args:
        rng: Source of randomness.
        duration_s: Length of the result.
        call: Makes one call of the given length in seconds.
        length_s: Typical length of a call.
        gap_s: Typical pause between calls.
    """
    out = silence(num_samples(duration_s))
    start = 0.0
    while start < duration_s - 0.05:
        length = length_s * float(np.exp(0.15 * rng.standard_normal()))
        left = duration_s - start
        if left < 1.35 * length or left - length - gap_s < 0.4 * length_s:
            length = left
        add_at(out, call(length), start, float(rng.uniform(0.7, 1.0)))
        start += length + min(0.34, gap_s * float(np.exp(0.25 * rng.standard_normal())))
    return out
