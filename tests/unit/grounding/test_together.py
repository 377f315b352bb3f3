"""Nano's eyes and ears: what several ask for at once is perceived in one pass, as each would get it alone."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from threads import together

import bubo
from bubo.data_tools.world.pairs import sample_world
from bubo.types import Picture, Sound, Turn

NANO = Path(bubo.__file__).parent / "nano"
pytestmark = pytest.mark.skipif(
    not (NANO / "model" / "config.json").is_file(), reason="nano's weights are not there; make nano"
)
COUNT = 4


@pytest.fixture(scope="module")
def media() -> tuple[list[Picture], list[Sound]]:
    samples = [sample_world("validation", 77, index, ("picture", "sound")) for index in range(40)]
    pictures = [Picture(one.scene.pixels) for one in samples if one.scene is not None]
    sounds = [Sound(one.clip.samples, one.clip.sampling_rate) for one in samples if one.clip is not None]
    return pictures[: COUNT + 1], sounds[: COUNT + 1]


def test_pictures_at_once_are_looked_at_in_one_pass(media: tuple[list[Picture], list[Sound]]) -> None:
    pictures, _ = media
    alone, eyes = (bubo.load("nano").grounder.tagger.eyes for _ in range(2))
    expected = [alone.look(one) for one in pictures]
    seen, sizes = together(eyes._passes, *[partial(eyes.look, one) for one in pictures])
    assert sizes == [1, COUNT]
    for one, other in zip(seen, expected, strict=True):
        np.testing.assert_allclose(one.tags, other.tags, atol=1e-4)
        np.testing.assert_allclose(one.boxes, other.boxes, atol=1e-3)


def test_sounds_at_once_are_read_in_one_pass(media: tuple[list[Picture], list[Sound]]) -> None:
    _, sounds = media
    alone, ears = (bubo.load("nano").grounder.listener.ears for _ in range(2))
    expected = [alone.hear(one) for one in sounds]
    assert len({len(one.frames) for one in expected}) > 1, "sounds of several lengths"
    heard, sizes = together(ears._passes, *[partial(ears.hear, one) for one in sounds])
    assert sizes == [1, COUNT]
    for one, other in zip(heard, expected, strict=True):
        np.testing.assert_allclose(one.frames, other.frames, atol=1e-4)
        np.testing.assert_allclose(one.clip, other.clip, atol=1e-4)


def test_what_was_perceived_and_said_can_be_forgotten(media: tuple[list[Picture], list[Sound]]) -> None:
    assistant = bubo.load("nano")
    picture, sound = media[0][0], media[1][0]
    answer = assistant.reply([Turn("user", "What do you see and hear?", (picture,), (sound,))])
    eyes, ears = assistant.grounder.tagger.eyes, assistant.grounder.listener.ears
    kept = [eyes._kept, ears._kept, ears._read, assistant.speaker._soft_tokens, assistant.grounder._seen]
    assert all(len(one._recent._values) > 0 for one in kept) and len(assistant.speaker._caches) > 0
    assistant.clear()
    assert not any(len(one._recent._values) for one in kept) and len(assistant.speaker._caches) == 0
    again = assistant.reply([Turn("user", "What do you see and hear?", (picture,), (sound,))])
    assert again.text == answer.text and again.links == answer.links
