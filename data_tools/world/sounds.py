"""Sound clips of the generated world: events of known classes at exact times, over background noise."""

from collections.abc import Sequence

import numpy as np
from scipy.signal import fftconvolve

from bubo.errors import InputError

from .holdout import mixture_held_out
from .oscillators import SAMPLING_RATE, Rng, Wave, band_noise, num_samples, silence, swell, tone, white
from .sound_classes import SOUND_CLASSES
from .synthesis import RECIPES
from .truth import Clip, Event, split_code

NUM_EVENTS_WEIGHTS = (0.5, 0.35, 0.15)
"""Shares of clips with one, two and three events."""
SHORTEST_CLIP_S, LONGEST_CLIP_S = 2.0, 12.0
SHORTEST_EVENT_S = 0.6
NOISES = ("white", "pink", "brown", "hum")

_NAMES = tuple(sound.name for sound in SOUND_CLASSES)
_FRAME = SAMPLING_RATE // 100
_AUDIBLE_DB = -28.0
_FADE_S = 0.01
_LEVEL = 0.1


def render_clip(
    rng: Rng,
    *,
    names: Sequence[str] | None = None,
    duration_s: float | None = None,
    split: str = "train",
    noise_only: bool = False,
    silent: bool = False,
) -> Clip:
    """Make one clip; the same state of `rng` and the same arguments give the same clip.

    Args:
        rng: Source of randomness. Only one number is drawn from it: the `seed` of the clip.
        names: Sound classes of the events, all different; drawn by default, one to three of them.
        duration_s: Length, 2 to 12 s; drawn by default, mostly 3 to 8 s.
        split: "train", "validation" or "heldout". A held-out clip of two or more drawn events holds a
            held-out mixture, a clip of another split never does.
        noise_only: Background noise without events.
        silent: Nothing, or next to nothing (below -55 dB).

    Raises:
        InputError: If a class is unknown or repeated, if the duration is out of range, or if a held-out
            mixture is asked for in another split.
    """
    seed = int(rng.integers(2**62))
    own = np.random.default_rng([split_code(split), seed])
    if duration_s is None:
        duration_s = draw_duration(own)
    elif not SHORTEST_CLIP_S <= duration_s <= LONGEST_CLIP_S:
        raise InputError(
            f"duration_s is {duration_s}, expected {SHORTEST_CLIP_S} to {LONGEST_CLIP_S} seconds"
        )
    length = num_samples(duration_s)
    if silent:
        level = float(own.choice([0.0, 10 ** own.uniform(-4.5, -3.2)]))
        return Clip(np.asarray(level * white(own, length), dtype=np.float32), (), "", seed)
    if noise_only:
        kind = str(own.choice(NOISES))
        peak = 10 ** own.uniform(-1.7, -0.2)
        return Clip(_with_peak(make_noise(own, length, kind), peak), (), kind, seed)
    if names is None:
        count = 1 + int(own.choice(len(NUM_EVENTS_WEIGHTS), p=NUM_EVENTS_WEIGHTS))
        names = draw_names(own, count, split)
    _check_names(names, split)
    events, mixture = _mix(own, names, length)
    if own.random() < 0.35:
        mixture = _reverberate(own, mixture)
    kind = str(own.choice(NOISES)) if own.random() < 0.85 else ""
    if kind:
        mixture = mixture + make_noise(own, length, kind) * np.float32(
            _LEVEL * 10 ** (own.uniform(-50, -20) / 20)
        )
    return Clip(_with_peak(mixture, own.uniform(0.2, 0.95)), events, kind, seed)


def draw_duration(rng: Rng) -> float:
    """Draw the length of a clip in seconds: 3 to 8 in five clips of six, otherwise 2 to 12."""
    low, high = (3.0, 8.0) if rng.random() < 0.83 else (SHORTEST_CLIP_S, LONGEST_CLIP_S)
    return round(float(rng.uniform(low, high)), 2)


def draw_names(rng: Rng, count: int, split: str, fixed: Sequence[str] = ()) -> tuple[str, ...]:
    """Draw distinct sound classes that may be mixed in a split.

    Args:
        rng: Source of randomness.
        count: How many, with the fixed ones.
        split: Outside "heldout" no two of them are a held-out mixture. In it the second one makes a held-out
            mixture with the first, if there is any such class.
        fixed: Classes that must be among them; they come first.
    """
    chosen = list(fixed)
    heldout = split_code(split) == split_code("heldout")
    while len(chosen) < count:
        free = [name for name in _NAMES if name not in chosen]
        if not heldout:
            free = [name for name in free if not any(mixture_held_out(name, other) for other in chosen)]
        elif len(chosen) == 1:
            free = [name for name in free if mixture_held_out(name, chosen[0])] or free
        if not free:
            raise InputError(f"no class can join {chosen} in a {split} clip; ask for fewer events")
        chosen.append(free[int(rng.integers(len(free)))])
    return tuple(chosen)


