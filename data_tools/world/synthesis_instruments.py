"""Synthetic instruments: short random phrases.

Each function maps (rng, duration in seconds) to a mono float32 wave at 16 kHz, of any loudness.
"""

from dataclasses import dataclass

import numpy as np

from .oscillators import (
    Rng,
    Wave,
    add_at,
    band_noise,
    buzz,
    curve,
    cycles,
    decay,
    log_uniform,
    num_samples,
    resonate,
    silence,
    sine,
    swell,
    tone,
    wander,
    white,
)

_SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9), (0, 3, 5, 7, 10))


@dataclass(frozen=True, slots=True)
class Note:
    """One note of a phrase: start and length in seconds, pitch in Hz."""

    start_s: float
    length_s: float
    pitch_hz: float


def _pitch(root_hz: float, scale: tuple[int, ...], degree: int) -> float:
    octave, step = divmod(degree, len(scale))
    return float(root_hz * 2 ** (octave + scale[step] / 12))


def draw_phrase(rng: Rng, duration_s: float, root_hz: float, beat_s: float, span: int = 9) -> list[Note]:
    """Draw a melody that fills the time: a walk over `span` degrees of a scale, in half to double beats."""
    scale = _SCALES[int(rng.integers(len(_SCALES)))]
    degree = int(rng.integers(span))
    notes: list[Note] = []
    start = 0.0
    while start < duration_s - 0.05:
        length = beat_s * float(rng.choice([0.5, 1.0, 1.0, 2.0]))
        if duration_s - start - length < 0.4 * beat_s:
            length = duration_s - start
        notes.append(Note(start, length, _pitch(root_hz, scale, degree)))
        degree = int(np.clip(degree + rng.integers(-3, 4), 0, span - 1))
        start += length
    return notes


def piano(rng: Rng, duration_s: float) -> Wave:
    """Struck strings: slightly stretched overtones, two-stage decay, a melody with a chord now and then."""
    out = silence(num_samples(duration_s))
    bright = rng.uniform(0.45, 0.62)
    for note in draw_phrase(rng, duration_s, log_uniform(rng, 200, 420), rng.uniform(0.22, 0.42)):
        chord = (1.0, 1.26, 1.5) if rng.random() < 0.35 else (1.0,)
        if rng.random() < 0.4:
            chord = (*chord, 0.5)
        length = num_samples(min(duration_s - note.start_s, note.length_s + 0.45))
        sound = silence(length)
        for ratio in chord:
            pitch = note.pitch_hz * ratio
            for overtone in range(1, min(9, int(7000 / pitch) + 1)):
                stretched = pitch * overtone * (1 + 0.0004 * overtone**2)
                life_s = 0.75 / overtone**0.7 * (300 / pitch) ** 0.3
                size = min(length, num_samples(4.5 * life_s))
                sound[:size] += (
                    np.float32(bright ** (overtone - 1)) * tone(stretched, size) * decay(size, life_s)
                )
        knock = num_samples(min(0.03, note.length_s))
        sound[:knock] += 0.25 * white(rng, knock)[:length] * decay(knock, 0.006)
        add_at(out, sound * swell(length, 0.001, 0.05), note.start_s, float(rng.uniform(0.6, 1.0)))
    return out


def _pluck(pitch_hz: float, amplitudes: Wave, length_s: float) -> Wave:
    """Make one plucked string: all overtones at first, the lowest five for longer."""
    length = num_samples(length_s)
    string = 0.6 * tone(pitch_hz, length, amplitudes[:5]) * decay(length, 0.4, 0.001)
    early = min(length, num_samples(0.35))
    string[:early] += tone(pitch_hz, early, amplitudes) * decay(early, 0.07, 0.001)
    return string * swell(length, 0.001, 0.03)


