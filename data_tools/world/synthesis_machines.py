"""Synthetic engines, vehicles and tools.

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
    resonate,
    scatter,
    silence,
    sine,
    swell,
    tone,
    wander,
    white,
)


def engine(rng: Rng, duration_s: float) -> Wave:
    """A running motor: slow even firing heard through low resonances, with slow changes of speed."""
    length = num_samples(duration_s)
    idle_hz = log_uniform(rng, 22, 48)
    speed = idle_hz * wander(rng, length, 0.8, 0.18) * wander(rng, length, 20, 0.01)
    firing = buzz(speed, length, 0.95) * (1 + 0.25 * sine(cycles(speed / 4, length)))
    body = resonate(firing, [(90, 40, 1.0), (180, 60, 0.7), (350, 120, 0.3), (900, 400, 0.06)], 0.004)
    body /= np.std(body) + 1e-9
    body += 0.12 * band_noise(rng, length, 150, 1500, 0.5)
    return body


def motorcycle(rng: Rng, duration_s: float) -> Wave:
    """Throttle blips: uneven hard firing that races up and falls back, bright and raw."""
    length = num_samples(duration_s)
    blip_s = rng.uniform(0.5, 1.1)
    count = max(2, round(duration_s / blip_s))
    low = log_uniform(rng, 55, 85)
    points = [low]
    places = [0.0]
    for index in range(count):
        points += [low * rng.uniform(2.0, 3.4), low * rng.uniform(1.0, 1.3)]
        places += [(index + 0.45) / count, (index + 1) / count]
    speed = curve(points, length, places) * wander(rng, length, 50, 0.015)
    throttle = (speed / low - 0.7).clip(0.3, None) / 2.5
    fire = cycles(speed / 2, length)
    uneven = buzz(speed, length, 0.985) * (1 + 0.5 * sine(fire)) + 0.3 * white(rng, length) * (1 - fire)
    return resonate(
        uneven * throttle, [(250, 120, 0.8), (700, 250, 1.0), (1600, 500, 0.8), (3200, 900, 0.4)], 0.05
    )


def helicopter(rng: Rng, duration_s: float) -> Wave:
    """Heavy blade slaps ten to sixteen times a second with a thin turbine whine."""
    length = num_samples(duration_s)
    blade = cycles(rng.uniform(9.5, 16) * wander(rng, length, 0.5, 0.03), length)
    slap = np.exp(-blade * np.float32(rng.uniform(5, 8))) * np.minimum(1, blade * 25)
    low = band_noise(rng, length, 50, rng.uniform(300, 600), 0.3) * slap
    swish = band_noise(rng, length, 900, 3500) * np.roll(slap, num_samples(0.02)) ** 1.5
    whine = tone(rng.uniform(2200, 3600) * wander(rng, length, 1, 0.004), length, (1, 0.4))
    out: Wave = (low + 0.3 * swish + 0.04 * whine) * wander(rng, length, 0.8, 0.15)
    return out


def airplane(rng: Rng, duration_s: float) -> Wave:
    """A jet passing: broad roar with gliding reflections and a whine that sinks as it goes by."""
    length = num_samples(duration_s)
    roar = band_noise(rng, length, 120, 3500, 0.5)
    delay = (num_samples(0.004) * curve([1.0, rng.uniform(0.1, 0.3), 0.8], length)).astype(np.int64)
    flanged = roar + 0.8 * roar[np.maximum(0, np.arange(length) - delay)]
    sink = curve([1.15, 1.12, 0.9, 0.8], length, [0, 0.35, 0.65, 1])
    whine = tone(log_uniform(rng, 900, 1700) * sink, length, (1.0, 0.7, 0.35))
    passing = curve([0.35, 1.0, 0.4], length, [0, rng.uniform(0.35, 0.65), 1])
    out: Wave = (flanged + rng.uniform(0.25, 0.5) * whine) * passing
    return out


def hammering(rng: Rng, duration_s: float) -> Wave:
    """Regular blows: a thump, a click and a short metal ring."""
    length = num_samples(0.22)
    base = log_uniform(rng, 900, 1700)
    blow = 1.2 * tone(curve([260, 140], length), length) * decay(length, 0.025)
    blow += 0.8 * white(rng, length) * decay(length, 0.005, 0.0005)
    for ratio, gain in ((1, 1), (1.58, 0.8), (2.41, 0.6), (3.3, 0.4)):
        blow += np.float32(gain) * tone(base * ratio, length) * decay(length, rng.uniform(0.03, 0.07))
    out = silence(num_samples(duration_s))
    for start in beats(rng, max(0.03, duration_s - 0.1), rng.uniform(0.28, 0.5), 0.05):
        add_at(out, blow, start, float(rng.uniform(0.7, 1.0)))
    return out


def sawing(rng: Rng, duration_s: float) -> Wave:
    """To and fro: strokes of toothed noise, the push brighter than the pull."""
    stroke_s = rng.uniform(0.22, 0.42)
    teeth_hz = rng.uniform(70, 140)
    out = silence(num_samples(duration_s))
    low, high = rng.uniform(700, 1100), rng.uniform(3000, 4500)
    for index, start in enumerate(beats(rng, max(0.05, duration_s - 0.6 * stroke_s), stroke_s, 0.05)):
        length = num_samples(min(stroke_s * 0.92, duration_s - start))
        speed = np.sin(np.linspace(0.15, np.pi - 0.15, length)).astype(np.float32)
        push = index % 2 == 0
        rasp = band_noise(rng, length, low if push else low * 0.6, high if push else high * 0.5)
        bite = 0.45 + 0.55 * np.maximum(0, sine(cycles(teeth_hz * (0.4 + speed), length)))
        add_at(out, rasp * bite * speed, start, 1.0 if push else 0.7)
    return out


def rocket(rng: Rng, duration_s: float) -> Wave:
    """A blast-off: an ignition burst, then an immense crackling low roar that slowly darkens."""
    length = num_samples(duration_s)
    flame = band_noise(rng, length, 25, 700, 0.6) * wander(rng, length, 35, 0.35)
    grain = num_samples(0.03)
    grains = [band_noise(rng, grain, 200, 4000) * decay(grain, 0.006, 0.0005) for _ in range(4)]
    crackle = scatter(rng, length, rng.uniform(60, 120), grains, 0.9)
    hiss = band_noise(rng, length, 1000, 6000) * curve([1.0, 0.35, 0.12], length, [0, 0.25, 1])
    ignition = curve([0.15, 1.0, 0.85, 0.6], length, [0, 0.08, 0.5, 1])
    return (flame + 0.45 * crackle + 0.5 * hiss) * ignition * swell(length, 0.02, 0.1)
