"""Pairs of picture and sound: kinds, their truth, and what stays held out."""

from collections import Counter

import numpy as np
import pytest

from bubo.data_tools.world.holdout import clip_held_out, scene_held_out
from bubo.data_tools.world.pairs import KIND_SHARES, pair_of, sample_world, world_words
from bubo.data_tools.world.strange import render_strange
from bubo.data_tools.world.truth import Sample
from bubo.errors import InputError


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return [sample_world("train", 5, index) for index in range(120)]


def test_shares_add_up() -> None:
    assert sum(KIND_SHARES.values()) == pytest.approx(1.0)


def test_all_kinds_come(samples: list[Sample]) -> None:
    found = Counter(sample.pair for sample in samples)
    assert set(found) == {"match", "partly", "mismatch", "silent", "noise", "offscreen", "none"}
    assert found["match"] > found["partly"] and found["mismatch"] > found["silent"]


def test_the_pair_agrees_with_the_truth(samples: list[Sample]) -> None:
    sources = world_words().sources
    for sample in samples:
        if sample.scene is None or sample.clip is None:
            assert sample.pair == "none"
            continue
        shown = {thing.name for thing in sample.scene.things}
        made = [bool(shown & set(sources[e.name])) for e in sample.clip.events if sources[e.name]]
        if sample.pair in ("match", "partly", "mismatch"):
            assert (all(made), any(made)) == {
                "match": (True, True), "partly": (False, True), "mismatch": (False, False)
            }[sample.pair]  # fmt: skip
        else:
            assert not made or not sample.scene.place
        for event, things in sample.sources.items():
            name = next(e.name for e in sample.clip.events if e.id == event)
            assert {t.name for t in sample.scene.things if t.id in things} == shown & set(sources[name])


def test_one_class_at_most_can_make_each_sound_of_a_matching_pair(samples: list[Sample]) -> None:
    for sample in samples:
        if sample.scene is not None and sample.pair == "match":
            for ids in sample.sources.values():
                assert len({t.name for t in sample.scene.things if t.id in ids}) <= 1


def test_training_never_shows_what_is_held_out(samples: list[Sample]) -> None:
    for sample in samples:
        if sample.scene is not None and sample.scene.things:
            assert not scene_held_out([t.name for t in sample.scene.things], sample.scene.place)
        if sample.clip is not None:
            assert not clip_held_out([e.name for e in sample.clip.events])


def test_the_held_out_split_shows_it() -> None:
    samples = [sample_world("heldout", 5, index) for index in range(40)]
    scenes = [sample.scene for sample in samples if sample.scene is not None]
    clips = [sample.clip for sample in samples if sample.clip is not None]
    assert sum(scene_held_out([t.name for t in scene.things], scene.place) for scene in scenes) > 10
    assert sum(clip_held_out([e.name for e in clip.events]) for clip in clips) > 3


def test_the_same_arguments_give_the_same_sample(samples: list[Sample]) -> None:
    again = sample_world("train", 5, 3)
    first = samples[3]
    assert (first.key, first.pair, first.sources) == (again.key, again.pair, again.sources)
    if first.scene is not None and again.scene is not None:
        assert np.array_equal(first.scene.pixels, again.scene.pixels)
    if first.clip is not None and again.clip is not None:
        assert np.array_equal(first.clip.samples, again.clip.samples)


def test_parts() -> None:
    for index in range(6):
        picture, sound = (sample_world("train", 0, index, [part]) for part in ("picture", "sound"))
        assert picture.scene is not None and picture.clip is None
        assert sound.scene is None and sound.clip is not None
    with pytest.raises(InputError, match="expected picture, sound or both"):
        sample_world("train", 0, 0, ["dialogue"])
    with pytest.raises(InputError, match="from 0 up"):
        sample_world("train", 0, -1)
    with pytest.raises(InputError, match="split is 'test'"):
        sample_world("test", 0, 0)


def test_strange_pictures_have_no_truth() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        scene = render_strange(rng)
        assert (scene.things, scene.place, scene.pixels.dtype) == ((), "", np.uint8)
        assert pair_of(scene, None) == ("none", {})