def guitar(rng: Rng, duration_s: float) -> Wave:
    """Strummed low chords: bright plucks that dull quickly, strings a few hundredths of a second apart."""
    out = silence(num_samples(duration_s))
    root = log_uniform(rng, 85, 135)
    shapes = ((1, 1.5, 2, 2.52, 3), (1, 1.5, 2, 2.4, 3), (1.335, 2, 2.67, 3.36), (1.122, 1.68, 2.245, 2.83))
    pluck = rng.uniform(0.12, 0.3)
    beat_s = rng.uniform(0.22, 0.45)
    overtones = np.arange(1, 16)
    amplitudes = np.abs(np.sin(np.pi * pluck * overtones)) / overtones**0.8
    strum_s = rng.uniform(0.012, 0.04)
    strings: dict[float, Wave] = {}
    start = 0.0
    while start < duration_s - 0.05:
        chord = shapes[int(rng.integers(len(shapes)))]
        chord = chord if rng.random() < 0.7 else chord[::-1]
        for index, ratio in enumerate(chord):
            if ratio not in strings:
                strings[ratio] = _pluck(root * ratio, amplitudes, 2 * beat_s + 0.2)
            add_at(out, strings[ratio], start + index * strum_s, float(rng.uniform(0.6, 1)))
        start += beat_s * float(rng.choice([0.5, 1.0, 1.0, 1.5]))
    return resonate(out, [(110, 50, 0.7), (210, 80, 0.7), (1000, 1500, 0.5), (3500, 1500, 0.4)], 0.1)


def violin(rng: Rng, duration_s: float) -> Wave:
    """Bowed notes tied together: saw-like overtones, vibrato, glides between notes."""
    length = num_samples(duration_s)
    notes = draw_phrase(rng, duration_s, log_uniform(rng, 330, 600), rng.uniform(0.24, 0.5))
    pitch = np.zeros(length)
    loud = silence(length)
    for note in notes:
        first, size = num_samples(note.start_s) - 1, num_samples(note.length_s)
        pitch[first : first + size + 2] = np.log(note.pitch_hz)
        bow = 0.45 + 0.55 * np.sin(np.linspace(0.15, np.pi - 0.2, size)).astype(np.float32)
        loud[first : first + size] = bow[: max(0, length - first)]
    pitch[pitch == 0] = np.log(notes[-1].pitch_hz)
    glide = num_samples(0.04)
    padded = np.concatenate([np.full(glide, pitch[0]), pitch])
    sums = np.cumsum(padded)
    smooth = np.exp((sums[glide:] - sums[:-glide]) / glide)
    vibrato = 1 + rng.uniform(0.009, 0.02) * sine(cycles(rng.uniform(5, 6.8), length))
    string = buzz(smooth * vibrato, length, 0.94)
    bowed = (string + 0.05 * band_noise(rng, length, 2000, 7000)) * loud
    return resonate(bowed, [(500, 150, 0.5), (1100, 300, 0.8), (2800, 700, 1.0), (4500, 800, 0.5)], 0.12)


def trumpet(rng: Rng, duration_s: float) -> Wave:
    """A fanfare: separate blown notes, bright where they are loud, steady in pitch."""
    out = silence(num_samples(duration_s))
    root = log_uniform(rng, 230, 360)
    ladder = [1.0, 4 / 3, 5 / 3, 2.0, 1.25, 1.5]
    beat_s = rng.uniform(0.16, 0.3)
    start = 0.0
    while start < duration_s - 0.08:
        length_s = min(beat_s * float(rng.choice([1, 1, 1, 2, 4])), duration_s - start)
        length = num_samples(length_s * 0.88)
        pitch = root * ladder[int(rng.integers(len(ladder)))] * curve([0.96, 1.0, 1.0], length, [0, 0.08, 1])
        bright = curve([0.3, 0.93, 0.88, 0.86], length, [0, 0.12, 0.4, 1])
        add_at(out, buzz(pitch, length, bright) * swell(length, 0.02, 0.04), start)
        start += length_s
    return resonate(out, [(1250, 500, 1.0), (2600, 800, 0.8)], 0.15)


