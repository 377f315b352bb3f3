"""Pictures of the world are what their truth says, the same every time, and keep to their split."""

from collections import Counter

import numpy as np
import pytest

from bubo.data_tools.world import holdout
from bubo.data_tools.world.pictures import CLOSE_UP_TO, LARGE_ABOVE, MIN_RELATIVE, SMALL_BELOW, render_scene
from bubo.data_tools.world.places import PAINTERS, render_place
from bubo.data_tools.world.sheet import draw_sheet
from bubo.data_tools.world.truth import Clip, Event, Sample, position_word, sample_rng
from bubo.data_tools.world.vocabulary import OBJECTS, PLACES
from bubo.errors import InputError

COUNT = 150


@pytest.fixture(scope="module")
def train_scenes():
    return [render_scene(sample_rng("train", 5, index)) for index in range(COUNT)]


@pytest.fixture(scope="module")
def held_out_scenes():
    return [render_scene(sample_rng("heldout", 5, index), split="heldout") for index in range(COUNT)]


def test_same_seed_same_scene_and_other_seed_another():
    first, again = (render_scene(sample_rng("train", 1, 2), size_hw=(128, 160)) for _ in range(2))
    other = render_scene(sample_rng("validation", 1, 2), split="validation", size_hw=(128, 160))
    assert np.array_equal(first.pixels, again.pixels) and first.place == again.place
    for thing, twin in zip(first.things, again.things, strict=True):
        assert thing.box_xyxy == twin.box_xyxy and np.array_equal(thing.mask, twin.mask)
    assert not np.array_equal(first.pixels, other.pixels)


