"""Synthetic signals: bells, horns, whistles, sirens and ring tones.

Each function maps (rng, duration in seconds) to a mono float32 wave at 16 kHz, of any loudness.
"""

import numpy as np

from .oscillators import (
    Rng,
    Wave,
    add_at,
    band_noise,
    beats,
    buzz,
    curve,
    cycles,
    decay,
    log_uniform,
    num_samples,
    repeat_calls,
    resonate,
    silence,
    sine,
    swell,
    tone,
    wander,
    white,
)


def bell(rng: Rng, duration_s: float) -> Wave:
    """A church bell: inharmonic partials that die at their own pace, struck about once a second."""
    base = log_uniform(rng, 260, 620)
    size = num_samples(min(duration_s, 3.0))
    strike = silence(size)
    hang_s = rng.uniform(0.7, 1.4)
    for ratio, gain, life in (
        (0.5, 0.6, 1.4),
        (1, 1, 1),
        (1.2, 0.8, 0.8),
        (1.5, 0.4, 0.6),
        (2, 0.9, 0.6),
        (2.52, 0.5, 0.35),
        (3.01, 0.4, 0.3),
        (4.1, 0.4, 0.2),
        (5.4, 0.3, 0.12),
        (6.8, 0.2, 0.08),
    ):
        partial = base * ratio * float(np.exp(0.01 * rng.standard_normal()))
        if partial < 7500:
            strike += np.float32(gain) * tone(partial, size) * decay(size, hang_s * life)
    out = silence(num_samples(duration_s))
    for start in beats(rng, max(0.05, duration_s - 0.4), rng.uniform(0.7, 1.3), 0.03):
        add_at(out, strike, start, float(rng.uniform(0.8, 1.0)))
    return out


def siren(rng: Rng, duration_s: float) -> Wave:
    """A loud reedy tone that sweeps up and down (wail or yelp) or steps between two notes."""
    length = num_samples(duration_s)
    low = log_uniform(rng, 480, 720)
    kind = rng.integers(3)
    if kind == 2:
        step = sine(cycles(1 / rng.uniform(0.7, 1.2), length, float(rng.random())))
        pitch: Wave = low * np.where(step > 0, np.float32(1.34), np.float32(1.0))
    else:
        period_s = rng.uniform(1.6, 3.2) if kind == 0 else rng.uniform(0.25, 0.4)
        turn = cycles(1 / period_s, length, float(rng.random()))
        pitch = low * np.float32(rng.uniform(2.0, 2.6)) ** (1 - np.abs(2 * turn - 1))
    horn = tone(pitch, length, (1, 0.25, 0.5, 0.15, 0.3, 0.1))
    return horn * wander(rng, length, 2, 0.08)


def train_whistle(rng: Rng, duration_s: float) -> Wave:
    """A steam chord: three or four steady tones with hissing steam, in long blasts."""
    base = log_uniform(rng, 300, 460)
    chord = ((1, 1.19, 1.5, 1.78), (1, 1.26, 1.5), (1, 1.335, 1.68))[int(rng.integers(3))]

    def blast(length_s: float) -> Wave:
        length = num_samples(length_s)
        scoop = curve([0.9, 1.0, 1.0, 0.94], length, [0, min(0.5, 0.12 / length_s), 0.85, 1])
        out = 0.22 * band_noise(rng, length, 1200, 7000)
        for ratio in chord:
            out += tone(base * ratio * scoop, length, (1, 0.45, 0.3, 0.12, 0.06))
        return out * swell(length, 0.06, 0.15)

    return repeat_calls(rng, duration_s, blast, rng.uniform(0.5, 1.5), rng.uniform(0.12, 0.35))


def ship_horn(rng: Rng, duration_s: float) -> Wave:
    """A very low steady blare."""
    base = log_uniform(rng, 70, 125)
    second = float(rng.choice([1.0, 1.26, 1.5]))

    def blast(length_s: float) -> Wave:
        length = num_samples(length_s)
        onset = curve([0.5, 0.96, 0.96], length, [0, min(0.5, 0.2 / length_s), 1])
        horn = buzz(base, length, onset) + 0.6 * buzz(base * second * 1.002, length, onset)
        return horn * swell(length, 0.08, 0.2)

    out = repeat_calls(rng, duration_s, blast, rng.uniform(1.3, 3.2), rng.uniform(0.2, 0.4))
    return resonate(out, [(base * 2, 120, 1.0), (500, 250, 0.6), (1200, 500, 0.2)], 0.02)