def drums(rng: Rng, duration_s: float) -> Wave:
    """A beat of kick, snare and cymbal."""
    size = num_samples(0.3)
    kick = tone(curve([rng.uniform(140, 190), rng.uniform(45, 65)], size), size) * decay(size, 0.09)
    snare = 0.8 * band_noise(rng, size, 900, 6500) * decay(size, rng.uniform(0.04, 0.08))
    snare += tone(rng.uniform(170, 230), size) * decay(size, 0.05)
    cymbal = 0.35 * band_noise(rng, size, 5000, 7900) * decay(size, rng.uniform(0.02, 0.06))
    tom = tone(curve([rng.uniform(180, 260), rng.uniform(110, 150)], size), size) * decay(size, 0.1)
    step_s = rng.uniform(0.11, 0.2)
    out = silence(num_samples(duration_s))
    for step in range(int(np.ceil((duration_s - 0.1) / step_s))):
        start = step * step_s
        if step % 8 in (0, 5) or rng.random() < 0.12:
            add_at(out, kick, start)
        if step % 8 == 4 or rng.random() < 0.06:
            add_at(out, snare, start, 0.9)
        if rng.random() < 0.15:
            add_at(out, tom, start, 0.8)
        if step % 2 == 0 or rng.random() < 0.3:
            add_at(out, cymbal, start, float(rng.uniform(0.5, 1.0)))
    return out


def saxophone(rng: Rng, duration_s: float) -> Wave:
    """Low reed notes with scooped beginnings, breath and late vibrato."""
    out = silence(num_samples(duration_s))
    for note in draw_phrase(rng, duration_s, log_uniform(rng, 120, 190), rng.uniform(0.3, 0.55), span=8):
        length = num_samples(note.length_s * 0.96)
        late = curve([0.0, 0.0, 1.0], length, [0, 0.35, 1])
        vibrato = 1 + 0.022 * late * sine(cycles(rng.uniform(4.5, 5.8), length))
        pitch = note.pitch_hz * curve([0.88, 1.0, 1.0], length, [0, 0.18, 1]) * vibrato
        reed = buzz(pitch, length, 0.95) + 0.12 * white(rng, length) * wander(rng, length, 30, 0.3)
        add_at(out, reed * swell(length, 0.035, 0.06), note.start_s, float(rng.uniform(0.75, 1.0)))
    body = rng.uniform(0.9, 1.12)
    return resonate(out, [(480 * body, 150, 1.0), (950 * body, 200, 0.7), (1900 * body, 350, 0.3)], 0.03)


def accordion(rng: Rng, duration_s: float) -> Wave:
    """Held chords of reeds tuned a little apart, so that they beat, over a pumped bass."""
    out = silence(num_samples(duration_s))
    amplitudes = np.array([1, 0.5, 0.75, 0.4, 0.55, 0.3, 0.4, 0.2, 0.3, 0.15, 0.2, 0.1, 0.15])
    detune = rng.uniform(1.006, 1.012)
    beat_s = rng.uniform(0.25, 0.45)
    for note in draw_phrase(rng, duration_s, log_uniform(rng, 290, 440), 2 * beat_s, span=7):
        length = num_samples(note.length_s)
        third = float(rng.choice([1.26, 1.189, 1.335]))
        chord = silence(length)
        for ratio in (1.0, detune, third, third * detune, 1.5):
            chord += tone(note.pitch_hz * ratio, length, amplitudes)
        add_at(out, chord * swell(length, 0.03, 0.03), note.start_s)
        for index in range(int(np.ceil(note.length_s / beat_s))):
            size = num_samples(min(beat_s * 0.6, note.length_s - index * beat_s))
            bass = tone(note.pitch_hz / (2 if index % 2 else 4), size, amplitudes) * swell(size, 0.02, 0.05)
            add_at(out, bass, note.start_s + index * beat_s, 1.3)
    return out
