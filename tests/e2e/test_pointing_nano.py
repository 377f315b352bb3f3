"""Pointing at things of the sample scene, with nano."""

from pathlib import Path

import pytest

import bubo
from bubo import cli
from bubo.nano import __file__ as nano_file
from bubo.types import Place

NANO = Path(nano_file).parent
SCENE, SOUND = (str(NANO / "samples" / name) for name in ("scene.png", "scene.wav"))

needs_nano = pytest.mark.skipif(
    not (NANO / "model" / "config.json").is_file(), reason="nano's weights are not there; make nano"
)


@pytest.fixture(scope="module")
def nano():
    return bubo.load("nano")


@needs_nano
def test_a_point_is_found_named_asked_about_and_linked(nano):
    whole = nano.conversation().ask("What do you see?", SCENE)
    dog = next(entity for entity in whole.entities if entity.label == "dog")
    x0, y0, x1, y1 = dog.regions[0].box
    place = Place.at((x0 + x1) / 2, (y0 + y1) / 2)

    region = nano.grounder.segment(bubo.load_picture(SCENE), place)
    assert region is not None and (region.mask & dog.regions[0].mask).sum() / region.mask.sum() > 0.8
    assert nano.grounder.name(bubo.load_picture(SCENE), region).name == "dog"

    chat = nano.conversation()
    first = chat.ask("What is this?", SCENE, at=place)
    second = chat.ask("Where is it?")
    for answer in (first, second):
        (link,) = answer.links
        assert "dog" in answer.text[link.start : link.end]
        assert answer.entity(link.entity).regions[0].box == dog.regions[0].box
    assert first.links[0].entity == second.links[0].entity


@needs_nano
def test_the_corner_of_the_sky_holds_nothing(nano):
    answer = nano.conversation().ask("What is this?", SCENE, at=Place.at(380, 4))
    assert answer.text == "I see nothing that I know at that place." and answer.links == ()


@needs_nano
def test_seconds_of_the_sound(nano):
    answer = nano.conversation().ask("What is this?", sound=SOUND, at=Place(seconds=(1.8, 3.2)))
    assert "barking" in {entity.label for entity in answer.entities}


@needs_nano
def test_the_command_line_points(capsys):
    assert cli.main(["ask", "What is this?", "--picture", SCENE, "--at", "190,260"]) == 0
    assert "dog" in capsys.readouterr().out
    assert cli.main(["ask", "What is this?", "--picture", SCENE, "--at", "900,20"]) == 2
    assert "outside of picture 0" in capsys.readouterr().err
