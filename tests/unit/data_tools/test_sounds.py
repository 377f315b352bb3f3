"""The sound clips of the generated world: exact times, determinism, splits, and classes that differ."""

import numpy as np
import pytest

from bubo.data_tools.world import sounds
from bubo.data_tools.world.holdout import mixture_held_out
from bubo.data_tools.world.oscillators import SAMPLING_RATE, buzz, curve, tone
from bubo.data_tools.world.sound_classes import SOUND_CLASSES
from bubo.data_tools.world.synthesis import RECIPES
from bubo.data_tools.world.vocabulary import OBJECTS
from bubo.errors import InputError

NAMES = [sound.name for sound in SOUND_CLASSES]


def _rng(*seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def _held_out_pair() -> tuple[str, str]:
    return next((a, b) for a in NAMES for b in NAMES if mixture_held_out(a, b))


def test_every_class_has_a_recipe_and_a_known_source() -> None:
    assert len(NAMES) == len(set(NAMES)) >= 36
    assert set(NAMES) == set(RECIPES)
    objects = {item.name for item in OBJECTS}
    assert {source for sound in SOUND_CLASSES for source in sound.sources} <= objects


def test_words_for_sounds_are_unique_and_name_no_object() -> None:
    words = [word for sound in SOUND_CLASSES for word in {sound.name, *sound.synonyms}]
    assert len(words) == len(set(words))
    assert not set(words) & {word for item in OBJECTS for word in (item.name, item.plural, *item.synonyms)}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("duration_s", [0.6, 2.345])
def test_synthesis_fills_the_time_it_is_given(name: str, duration_s: float) -> None:
    wave = RECIPES[name].make(_rng(3), duration_s)
    assert wave.shape == (round(duration_s * SAMPLING_RATE),)
    assert wave.dtype == np.float32
    assert np.isfinite(wave).all()
    assert np.abs(wave).max() > 0


@pytest.mark.parametrize("name", NAMES)
def test_event_is_audible_from_its_start_to_its_end(name: str) -> None:
    for seed in range(3):
        wave = sounds.render_event(_rng(seed), name, 6.0)
        assert 0.6 <= len(wave) / SAMPLING_RATE <= 6.0
        power = np.array([np.mean(frame**2) for frame in np.array_split(wave, len(wave) // 160)])
        loud = np.mean(np.sort(power)[-max(1, len(power) // 5) :])
        audible = np.flatnonzero(power > loud * 10**-3)
        assert audible[0] <= 8
        assert audible[-1] >= len(power) - 9
        assert np.diff(audible).max(initial=0) < 55, "a pause of more than half a second"


def test_same_seed_gives_the_same_clip_in_any_order() -> None:
    first = sounds.render_clip(_rng(5))
    for other in range(3):
        sounds.render_clip(_rng(100 + other))
    again = sounds.render_clip(_rng(5))
    assert np.array_equal(first.samples, again.samples)
    assert first.events == again.events
    assert first.noise == again.noise


def test_splits_share_no_randomness() -> None:
    clips = [
        sounds.render_clip(_rng(5), names=["siren"], split=split)
        for split in ("train", "validation", "heldout")
    ]
    assert len({clip.samples.tobytes() for clip in clips}) == 3


def test_two_draws_of_a_class_differ() -> None:
    pitches = []
    for seed in range(6):
        wave = sounds.render_event(_rng(seed), "hooting", 4.0)
        pitches.append(np.argmax(np.abs(np.fft.rfft(wave, 64_000))) / 4)
    assert np.std(pitches) > 20


def test_clips_obey_their_limits() -> None:
    counts = np.zeros(4, dtype=int)
    for index in range(60):
        clip = sounds.render_clip(_rng(1, index))
        counts[len(clip.events)] += 1
        assert clip.samples.dtype == np.float32
        assert 2.0 <= clip.duration_s <= 12.0
        assert 0.19 < np.abs(clip.samples).max() < 0.951
        assert len({event.name for event in clip.events}) == len(clip.events)
        assert [event.id for event in clip.events] == list(range(len(clip.events)))
        assert [event.start_s for event in clip.events] == sorted(event.start_s for event in clip.events)
        for event in clip.events:
            assert 0 <= event.start_s < event.end_s <= clip.duration_s
            assert event.end_s - event.start_s >= 0.6
            assert -12 <= event.gain_db <= 0
    assert counts[0] == 0
    assert counts[1] > counts[3] > 0


def test_names_and_duration_can_be_chosen() -> None:
    clip = sounds.render_clip(_rng(2), names=["rain", "barking"], duration_s=3.0, split="heldout")
    assert clip.duration_s == 3.0
    assert {event.name for event in clip.events} == {"rain", "barking"}


def test_loudest_part_lies_inside_the_event() -> None:
    for seed in range(8):
        clip = sounds.render_clip(_rng(seed), names=["hammering"], duration_s=8.0)
        event = clip.events[0]
        peak_s = np.argmax(np.abs(clip.samples)) / SAMPLING_RATE
        assert event.start_s <= peak_s <= event.end_s


def test_held_out_mixtures_are_for_the_held_out_split_only() -> None:
    for index in range(300):
        for split in ("train", "validation"):
            names = sounds.draw_names(_rng(index), 3, split)
            assert not any(mixture_held_out(a, b) for a in names for b in names)
    found = 0
    for index in range(100):
        names = sounds.draw_names(_rng(index), 2, "heldout")
        found += mixture_held_out(*names)
    assert found > 80


def test_draw_names_keeps_the_fixed_ones() -> None:
    names = sounds.draw_names(_rng(1), 3, "train", fixed=["siren"])
    assert names[0] == "siren"
    assert len(set(names)) == 3


def test_silent_and_noise_only() -> None:
    quiet = sounds.render_clip(_rng(1), silent=True)
    assert quiet.events == ()
    assert quiet.noise == ""
    assert np.abs(quiet.samples).max() < 0.01
    noisy = sounds.render_clip(_rng(1), noise_only=True)
    assert noisy.events == ()
    assert noisy.noise in sounds.NOISES
    assert np.abs(noisy.samples).max() > 0.01


@pytest.mark.parametrize(
    ("names", "duration_s", "message"),
    [
        (["purring"], None, "unknown sound classes"),
        (["siren", "siren"], None, "different classes"),
        ([], None, "different classes"),
        (["siren"], 0.5, "expected 2.0 to 12.0"),
        (["siren"], float("nan"), "expected 2.0 to 12.0"),
    ],
)
def test_bad_arguments(names: list[str], duration_s: float | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        sounds.render_clip(_rng(1), names=names, duration_s=duration_s)


def test_a_held_out_mixture_is_refused_in_training() -> None:
    pair = _held_out_pair()
    with pytest.raises(InputError, match="held-out mixture"):
        sounds.render_clip(_rng(1), names=pair, split="train")
    assert len(sounds.render_clip(_rng(1), names=pair, split="heldout").events) == 2
    with pytest.raises(InputError, match="split"):
        sounds.render_clip(_rng(1), split="test")


def test_tones_do_not_fold_at_half_the_sampling_rate() -> None:
    for wave in (tone(3000.0, 16_000, (1, 1, 1, 1, 1)), buzz(1500.0, 16_000, 0.99)):
        spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave))))
        harmonics = spectrum[1500::1500].max()
        between = spectrum[[250, 750, 1000, 2000, 2250]].max()
        assert between < 0.02 * harmonics


def test_curve_goes_through_its_points() -> None:
    line = curve([100.0, 400.0, 100.0], 1001, [0, 0.5, 1])
    assert line[0] == pytest.approx(100, rel=0.02)
    assert line[500] == pytest.approx(400, rel=0.02)
    assert line[250] == pytest.approx(200, rel=0.02)
    assert curve([0.0, 1.0], 101)[50] == pytest.approx(0.5, abs=0.02)