def render_event(rng: Rng, name: str, longest_s: float) -> Wave:
    """Make one event of a class, trimmed to what is audible, with short fades, at a standard loudness.

    Args:
        rng: Source of randomness.
        name: The class.
        longest_s: The result is not longer than this; at least `SHORTEST_EVENT_S`.
    """
    recipe = RECIPES[name]
    longest = min(recipe.longest_s, longest_s)
    shortest = min(recipe.shortest_s, longest)
    wanted = float(rng.uniform(shortest, longest)) if rng.random() < 0.9 else longest
    for _ in range(6):
        wave = trim(_coloured(rng, recipe.make(rng, wanted)))[: num_samples(longest_s)]
        if len(wave) >= num_samples(SHORTEST_EVENT_S):
            break
        wanted *= 1.35
    wave = wave * swell(len(wave), _FADE_S, _FADE_S)
    return np.asarray(wave * np.float32(_LEVEL / _loudness(wave)), dtype=np.float32)


def trim(wave: Wave) -> Wave:
    """Cut both ends where no 10 ms frame comes within 28 dB of the loud part."""
    power = _frame_power(wave)
    audible = np.flatnonzero(power > _loudness(wave) ** 2 * 10 ** (_AUDIBLE_DB / 10))
    if len(audible) == 0:
        return wave
    return wave[audible[0] * _FRAME : (audible[-1] + 1) * _FRAME]


def make_noise(rng: Rng, length: int, kind: str) -> Wave:
    """Make steady background noise of unit RMS: "white", "pink", "brown" or "hum" (mains and overtones)."""
    if kind == "hum":
        mains = 50.0 if rng.random() < 0.5 else 60.0
        hum = tone(mains, length, rng.uniform(0.05, 1, size=8)) + 0.05 * white(rng, length)
        return np.asarray(hum / np.std(hum), dtype=np.float32)
    if kind == "white":
        return white(rng, length)
    slope = {"pink": 0.5, "brown": 1.0}[kind]
    return band_noise(rng, length, 30.0, 7900.0, slope + float(rng.uniform(-0.1, 0.1)))


def _check_names(names: Sequence[str], split: str) -> None:
    unknown = [name for name in names if name not in RECIPES]
    if unknown:
        raise InputError(f"unknown sound classes {unknown}; expected names of sound_classes.SOUND_CLASSES")
    if len(names) == 0 or len(set(names)) < len(names):
        raise InputError(
            f"names is {list(names)}, expected one or more different classes (or noise_only, or silent)"
        )
    if split == "heldout":
        return
    for index, name in enumerate(names):
        for other in names[:index]:
            if mixture_held_out(name, other):
                raise InputError(
                    f"{other!r} with {name!r} is a held-out mixture; a {split} clip may not hold it"
                )


def _mix(rng: Rng, names: Sequence[str], length: int) -> tuple[tuple[Event, ...], Wave]:
    """Place one event per name at a random time; return them in order of start, and their sum."""
    mixture = silence(length)
    placed = []
    for name in names:
        wave = render_event(rng, name, length / SAMPLING_RATE)
        gain_db = round(float(rng.uniform(-12, 0)), 1)
        first = int(rng.integers(length - len(wave) + 1))
        mixture[first : first + len(wave)] += wave * np.float32(10 ** (gain_db / 20))
        placed.append((first, first + len(wave), name, gain_db))
    placed.sort()
    events = tuple(
        Event(index, name, first / SAMPLING_RATE, last / SAMPLING_RATE, gain_db)
        for index, (first, last, name, gain_db) in enumerate(placed)
    )
    return events, mixture


def _frame_power(wave: Wave) -> Wave:
    whole = len(wave) // _FRAME * _FRAME
    frames = wave[:whole].reshape(-1, _FRAME) if whole else wave[None]
    return np.asarray(np.mean(np.square(frames), axis=1))


def _loudness(wave: Wave) -> float:
    """RMS of the loudest fifth of the 10 ms frames, so that pauses do not count."""
    power = np.sort(_frame_power(wave))
    return float(np.sqrt(np.mean(power[len(power) * 4 // 5 :]))) + 1e-9


def _coloured(rng: Rng, wave: Wave) -> Wave:
    """Tilt the spectrum a little up or down, as another microphone would."""
    tilt = np.float32(rng.uniform(-0.35, 0.35))
    out = wave.copy()
    out[1:] += tilt * wave[:-1]
    return out


def _reverberate(rng: Rng, wave: Wave) -> Wave:
    """Add a room: a decaying noise impulse of 0.1 to 0.5 s, 8 to 20 dB below the direct sound."""
    life_s = rng.uniform(0.1, 0.5)
    size = num_samples(life_s)
    impulse = white(rng, size) * np.exp(np.linspace(0, -6.9, size, dtype=np.float32))
    impulse[: num_samples(0.004)] = 0
    impulse *= np.float32(10 ** (rng.uniform(-20, -8) / 20) / np.sqrt(np.sum(impulse**2)))
    return np.asarray(wave + fftconvolve(wave, impulse)[: len(wave)], dtype=np.float32)


def _with_peak(wave: Wave, peak: float) -> Wave:
    highest = float(np.max(np.abs(wave)))
    return np.asarray(wave * np.float32(peak / max(highest, 1e-9)), dtype=np.float32)
