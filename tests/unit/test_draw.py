"""Answers as pictures."""

import numpy as np
import pytest
from PIL import Image

from bubo.draw import SLOTS, WIDTH, draw_answer, slot_colour
from bubo.types import Answer, Entity, Link, Picture, Region, Sound, Span, Verdict

TEXT = "I see a red box and no dog. I hear a tone."


def make_answer(picture, sound, **changes):
    mask = np.zeros(picture.size_hw, dtype=bool)
    mask[20:50, 10:30] = True
    box = Entity(
        "e1", "box", "both", 0.9, (Region(0, (10, 20, 30, 50), mask, 0.9),), (Span(0, 0.2, 0.7, 0.8),)
    )
    dog = Entity("e2", "dog", "absent", 0.9)
    tone = Entity("e13", "tone", "heard", 0.8, (), (Span(0, 0.2, 0.7, 0.8), Span(0, 0.8, 0.9, 0.8)))
    links = (Link(6, 15, "e1"), Link(23, 26, "e2"), Link(35, 41, "e13"))
    verdict = Verdict("match", 0.8, ("e1",), "the tone goes with the box, as far as a test can tell. " * 4)
    fields = {"pictures": (picture,), "sounds": (sound,), "verdict": verdict} | changes
    return Answer(TEXT, (box, dog, tone), links, **fields)


def has_colour(image, colour):
    return bool((np.asarray(image) == np.array(colour)).all(axis=-1).any())


def test_every_entity_shows_its_colour(picture, sound):
    answer = make_answer(picture, sound)
    image = answer.draw()
    assert isinstance(image, Image.Image)
    assert (image.mode, image.width) == ("RGB", WIDTH)
    for entity in answer.entities:
        assert has_colour(image, slot_colour(entity))


def test_small_pictures_are_enlarged_and_masks_tinted(picture, sound):
    image = np.asarray(draw_answer(make_answer(picture, sound)))
    red = (image[..., 0] > 200) & (image[..., 1] < 40)  # the box of the picture, untinted
    assert not red[:700].any()
    assert image.shape[0] > 700
    tinted = np.round(np.array([220, 20, 20]) * 0.75 + np.array(SLOTS[0]) * 0.25)
    assert (np.abs(image.astype(int) - tinted).max(axis=-1) <= 2).sum() > 5000


def test_colours_stay_with_the_number_and_differ():
    assert len(set(SLOTS)) == 12
    first, thirteenth = Entity("e1", "x", "seen", 1.0), Entity("e13", "y", "seen", 1.0)
    assert slot_colour(first) == slot_colour(thirteenth) == SLOTS[0]
    assert slot_colour(Entity("odd", "z", "seen", 1.0)) in SLOTS
    assert slot_colour(Entity("e2", "x", "absent", 1.0)) not in SLOTS


@pytest.mark.parametrize(
    "changes",
    [
        {"sounds": ()},  # a bare time axis
        {"pictures": ()},
        {"pictures": (), "sounds": (), "verdict": None},
    ],
)
def test_missing_media_are_left_out(picture, sound, changes):
    assert draw_answer(make_answer(picture, sound, **changes)).height > 50


@pytest.mark.parametrize(
    "text",
    ["", " ", "word " * 400, "x" * 2000, "日本語のとても長い文章です。" * 40, "a\n\nb 🐕\tc", "\u200d\u0301"],
)
def test_any_text_can_be_laid_out(text):
    image = draw_answer(Answer(text))
    assert image.width == WIDTH
    assert image.height < 20_000


def test_overlapping_links_and_odd_sizes():
    picture = Picture(np.zeros((3, 280, 3), np.uint8))
    edge = Entity(
        "e1", "edge", "seen", 0.5, (Region(0, (0, 0, 280, 3), None, 0.5), Region(0, (5, 1, 5, 1), None, 0.5))
    )
    links = (Link(0, 8, "e1"), Link(2, 5, "e1"))
    tall = Picture(np.zeros((900, 12, 3), np.uint8))
    for shown in (picture, tall):
        assert draw_answer(Answer("the edge", (edge,), links, pictures=(shown,))).width == WIDTH
    sound = Sound(np.zeros(1_600, np.float32), 16_000)
    assert draw_answer(Answer("silence", sounds=(sound,))).height > 100
