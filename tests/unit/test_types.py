"""The value types: what they accept, what they refuse, and their way through JSON."""

import dataclasses
import json

import numpy as np
import pytest

from bubo.errors import BuboError, InputError
from bubo.types import (
    Answer,
    Entity,
    Link,
    Picture,
    Region,
    Regions,
    Sound,
    Span,
    Spans,
    Tags,
    Turn,
    Verdict,
    same,
)


def make_regions(masks=True):
    boxes = np.array([[0, 0, 4, 4], [1, 1, 3, 2], [2, 0, 5, 5]], dtype=np.float32)
    stack = np.zeros((3, 6, 6), dtype=bool)
    stack[0, :4, :4] = stack[1, 1:2, 1:3] = True
    return Regions(("dog", "cat", "dog"), boxes, np.array([0.9, 0.5, 0.7]), stack if masks else None)


def make_answer(**changes):
    mask = np.zeros((6, 8), dtype=bool)
    mask[1:3, 2:5] = True
    dog = Entity("e1", "dog", "both", 0.9, (Region(0, (2, 1, 5, 3), mask, 0.8),), (Span(0, 0.5, 1.25, 0.7),))
    cat = Entity("e2", "cat", "absent", 0.95)
    text = "A dog 🐕 barks; no cat."
    links = (Link(2, 5, "e1", "the tag dog"), Link(18, 21, "e2"))
    verdict = Verdict("match", 0.8, ("e1",), "The dog is seen and heard.")
    values = {
        "text": text,
        "entities": (dog, cat),
        "links": links,
        "verdict": verdict,
        "timings": {"total_s": 0.25},
        "metadata": {"finish": "stop"},
    }
    return Answer(**{**values, **changes})


def test_picture_is_checked_read_only_and_named_by_content():
    pixels = np.zeros((3, 5, 3), dtype=np.uint8)
    picture = Picture(pixels, "a.png")
    assert (picture.height, picture.width, picture.size_hw) == (3, 5, (3, 5))
    assert picture.id == Picture(pixels.copy(), "b.png").id != Picture(pixels.reshape(5, 3, 3)).id
    assert len(picture.id) == 64
    with pytest.raises(ValueError, match="read-only"):
        picture.pixels[0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        picture.source = "c"


@pytest.mark.parametrize(
    "pixels",
    [
        None,
        [[0]],
        np.zeros((3, 5)),
        np.zeros((3, 5, 3)),
        np.zeros((3, 5, 4), np.uint8),
        np.zeros((0, 5, 3), np.uint8),
    ],
)
def test_picture_refuses(pixels):
    with pytest.raises(
        InputError, match=r"Picture.pixels must be a uint8 array of shape \(H, W, 3\), but got"
    ):
        Picture(pixels)


def test_sound_is_checked_and_named_by_content():
    samples = np.linspace(-1, 1, 8000, dtype=np.float32)
    sound = Sound(samples, np.int64(16_000))
    assert sound.duration_s == 0.5
    assert sound.id == Sound(samples.copy(), 16_000).id != Sound(samples, 8_000).id
    assert type(sound.sampling_rate) is int


@pytest.mark.parametrize(
    ("samples", "rate"),
    [
        (np.zeros(4), 16_000),
        (np.zeros((4, 2), np.float32), 16_000),
        (np.zeros(0, np.float32), 16_000),
        (np.array([0, np.nan], np.float32), 16_000),
        (np.array([0, 1.5], np.float32), 16_000),
        (np.zeros(4, np.float32), 0),
        (np.zeros(4, np.float32), -1),
        (np.zeros(4, np.float32), True),
        (np.zeros(4, np.float32), 16_000.0),
    ],
)
def test_sound_refuses(samples, rate):
    with pytest.raises(InputError, match=r"Sound\.(samples|sampling_rate)"):
        Sound(samples, rate)


def test_regions_are_sliced_like_arrays():
    regions = make_regions()
    assert len(regions) == 3
    assert regions[1].labels == regions[-2].labels == ("cat",)
    assert regions[1].masks.shape == (1, 6, 6)
    assert regions[1:].labels == ("cat", "dog")
    assert regions[regions.scores > 0.6].labels == ("dog", "dog")
    assert regions[np.array([2, 0])].boxes.tolist() == [[2, 0, 5, 5], [0, 0, 4, 4]]
    assert len(regions[[]]) == 0
    assert [r.labels[0] for r in regions] == ["dog", "cat", "dog"]
    with pytest.raises(IndexError):
        regions[3]


def test_regions_merge_and_empty():
    regions = make_regions()
    assert same(Regions.merge([regions[:1], Regions.empty(), regions[1:]]), regions)
    assert same(Regions.merge([]), Regions.empty())
    assert len(Regions.empty()) == 0
    with pytest.raises(InputError, match="merged"):
        Regions.merge([regions, make_regions(masks=False)])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": ("dog",)}, "shape"),
        ({"labels": ["dog", 3, "cat"]}, "member 1"),
        ({"labels": "dog"}, "tuple of str"),
        ({"boxes": [[0, 0, np.nan, 1]] * 3}, "finite"),
        ({"boxes": [[5, 0, 1, 1]] * 3}, "x0 <= x1"),
        ({"boxes": "abc"}, "numbers"),
        ({"scores": [1, 2]}, "shape"),
        ({"masks": np.zeros((3, 6, 6))}, "boolean"),
        ({"masks": np.zeros((2, 6, 6), bool)}, "3 masks"),
    ],
)
def test_regions_refuse(changes, message):
    with pytest.raises(InputError, match=message):
        dataclasses.replace(make_regions(), **changes)