def test_truth_is_consistent(train_scenes):
    for scene in train_scenes:
        assert scene.pixels.dtype == np.uint8 and scene.pixels.shape == (*scene.size_hw, 3)
        assert min(scene.size_hw) >= 128 and max(scene.size_hw) <= 192
        assert len(scene.things) <= 8
        owners = np.zeros(scene.size_hw, int)
        for number, thing in enumerate(scene.things):
            assert thing.id == thing.depth == number
            owners += thing.mask
            ys, xs = np.nonzero(thing.mask)
            assert thing.box_xyxy == (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
            x0, y0, x1, y1 = thing.box_xyxy
            assert thing.position == position_word((x0 + x1) / 2, (y0 + y1) / 2, scene.size_hw)
            assert 0.6 <= thing.visible <= 1.0
        assert owners.max(initial=0) <= 1


def test_size_words_fit_whole_things(train_scenes):
    for scene in train_scenes:
        for thing in scene.things:
            if thing.visible < 1.0:
                continue
            x0, y0, x1, y1 = thing.box_xyxy
            height, width = scene.size_hw
            relative = max((x1 - x0) / width, (y1 - y0) / height)
            assert MIN_RELATIVE <= relative <= CLOSE_UP_TO
            expected = "small" if relative < SMALL_BELOW else "large" if relative > LARGE_ABOVE else "medium"
            assert thing.size == expected


def test_distribution(train_scenes):
    repeats = [
        max(Counter(thing.name for thing in scene.things).values(), default=0) for scene in train_scenes
    ]
    assert 0.25 < np.mean([count >= 2 for count in repeats]) < 0.48
    assert np.mean([count == 4 for count in repeats]) > 0.05
    things = [(scene, thing) for scene in train_scenes for thing in scene.things]
    assert min(Counter(thing.position for _, thing in things).values()) > len(things) / 20
    assert min(Counter(thing.size for _, thing in things).values()) > len(things) / 8
    clear = []
    for scene, thing in things:
        for low, high, side in zip(thing.box_xyxy[:2], thing.box_xyxy[2:], scene.size_hw[::-1], strict=True):
            clear.append(min(abs((low + high) / 2 / side - border) for border in (1 / 3, 2 / 3)) >= 0.03)
    assert np.mean(clear) > 0.9
    assert 0.02 < np.mean([thing.visible < 0.95 for _, thing in things]) < 0.4


def test_pixels_show_the_things():
    scene = render_scene(sample_rng("train", 3, 1), names=["tree"], place="snow field", avoid=["dog"])
    tree = next(thing for thing in scene.things if thing.name == "tree")
    green = scene.pixels[tree.mask].astype(int)
    assert np.mean(green[:, 1] > green[:, 2] + 20) > 0.5
    assert tree.colour == "green"


def test_splits_keep_to_themselves(train_scenes, held_out_scenes):
    for scene in train_scenes:
        assert not holdout.scene_held_out([thing.name for thing in scene.things], scene.place)
        assert not any(thing.new_glyph for thing in scene.things)
    several = [scene for scene in held_out_scenes if len({thing.name for thing in scene.things}) >= 2]
    assert all(
        holdout.scene_held_out([thing.name for thing in scene.things], scene.place) for scene in several
    )
    new = [thing for scene in held_out_scenes for thing in scene.things if thing.new_glyph]
    held = {glyph.text for item in OBJECTS for glyph in item.glyphs if glyph.held_out}
    assert new and all(thing.glyph in held for thing in new)


def test_holdout_is_symmetric_stable_and_sparse():
    names = [item.name for item in OBJECTS]
    table = holdout.pair_table()
    assert np.array_equal(table, table.T) and not table.diagonal().any()
    assert 0.045 < table.sum() / (len(names) * (len(names) - 1)) < 0.075
    assert 0.04 < holdout.combo_table().mean() < 0.08
    assert holdout.mixture_held_out("rain", "siren") == holdout.mixture_held_out("siren", "rain")
    first = [pair for pair in zip(names[:12], names[12:24], strict=True) if holdout.pair_held_out(*pair)]
    assert first == [
        pair for pair in zip(names[:12], names[12:24], strict=True) if holdout.pair_held_out(*pair[::-1])
    ]


@pytest.mark.parametrize("split", ["train", "heldout"])
def test_names_and_avoid(split):
    for index in range(40):
        wanted, avoid = ["dog", "dog"], ["cat", "car", "tree"]
        scene = render_scene(sample_rng(split, 4, index), names=wanted, split=split, avoid=avoid)
        names = [thing.name for thing in scene.things]
        assert names.count("dog") >= 2 and not set(names) & set(avoid)


def test_empty_picture():
    assert render_scene(sample_rng("train", 0, 0), names=(), place="desert").things == ()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"names": ["unicorn"]}, "unicorn"),
        ({"place": "attic"}, "attic"),
        ({"split": "test"}, "split"),
        ({"names": ["dog"], "avoid": ["dog"]}, "avoid"),
        ({"names": ["dog"] * 9}, "9 names"),
        ({"size_hw": (16, 16)}, "size_hw"),
    ],
)
def test_bad_wishes_are_clear_errors(options, message):
    with pytest.raises(InputError, match=message):
        render_scene(np.random.default_rng(0), **options)


def test_training_refuses_a_held_out_pair():
    row, column = np.argwhere(holdout.pair_table())[0]
    names = [OBJECTS[row].name, OBJECTS[column].name]
    with pytest.raises(InputError, match="held out"):
        render_scene(np.random.default_rng(0), names=names)
    assert render_scene(np.random.default_rng(0), names=names, split="heldout").things


def test_every_place_paints_and_looks_different():
    assert set(PAINTERS) == {place.name for place in PLACES}
    means = [
        render_place(np.random.default_rng(1), place.name, "train", (96, 128))
        .reshape(2, -1, 3)
        .mean(axis=1)
        .ravel()
        for place in PLACES
    ]
    distances = np.linalg.norm(np.array(means)[:, None] - np.array(means)[None], axis=-1) + 1e3 * np.eye(
        len(means)
    )
    assert distances.min() > 8


def test_sheet_draws_scenes_and_clips(train_scenes):
    clip = Clip(np.sin(np.arange(32000, dtype=np.float32) / 9), (Event(0, "siren", 0.5, 1.5),))
    samples = [Sample("a", train_scenes[0], clip, "match", {0: (0,)}), Sample("b", None, clip, "none")]
    sheet = draw_sheet(samples, columns=2)
    assert sheet.width > 600 and np.asarray(sheet).std() > 10
    with pytest.raises(InputError):
        draw_sheet([])
