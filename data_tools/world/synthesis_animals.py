"""Synthetic animal sounds.

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


def barking(rng: Rng, duration_s: float) -> Wave:
    """Short voiced bursts with a noisy edge, two to four a second."""
    size = log_uniform(rng, 0.55, 1.7)
    out = silence(num_samples(duration_s))
    bark_s = rng.uniform(0.1, 0.2)
    double = rng.random() < 0.35
    peak = rng.uniform(1.3, 1.9)
    for start in beats(rng, max(0.02, duration_s - bark_s), rng.uniform(0.3, 0.5), 0.12):
        length = num_samples(bark_s)
        pitch = (
            size
            * curve([300, 300 * peak, 340, 200], length, [0, 0.2, 0.6, 1])
            * wander(rng, length, 200, 0.06)
        )
        voice = buzz(pitch, length, 0.93) + 0.5 * white(rng, length)
        burst = voice * decay(length, bark_s * 0.4, 0.008) * swell(length, 0.004, 0.03)
        gain = float(rng.uniform(0.7, 1.0))
        add_at(out, burst, start, gain)
        if double:
            add_at(out, burst, start + bark_s * 0.85, 0.6 * gain)
    vowel = size**0.4
    return resonate(out, [(750 * vowel, 180, 1.0), (1550 * vowel, 300, 0.7), (2900 * vowel, 500, 0.25)], 0.03)


def meowing(rng: Rng, duration_s: float) -> Wave:
    """A long high vowel that opens and closes: i, a, u."""
    base = log_uniform(rng, 420, 720)
    rise = rng.uniform(1.15, 1.5)

    def call(length_s: float) -> Wave:
        length = num_samples(length_s)
        vibrato = 1 + 0.015 * sine(cycles(rng.uniform(5, 7), length))
        pitch = base * curve([0.9, rise, rise * 0.97, 0.75], length, [0, 0.3, 0.6, 1]) * vibrato
        voice = buzz(pitch, length, 0.86) + 0.03 * white(rng, length)
        closed = resonate(voice, [(base * 1.1, 200, 1.0), (2600, 300, 0.7)], 0.01)
        opened = resonate(voice, [(1100, 300, 1.2), (1900, 350, 0.8), (3600, 500, 0.3)], 0.02)
        mouth = curve([0.0, 0.1, 1.0, 0.8, 0.0], length)
        return ((1 - mouth) * closed + mouth * opened) * swell(length, 0.08, 0.25 * length_s)

    return repeat_calls(rng, duration_s, call, rng.uniform(0.6, 1.1), rng.uniform(0.15, 0.4))


def mooing(rng: Rng, duration_s: float) -> Wave:
    """A long, low, nasal tone that rises a little and sags."""
    base = log_uniform(rng, 95, 165)

    def call(length_s: float) -> Wave:
        length = num_samples(length_s)
        pitch = base * curve([0.8, 1.0, 1.12, 1.05, 0.78], length) * wander(rng, length, 25, 0.012)
        voice = buzz(pitch, length, 0.93) + 0.04 * white(rng, length)
        hum = resonate(voice, [(260, 90, 1.0)], 0.004)
        opened = resonate(voice, [(420, 130, 1.0), (820, 150, 0.5), (2300, 400, 0.06)], 0.006)
        mouth = curve([0.0, 0.6, 1.0, 0.9, 0.2], length)
        return ((1 - mouth) * hum + mouth * opened) * swell(length, 0.12, 0.3)

    return repeat_calls(rng, duration_s, call, rng.uniform(1.2, 2.3), rng.uniform(0.2, 0.4))


def neighing(rng: Rng, duration_s: float) -> Wave:
    """A whinny: a fast, shaking tone that falls by more than an octave."""
    top = log_uniform(rng, 1000, 1700)
    shake_hz = rng.uniform(9, 14)

    def call(length_s: float) -> Wave:
        length = num_samples(length_s)
        shake = sine(cycles(shake_hz * curve([1.1, 0.8], length), length))
        pitch = top * curve([0.7, 1.0, 0.75, 0.4, 0.28], length, [0, 0.12, 0.45, 0.85, 1]) * (1 + 0.1 * shake)
        voice = buzz(pitch, length, 0.8) + 0.25 * white(rng, length)
        shaped = resonate(voice, [(1200, 450, 1.0), (2500, 500, 0.6), (4200, 700, 0.3)], 0.05)
        return shaped * (0.62 + 0.38 * shake) * swell(length, 0.06, 0.3)

    return repeat_calls(rng, duration_s, call, rng.uniform(1.1, 1.9), rng.uniform(0.1, 0.3))


def oinking(rng: Rng, duration_s: float) -> Wave:
    """Rough nasal grunts: a slow pulse train with snorted noise."""
    base = log_uniform(rng, 55, 100)

    def call(length_s: float) -> Wave:
        length = num_samples(length_s)
        pitch = base * curve([1.0, 1.5, 1.1], length) * wander(rng, length, 120, 0.12)
        voice = buzz(pitch, length, 0.97) * (1.3 + 0.8 * white(rng, length))
        grunt: Wave = (voice + 0.18 * white(rng, length)) * swell(length, 0.02, 0.08)
        return grunt

    out = repeat_calls(rng, duration_s, call, rng.uniform(0.14, 0.28), rng.uniform(0.1, 0.3))
    nose = rng.uniform(0.85, 1.2)
    return resonate(out, [(380 * nose, 100, 0.8), (1050 * nose, 160, 1.0), (2000 * nose, 250, 0.35)], 0.01)


def bleating(rng: Rng, duration_s: float) -> Wave:
    """A flat nasal vowel with a strong flutter."""
    base = log_uniform(rng, 260, 430)
    flutter_hz = rng.uniform(7, 11)
    mouth = rng.uniform(0.9, 1.15)

    def call(length_s: float) -> Wave:
        length = num_samples(length_s)
        flutter = sine(cycles(flutter_hz, length, float(rng.random())))
        pitch = base * curve([0.95, 1.05, 1.0, 0.88], length) * (1 + 0.035 * flutter)
        voice = buzz(pitch, length, 0.94) + 0.08 * white(rng, length)
        bleat: Wave = voice * (0.58 + 0.42 * flutter) * swell(length, 0.04, 0.12)
        return bleat

    out = repeat_calls(rng, duration_s, call, rng.uniform(0.55, 1.1), rng.uniform(0.15, 0.4))
    return resonate(out, [(800 * mouth, 150, 1.0), (1750 * mouth, 220, 0.8), (2700 * mouth, 300, 0.4)], 0.02)


def crowing(rng: Rng, duration_s: float) -> Wave:
    """Cock-a-doodle-doo: two short notes, a long high one, a long falling one."""
    base = log_uniform(rng, 480, 760)

    def call(length_s: float) -> Wave:
        length = num_samples(length_s)
        places = [0, 0.08, 0.16, 0.2, 0.3, 0.36, 0.45, 0.6, 0.66, 0.75, 1.0]
        notes = [0.8, 1.0, 0.9, 0.9, 1.1, 1.0, 1.5, 1.6, 1.3, 1.35, 0.75]
        loud = curve([0, 1, 0.05, 0.6, 1, 0.1, 1, 1, 0.2, 1, 0.0], length, places)
        pitch = base * curve(notes, length, places) * wander(rng, length, 60, 0.015)
        return (buzz(pitch, length, 0.9) + 0.08 * white(rng, length)) * loud

    out = repeat_calls(rng, duration_s, call, rng.uniform(1.3, 2.0), rng.uniform(0.2, 0.4))
    throat = rng.uniform(0.9, 1.15)
    return resonate(
        out, [(1250 * throat, 300, 1.0), (2500 * throat, 450, 0.9), (3900 * throat, 500, 0.4)], 0.03
    )


def quacking(rng: Rng, duration_s: float) -> Wave:
    """Short, nasal, buzzing syllables that fall in pitch."""
    base = log_uniform(rng, 170, 290)

    def call(length_s: float) -> Wave:
        length = num_samples(length_s)
        pitch = base * curve([1.15, 1.05, 0.8], length) * wander(rng, length, 90, 0.03)
        return buzz(pitch, length, 0.985) * swell(length, 0.012, 0.06)

    out = repeat_calls(rng, duration_s, call, rng.uniform(0.12, 0.22), rng.uniform(0.06, 0.22))
    bill = rng.uniform(0.88, 1.15)
    return resonate(out, [(1350 * bill, 130, 1.0), (2600 * bill, 250, 0.9), (3500 * bill, 350, 0.4)], 0.012)


def chirping(rng: Rng, duration_s: float) -> Wave:
    """Motifs of high, very short, gliding notes."""
    centre = log_uniform(rng, 2300, 4300)
    shapes = [centre * np.exp(rng.uniform(-0.35, 0.45, size=int(rng.integers(2, 4)))) for _ in range(3)]
    note_s = rng.uniform(0.045, 0.11)
    rate = rng.uniform(0.6, 0.9)

    def motif(length_s: float) -> Wave:
        out = silence(num_samples(length_s))
        shape = shapes[int(rng.integers(3))]
        for start in beats(rng, max(0.01, length_s - note_s), note_s / rate, 0.05):
            length = num_samples(note_s)
            add_at(out, tone(curve(shape, length), length, (1.0, 0.12)) * swell(length, 0.012, 0.02), start)
            shape = shape if rng.random() < 0.7 else shapes[int(rng.integers(3))]
        return out

    return repeat_calls(rng, duration_s, motif, rng.uniform(0.3, 0.8), rng.uniform(0.1, 0.28))


def hooting(rng: Rng, duration_s: float) -> Wave:
    """Soft, almost pure low notes in a fixed rhythm."""
    base = log_uniform(rng, 290, 520)
    second = rng.uniform(0.02, 0.12)

    def call(length_s: float) -> Wave:
        length = num_samples(length_s)
        pitch = base * curve([0.93, 1.0, 0.99, 0.9], length)
        return tone(pitch, length, (1.0, second)) * swell(length, 0.07, 0.12) + 0.004 * white(rng, length)

    return repeat_calls(rng, duration_s, call, rng.uniform(0.25, 0.6), rng.uniform(0.15, 0.36))


def croaking(rng: Rng, duration_s: float) -> Wave:
    """Croaks made of separate hollow clicks, forty or so a second."""
    click_hz = log_uniform(rng, 28, 60)
    hollow = log_uniform(rng, 550, 1000)
    length = num_samples(0.05)
    click = tone(hollow, length) * decay(length, 0.008) + 0.7 * tone(hollow * 2.3, length) * decay(
        length, 0.005
    )

    def call(length_s: float) -> Wave:
        out = silence(num_samples(length_s))
        for start in beats(rng, max(0.01, length_s - 0.02), 1 / click_hz, 0.06):
            add_at(out, click, start, 0.4 + 0.6 * start / length_s)
        return out

    return repeat_calls(rng, duration_s, call, rng.uniform(0.25, 0.55), rng.uniform(0.15, 0.36))


def buzzing(rng: Rng, duration_s: float) -> Wave:
    """A steady buzz with a wandering pitch that comes near and goes."""
    length = num_samples(duration_s)
    base = log_uniform(rng, 165, 270)
    pitch = base * wander(rng, length, 2.5, 0.06) * wander(rng, length, 30, 0.01)
    near = wander(rng, length, 1.2, 0.35)
    wings = resonate(
        buzz(pitch, length, 0.92), [(base * 2, 150, 1.0), (1500, 700, 0.5), (3200, 900, 0.3)], 0.02
    )
    return wings * near * (1 + 0.15 * sine(cycles(rng.uniform(12, 25), length)))


def roaring(rng: Rng, duration_s: float) -> Wave:
    """A deep, hoarse growl that swells and dies."""
    base = log_uniform(rng, 45, 80)
    throat = rng.uniform(0.85, 1.2)

    def call(length_s: float) -> Wave:
        length = num_samples(length_s)
        pitch = base * curve([0.8, 1.5, 1.35, 0.7], length) * wander(rng, length, 70, 0.2)
        voice = buzz(pitch, length, 0.95) * (1 + 0.7 * white(rng, length)) + 0.35 * white(rng, length)
        roar: Wave = voice * curve([0.02, 0.7, 1.0, 0.7, 0.03], length)
        return roar

    out = repeat_calls(rng, duration_s, call, rng.uniform(1.2, 2.4), rng.uniform(0.02, 0.15))
    return resonate(out, [(330 * throat, 150, 1.0), (700 * throat, 200, 0.6), (1300, 400, 0.15)], 0.015)


def howling(rng: Rng, duration_s: float) -> Wave:
    """One long smooth note that climbs, holds and sinks."""
    base = log_uniform(rng, 380, 620)

    def call(length_s: float) -> Wave:
        length = num_samples(length_s)
        vibrato = 1 + 0.008 * sine(cycles(rng.uniform(3.5, 5.5), length))
        pitch = (
            base
            * curve([0.6, 1.0, rng.uniform(1.0, 1.2), 1.0, 0.65], length, [0, 0.2, 0.4, 0.75, 1])
            * vibrato
        )
        voice = tone(pitch, length, (1.0, 0.45, 0.22, 0.08, 0.03))
        return voice * swell(length, 0.25, 0.5) + 0.004 * white(rng, length)

    return repeat_calls(rng, duration_s, call, rng.uniform(1.8, 3.4), rng.uniform(0.1, 0.3))


def elephant_call(rng: Rng, duration_s: float) -> Wave:
    """A blaring, rough brass-like scream that breaks upward."""
    base = log_uniform(rng, 380, 620)
    growl_hz = rng.uniform(45, 75)

    def call(length_s: float) -> Wave:
        length = num_samples(length_s)
        pitch = (
            base
            * curve([0.6, 1.25, 1.45, 1.1, 0.7], length, [0, 0.15, 0.4, 0.8, 1])
            * wander(rng, length, 110, 0.05)
        )
        growl = 0.6 + 0.4 * sine(cycles(growl_hz, length))
        blare = buzz(pitch, length, 0.95) * growl + 0.3 * band_noise(rng, length, 800, 5000)
        scream: Wave = blare * swell(length, 0.05, 0.25)
        return scream

    out = repeat_calls(rng, duration_s, call, rng.uniform(0.8, 1.6), rng.uniform(0.1, 0.35))
    return resonate(out, [(1300, 600, 1.0), (3000, 900, 0.8), (5000, 1200, 0.4)], 0.05)


def whale_song(rng: Rng, duration_s: float) -> Wave:
    """Slow, wide, low glides with echoes as under water."""
    base = log_uniform(rng, 110, 200)
    trill_hz = rng.uniform(3, 6)

    def call(length_s: float) -> Wave:
        length = num_samples(length_s)
        glide = np.exp(rng.uniform(-0.4, 0.5, size=5))
        glide[-1] *= rng.uniform(1.5, 3.5) if rng.random() < 0.6 else 0.7
        pitch = base * curve(glide, length) * (1 + 0.04 * sine(cycles(trill_hz, length)))
        return tone(pitch, length, (1.0, 0.6, 0.25, 0.2, 0.06, 0.05)) * swell(length, 0.25, 0.3)

    out = repeat_calls(rng, duration_s, call, rng.uniform(1.2, 2.6), rng.uniform(0.02, 0.15))
    dry = out.copy()
    for delay_s, gain in ((0.13, 0.5), (0.29, 0.35), (0.47, 0.25)):
        add_at(out, dry, delay_s * rng.uniform(0.8, 1.2), gain)
    return out


def hissing(rng: Rng, duration_s: float) -> Wave:
    """Long sharp breaths of noise high up."""
    low = rng.uniform(3600, 5000)

    def call(length_s: float) -> Wave:
        length = num_samples(length_s)
        breath = band_noise(rng, length, low, 7600) * wander(rng, length, 40, 0.15)
        return breath * curve([0.05, 0.8, 1.0, 0.6, 0.05], length)

    return repeat_calls(rng, duration_s, call, rng.uniform(0.7, 1.6), rng.uniform(0.03, 0.2))


def cricket_song(rng: Rng, duration_s: float) -> Wave:
    """Chirps of three to five fast pulses of one very high tone."""
    carrier = log_uniform(rng, 4000, 5600)
    pulses = int(rng.integers(3, 6))
    pulse_s = rng.uniform(0.018, 0.026)
    length = num_samples(pulse_s)
    pulse = tone(carrier * curve([1.02, 0.98], length), length) * swell(length, 0.005, 0.008)
    out = silence(num_samples(duration_s))
    for start in beats(rng, max(0.02, duration_s - pulses * 1.5 * pulse_s), rng.uniform(0.28, 0.5), 0.03):
        for index in range(pulses):
            add_at(out, pulse, start + index * 1.5 * pulse_s, 0.5 + 0.5 * index / pulses)
    return out


def chattering(rng: Rng, duration_s: float) -> Wave:
    """Rapid series of high hooted syllables that climb and get louder."""
    base = log_uniform(rng, 650, 1100)
    rate_hz = rng.uniform(7, 11)

    def series(length_s: float) -> Wave:
        out = silence(num_samples(length_s))
        note_s = 0.62 / rate_hz
        for start in beats(rng, max(0.01, length_s - note_s), 1 / rate_hz, 0.06):
            length = num_samples(note_s)
            climb = base * (0.8 + 0.7 * start / length_s)
            pitch = climb * curve([0.75, 1.25, 0.9], length)
            voice = buzz(pitch, length, 0.75) + 0.12 * white(rng, length)
            add_at(out, voice * swell(length, 0.015, 0.03), start, 0.5 + 0.5 * start / length_s)
        return out

    out = repeat_calls(rng, duration_s, series, rng.uniform(0.7, 1.5), rng.uniform(0.1, 0.35))
    return resonate(out, [(1100, 350, 1.0), (2100, 400, 0.6), (3800, 700, 0.25)], 0.03)