def test_spans_and_tags():
    spans = Spans(("siren", "rain"), [[0, 1.5], [1, 2]], [0.4, 0.6])
    assert spans[1].labels == ("rain",)
    assert spans.times.dtype == np.float32
    assert same(Spans.merge([spans[:1], spans[1:], Spans.empty()]), spans)
    assert [len(span) for span in spans] == [1, 1]
    with pytest.raises(InputError, match="start <= end"):
        Spans(("siren",), [[2, 1]], [1])
    tags = Tags(("cat", "dog", "owl"), [0.2, 0.9, 0.9])
    assert tags.labels == ("dog", "owl", "cat")
    assert list(tags.scores_by_label) == ["dog", "owl", "cat"]
    assert len(tags) == 3
    with pytest.raises(InputError, match="twice"):
        Tags(("cat", "cat"), [1, 2])


def test_answer_travels_through_json():
    answer = make_answer()
    data = json.loads(json.dumps(answer.to_dict()))
    assert list(data) == ["text", "entities", "links", "verdict", "timings"]
    assert data["links"][0] == {"start": 2, "end": 5, "entity": "e1"}
    region = data["entities"][0]["regions"][0]
    assert list(region) == ["picture", "box", "score", "mask"]
    assert region["box"] == [2, 1, 5, 3]
    assert region["mask"]["size"] == [6, 8]
    assert data["entities"][0]["spans"] == [{"sound": 0, "start_s": 0.5, "end_s": 1.25, "score": 0.7}]
    assert [answer.text[link.start : link.end] for link in answer.links] == ["dog", "cat"]
    again = Answer.from_dict(data)
    assert again.to_dict() == answer.to_dict()
    assert same(again.entities, answer.entities)
    without_reasons = tuple(dataclasses.replace(link, reason="") for link in answer.links)
    assert same(again, dataclasses.replace(answer, metadata={}, links=without_reasons))
    assert answer.entity("e2").label == "cat"
    with pytest.raises(InputError, match="no entity 'e9'"):
        answer.entity("e9")
    plain = Answer("Hello.")
    assert plain.to_dict() == {"text": "Hello.", "entities": [], "links": [], "verdict": None, "timings": {}}
    assert same(Answer.from_dict(plain.to_dict()), plain)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"text": 3}, "string"),
        ({"links": (Link(2, 99, "e1"),)}, "lie in the text"),
        ({"links": (Link(2, 5, "e7"),)}, "e7"),
        ({"verdict": Verdict("match", 1, ("e8",))}, "e8"),
        ({"verdict": "match"}, "Verdict"),
        ({"entities": (Entity("e1", "dog", "seen", 1),) * 2}, "one id"),
        ({"entities": {"e1": 3}}, "tuple of Entity"),
        ({"timings": {"total_s": float("nan")}}, "finite"),
        ({"timings": [1]}, "dictionary"),
    ],
)
def test_answer_refuses(changes, message):
    with pytest.raises(InputError, match=message):
        make_answer(**changes)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Region(-1, (0, 0, 1, 1), None, 1),
        lambda: Region(0, (0, 0, 1), None, 1),
        lambda: Region(0, (3, 0, 1, 1), None, 1),
        lambda: Region(0, (0, 0, 1, 1), np.zeros((2, 2)), 1),
        lambda: Region(0, (0, 0, 1, 1), None, "high"),
        lambda: Span(0, 2, 1, 1),
        lambda: Span(0, -1, 1, 1),
        lambda: Span(True, 0, 1, 1),
        lambda: Entity("", "dog", "seen", 1),
        lambda: Entity("e1", "dog", "smelt", 1),
        lambda: Entity("e1", "dog", "seen", 1, (Span(0, 0, 1, 1),)),
        lambda: Link(3, 3, "e1"),
        lambda: Link(1.5, 3, "e1"),
        lambda: Verdict("maybe", 1),
        lambda: Verdict("match", float("inf")),
        lambda: Turn("robot", "hello"),
        lambda: Turn("user", "hello", pictures=("a.png",)),
        lambda: Turn("user", "hello", answer="hello"),
    ],
)
def test_parts_refuse(make):
    with pytest.raises(InputError, match="must|needs"):
        make()


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"text": "a"},
        {**make_answer().to_dict(), "entities": None},
        {**make_answer().to_dict(), "entities": [{}]},
        {**make_answer().to_dict(), "entities": [{"id": "e1", "regions": 3}]},
        {**make_answer().to_dict(), "links": [{"start": 0}]},
        {**make_answer().to_dict(), "verdict": {}},
        {**make_answer().to_dict(), "timings": None},
    ],
)
def test_from_dict_refuses(data):
    with pytest.raises(BuboError):
        Answer.from_dict(data)