def bicycle_bell(rng: Rng, duration_s: float) -> Wave:
    """Ring-ring: a small high bell struck very fast in short bursts."""
    base = log_uniform(rng, 1900, 2900)
    size = num_samples(0.4)
    strike = silence(size)
    for ratio, gain, life in ((1, 1, 0.12), (1.52, 0.5, 0.08), (2.3, 0.5, 0.05), (2.9, 0.2, 0.04)):
        if base * ratio < 7600:
            strike += np.float32(gain) * tone(base * ratio, size) * decay(size, life, 0.001)
    stroke_s = 1 / rng.uniform(13, 20)

    def ring(length_s: float) -> Wave:
        out = silence(num_samples(length_s))
        for index, start in enumerate(beats(rng, max(0.05, length_s - 0.12), stroke_s, 0.05)):
            add_at(out, strike, start, 1.0 if index % 2 else 0.6)
        return out

    return repeat_calls(rng, duration_s, ring, rng.uniform(0.35, 0.6), rng.uniform(0.05, 0.2))


def alarm(rng: Rng, duration_s: float) -> Wave:
    """Groups of short electronic beeps on one note."""
    pitch = log_uniform(rng, 1500, 2400)
    beep_s = rng.uniform(0.07, 0.11)
    group = int(rng.integers(2, 5))
    length = num_samples(beep_s)
    beep = tone(pitch, length, (1, 0, 0.35, 0, 0.15)) * swell(length, 0.004, 0.004)
    pause_s = rng.uniform(0.25, 0.42)
    out = silence(num_samples(duration_s))
    start, index = 0.0, 0
    while start < duration_s - beep_s:
        add_at(out, beep, start)
        index += 1
        start += beep_s * 1.8 if index % group else beep_s + pause_s
    return out


def phone(rng: Rng, duration_s: float) -> Wave:
    """A warble between two notes about twenty times a second, in long rings."""
    low = log_uniform(rng, 750, 1150)
    high = low * rng.uniform(1.2, 1.35)
    warble_hz = rng.uniform(15, 24)

    def ring(length_s: float) -> Wave:
        length = num_samples(length_s)
        first = sine(cycles(warble_hz, length)) > 0
        pitch = np.where(first, np.float32(low), np.float32(high))
        return tone(pitch, length, (1, 0.3, 0.15, 0.08)) * swell(length, 0.02, 0.08)

    return repeat_calls(rng, duration_s, ring, rng.uniform(0.7, 1.5), rng.uniform(0.25, 0.42))


def typing(rng: Rng, duration_s: float) -> Wave:
    """Irregular dry key clicks, each a press and a softer release."""
    length = num_samples(0.05)
    keys = []
    for _ in range(5):
        press = band_noise(rng, length, rng.uniform(1200, 2200), rng.uniform(3500, 6000)) * decay(
            length, 0.004, 0.0005
        )
        press += 0.6 * tone(rng.uniform(180, 320), length) * decay(length, 0.008)
        keys.append(press)
    out = silence(num_samples(duration_s))
    for start in beats(rng, max(0.02, duration_s - 0.06), rng.uniform(0.09, 0.17), 0.35):
        key = keys[int(rng.integers(len(keys)))]
        add_at(out, key, start, float(rng.uniform(0.5, 1.0)))
        add_at(out, key, start + rng.uniform(0.045, 0.07), 0.25)
    return out


def camera(rng: Rng, duration_s: float) -> Wave:
    """Ka-chick and a short winding motor, again and again."""
    length = num_samples(0.06)
    clack = band_noise(rng, length, 1800, 6500) * decay(length, rng.uniform(0.006, 0.01), 0.0005)
    clack += 0.7 * tone(rng.uniform(2800, 4200), length) * decay(length, 0.006)
    second_s = rng.uniform(0.06, 0.12)
    whirr_s = rng.uniform(0.16, 0.3)
    size = num_samples(whirr_s)
    motor = buzz(rng.uniform(300, 480) * curve([0.7, 1.0, 1.05], size), size, 0.9) + 0.4 * white(rng, size)
    motor = resonate(motor * swell(size, 0.03, 0.04), [(2600, 500, 1.0), (4200, 600, 0.7)], 0.05)
    out = silence(num_samples(duration_s))
    period_s = second_s + whirr_s + rng.uniform(0.12, 0.4)
    for start in beats(rng, max(0.05, duration_s - second_s - whirr_s), period_s, 0.05):
        add_at(out, clack, start)
        add_at(out, clack[::2], start + second_s, 1.0)
        add_at(out, motor, start + second_s + 0.03, 0.16)
    return out
