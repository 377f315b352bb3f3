"""Synthetic weather, water, fire and people.

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
    moving_noise,
    num_samples,
    repeat_calls,
    resonate,
    scatter,
    silence,
    sine,
    swell,
    tone,
    wander,
    white,
)


def rain(rng: Rng, duration_s: float) -> Wave:
    """A bright even rush with countless tiny drops in it."""
    length = num_samples(duration_s)
    rush = band_noise(rng, length, rng.uniform(900, 1800), 7600) * wander(rng, length, 1.0, 0.06)
    grain = num_samples(0.02)
    drops = [
        tone(rng.uniform(2500, 6500), grain) * decay(grain, rng.uniform(0.0015, 0.004), 0.0003)
        for _ in range(8)
    ]
    return 0.5 * rush + rng.uniform(1.0, 2.0) * scatter(rng, length, rng.uniform(60, 160), drops, 0.6)


def thunder(rng: Rng, duration_s: float) -> Wave:
    """A crack, then a deep rolling rumble that comes back a few times and fades."""
    length = num_samples(duration_s)
    rolls = max(3, round(duration_s * 2.5))
    fading = np.linspace(0, -1.6, rolls + 1) + 0.45 * rng.standard_normal(rolls + 1)
    rumble = band_noise(rng, length, 35, rng.uniform(160, 320), 0.3) * curve(np.exp(fading), length)
    crack = num_samples(min(0.5, duration_s))
    body = band_noise(rng, crack, 150, 3500, 0.4) * decay(crack, 0.09, 0.004) * wander(rng, crack, 60, 0.5)
    out = 1.1 * rumble + 0.2 * band_noise(rng, length, 200, 900, 0.4) * curve(np.exp(1.3 * fading), length)
    add_at(out, body, 0.0, float(rng.uniform(0.8, 1.6)))
    return out


def wind(rng: Rng, duration_s: float) -> Wave:
    """Gusts: whistling noise whose centre wanders, over a soft low rush."""
    length = num_samples(duration_s)
    gust = wander(rng, length, 0.9, 0.4)
    centre = log_uniform(rng, 350, 800) * gust**0.8
    whistle = moving_noise(rng, length, centre, rng.uniform(50, 160))
    return (whistle + 0.35 * band_noise(rng, length, 80, 500, 0.5)) * gust


def waves(rng: Rng, duration_s: float) -> Wave:
    """Surf: noise that gathers, breaks bright and washes out, every few seconds."""
    length = num_samples(duration_s)
    turn = cycles(1 / rng.uniform(2.2, 4.0), length, float(rng.random()))
    crest = rng.uniform(0.45, 0.65)
    height = np.where(turn < crest, (turn / crest) ** 2, ((1 - turn) / (1 - crest)) ** 1.5)
    low = band_noise(rng, length, 100, 800, 0.4) * (0.25 + 0.75 * height)
    high = band_noise(rng, length, 800, 6000, 0.5) * (0.05 + 0.95 * height**2)
    return low + rng.uniform(0.9, 1.3) * high


def fire(rng: Rng, duration_s: float) -> Wave:
    """Dry cracks of very different loudness over a soft low flutter."""
    length = num_samples(duration_s)
    flutter = band_noise(rng, length, 60, 350, 0.5) * wander(rng, length, 12, 0.4)
    grain = num_samples(0.04)
    cracks = [
        band_noise(rng, grain, rng.uniform(600, 2500), rng.uniform(3000, 7000))
        * decay(grain, rng.uniform(0.001, 0.006), 0.0003)
        for _ in range(6)
    ]
    return 0.25 * flutter + scatter(rng, length, rng.uniform(14, 32), cracks, 0.8)


def water(rng: Rng, duration_s: float) -> Wave:
    """A gurgling stream: a cloud of small rising bubbles over a soft rush."""
    length = num_samples(duration_s)
    bubbles = []
    for _ in range(14):
        grain = num_samples(rng.uniform(0.03, 0.08))
        pitch = log_uniform(rng, 380, 1500) * curve([1.0, rng.uniform(1.15, 1.6)], grain)
        bubbles.append(tone(pitch, grain) * decay(grain, rng.uniform(0.01, 0.025)))
    stream = scatter(rng, length, rng.uniform(45, 90), bubbles, 0.5)
    return stream + rng.uniform(0.1, 0.22) * band_noise(rng, length, 500, 4000, 0.4) * wander(
        rng, length, 3, 0.15
    )


def fireworks(rng: Rng, duration_s: float) -> Wave:
    """A rising whistle, a boom, a shower of crackles; then the next one."""

    def rocket(length_s: float) -> Wave:
        length = num_samples(length_s)
        out = silence(length)
        rise_s = min(0.45 * length_s, rng.uniform(0.4, 0.8))
        rise = num_samples(rise_s)
        whistle = tone(log_uniform(rng, 1400, 2000) * curve([1.0, 1.9], rise), rise, (1, 0.2))
        add_at(out, (0.3 * whistle + 0.06 * white(rng, rise)) * curve([0.3, 1.0, 0.4], rise), 0.0)
        boom = length - rise
        bang = band_noise(rng, boom, 40, 900, 0.5) * decay(boom, 0.12) + 0.5 * white(rng, boom) * decay(
            boom, 0.02
        )
        add_at(out, bang, rise_s, 1.6)
        grain = num_samples(0.02)
        pops = [band_noise(rng, grain, 2000, 7000) * decay(grain, 0.003, 0.0003) for _ in range(4)]
        shower = scatter(rng, boom, rng.uniform(45, 90), pops, 0.5) * swell(boom, 0.15, 0.3)
        add_at(out, shower, rise_s, 0.5)
        return out

    return repeat_calls(rng, duration_s, rocket, rng.uniform(1.3, 2.1), 0.02)


def applause(rng: Rng, duration_s: float) -> Wave:
    """Many hand claps at once."""
    length = num_samples(duration_s)
    grain = num_samples(0.04)
    claps = []
    for _ in range(10):
        centre = log_uniform(rng, 800, 2000)
        claps.append(
            band_noise(rng, grain, centre * 0.8, centre * 1.5)
            * decay(grain, rng.uniform(0.004, 0.009), 0.001)
        )
    return scatter(rng, length, log_uniform(rng, 25, 90), claps, 0.4) * wander(rng, length, 0.8, 0.15)


def crowd(rng: Rng, duration_s: float) -> Wave:
    """Babble: several voices with their own pitch, syllable rhythm and vowels."""
    length = num_samples(duration_s)
    mouths = np.zeros((3, length), dtype=np.float32)
    for index in range(int(rng.integers(5, 8))):
        pitch = log_uniform(rng, 95, 230) * wander(rng, length, 3, 0.12)
        syllable_hz = rng.uniform(3, 5.5) * wander(rng, length, 3, 0.3)
        syllables = sine(cycles(syllable_hz, length, float(rng.random())))
        speaking = np.maximum(0.1, syllables) * (wander(rng, length, 1.2, 0.9) > 0.5)
        voice = buzz(pitch, length, 0.94) * speaking
        vowel = curve(rng.uniform(0.01, 1, size=max(2, round(4 * duration_s))), length)
        mouths[index % 3] += vowel * voice
        mouths[(index + 1) % 3] += (1 - vowel) * voice
    out = 0.12 * band_noise(rng, length, 200, 2500, 0.5)
    vowels = ((300, 600, 900, 1300), (500, 800, 1100, 1600), (250, 450, 1700, 2300))
    for mouth, (low, high, second_low, second_high) in zip(mouths, vowels, strict=True):
        formants = [(rng.uniform(low, high), 100.0, 1.0), (rng.uniform(second_low, second_high), 150.0, 0.5)]
        voices = resonate(mouth, [*formants, (2700.0, 250.0, 0.2)], 0.01)
        out += voices / (np.std(voices) + 1e-6)
    return out


def baby(rng: Rng, duration_s: float) -> Wave:
    """Wails of about a second with a quick catch of breath between."""
    base = log_uniform(rng, 380, 540)

    def wail(length_s: float) -> Wave:
        length = num_samples(length_s)
        quaver = 1 + 0.02 * sine(cycles(rng.uniform(6, 9), length))
        pitch = base * curve([0.75, 1.1, 1.15, 1.0, 0.75], length, [0, 0.1, 0.4, 0.75, 1]) * quaver
        cry = (buzz(pitch, length, 0.95) + 0.1 * white(rng, length)) * curve(
            [0.05, 1, 1, 0.8, 0.05], length, [0, 0.06, 0.5, 0.8, 1]
        )
        gasp_s = min(0.16, 0.15 * length_s)
        gasp = num_samples(gasp_s)
        breath = 0.5 * white(rng, gasp) * swell(gasp, 0.05, 0.04)
        add_at(cry, breath, length_s - gasp_s, 0.4)
        return cry

    out = repeat_calls(rng, duration_s, wail, rng.uniform(0.7, 1.2), rng.uniform(0.02, 0.12))
    return resonate(out, [(1150, 220, 1.0), (3000, 400, 0.9), (4600, 600, 0.4)], 0.04)


def laughter(rng: Rng, duration_s: float) -> Wave:
    """Ha-ha-ha: breathy syllables, five a second, sinking in pitch through each fit."""
    base = log_uniform(rng, 170, 340)
    rate_hz = rng.uniform(4.3, 6)

    def fit(length_s: float) -> Wave:
        out = silence(num_samples(length_s))
        for start in beats(rng, max(0.02, length_s - 0.7 / rate_hz), 1 / rate_hz, 0.05):
            length = num_samples(0.85 / rate_hz)
            pitch = base * (1.25 - 0.45 * start / length_s) * curve([1.0, 1.1, 0.85], length)
            breath = white(rng, length) * curve([0.1, 0.5, 0.08, 0.02], length, [0, 0.15, 0.4, 1])
            voiced = buzz(pitch, length, 0.93) * curve([0.01, 0.05, 1.0, 0.03], length, [0, 0.2, 0.45, 1])
            add_at(out, voiced + breath, start, 1.0 - 0.4 * start / length_s)
        return out

    out = repeat_calls(rng, duration_s, fit, rng.uniform(1.0, 2.0), rng.uniform(0.1, 0.35))
    mouth = rng.uniform(0.9, 1.2)
    return resonate(out, [(800 * mouth, 150, 1.0), (1250 * mouth, 180, 0.8), (2700 * mouth, 300, 0.3)], 0.02)