def test_numbers_become_plain():
    span = Span(np.int64(0), np.float32(0.5), np.float64(1), np.float32(0.25))
    assert json.dumps(span.to_dict()) == '{"sound": 0, "start_s": 0.5, "end_s": 1.0, "score": 0.25}'
    region = Region(np.int32(1), np.array([0, 1, 2, 3], np.float32), None, np.float32(0.5))
    assert (
        json.dumps(region.to_dict())
        == '{"picture": 1, "box": [0.0, 1.0, 2.0, 3.0], "score": 0.5, "mask": null}'
    )


def test_same_compares_content(picture):
    assert same(picture, Picture(picture.pixels.copy(), picture.source))
    assert not same(picture, Picture(picture.pixels.copy(), "other"))
    assert not same(np.zeros(2), np.zeros(2, np.float32))
    assert not same([1], (1,))
    assert same({"a": [np.zeros(2)]}, {"a": [np.zeros(2)]})
    assert not same({"a": 1}, {"b": 1})


def test_turn_holds_media(picture, sound):
    turn = Turn("user", "What is this?", [picture], [sound])
    assert turn.pictures == (picture,)
    assert turn.answer is None


def test_a_large_mask_is_kept_as_its_cutout():
    mask = np.zeros((1200, 1000), bool)
    mask[100:105, 200:203] = True
    mask[101, 201] = False
    region = Region(0, (200, 100, 203, 105), mask, 0.5)
    assert region.mask_bytes == 2 and np.array_equal(region.mask, mask)
    moved = region.in_picture(2)
    assert moved.picture == 2 and moved.mask_key == region.mask_key and region.in_picture(0) is region
    assert same(Region.from_dict(region.to_dict()), region)
    assert same(dataclasses.replace(region, score=0.5), region)
    empty = Region(0, (0, 0, 0, 0), np.zeros_like(mask), 0.5)
    assert empty.mask_bytes == 0 and not empty.mask.any()
    small = np.ones((4, 4), bool)
    assert Region(0, (0, 0, 4, 4), small, 0.5).mask is small
    assert Region(0, (0, 0, 4, 4), None, 0.5).mask_bytes == 0
    with pytest.raises(InputError, match=r"Region.mask must be a boolean array of shape \(H, W\)"):
        Region(0, (0, 0, 4, 4), np.ones((4, 4)), 0.5)
