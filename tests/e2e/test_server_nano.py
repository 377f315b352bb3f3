"""nano behind the server: what a browser gets is what the library finds."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from live_server import LiveServer, Page, live_server, text_of, wait_until
from PIL import Image, ImageDraw

import bubo
from bubo.nano import __file__ as nano_file
from bubo.server.engine import AssistantEngine

NANO = Path(nano_file).parent
SCENE, SOUND = NANO / "samples" / "scene.png", NANO / "samples" / "scene.wav"

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        not (NANO / "model" / "config.json").is_file(), reason="nano's weights are not there; make nano"
    ),
]


@pytest.fixture(scope="module")
def nano() -> Any:
    return bubo.load("nano")


@pytest.fixture(scope="module")
def server(nano: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    engine: Any = AssistantEngine(lambda: nano)
    engine.start()
    wait_until(lambda: engine.state == "ready", 60)
    with live_server(tmp_path_factory.mktemp("data"), engine) as live:
        yield live


def upload(page: Page, path: Path) -> str:
    files = {"file": (path.name, path.read_bytes())}
    return str(page.call("POST", "/api/media", files=files)["id"])


def drawn(path: str, size_hw: tuple[int, int]) -> Any:
    """The pixels that an outline holds; holes are cut out by the even-odd rule."""
    whole = np.zeros(size_hw, bool)
    for ring in path.replace("Z", "").split("M")[1:]:
        numbers = [float(one) for one in ring.replace("L", " ").replace(",", " ").split()]
        image = Image.new("1", (size_hw[1], size_hw[0]))
        ImageDraw.Draw(image).polygon(list(zip(numbers[::2], numbers[1::2], strict=True)), fill=1)
        whole ^= np.array(image)
    return whole


def test_a_scene_is_described_pointed_at_and_linked(nano: Any, server: LiveServer) -> None:
    page = server.page()
    picture, sound = upload(page, SCENE), upload(page, SOUND)
    talk = page.conversation()
    asked = page.ask(talk, "What do you see and hear?", media=[picture, sound])
    events = page.answer(asked["run"])
    message = events[-1]["message"]
    assert message["status"] == "complete" and message["text"] == text_of(events)
    grounding = message["grounding"]
    dog = next(one for one in grounding["entities"] if one["label"] == "dog")
    (region,) = [one for one in grounding["regions"] if one["id"] in dog["regions"]]
    scene, heard = bubo.load_picture(SCENE), bubo.load_sound(SOUND)
    entities, _, _ = nano.grounder.ground("I see a dog. I hear barking.", [scene], [heard])
    mask = next(one for one in entities if one.label == "dog").regions[0].mask
    outline = drawn(region["path"], scene.size_hw)
    assert (mask & outline).sum() / (mask | outline).sum() >= 0.5
    bark = next(one for one in entities if one.label == "barking").spans[0]
    barking = next(one for one in grounding["entities"] if one["label"] == "barking")
    (span,) = [one for one in grounding["spans"] if one["id"] in barking["spans"]]
    assert span["media"] == sound
    assert abs(span["t0"] - bark.start_s) < 0.1 and abs(span["t1"] - bark.end_s) < 0.1

    x, y, wide, high = region["bbox"]
    point = {"x": x + wide / 2, "y": y + high / 2, "positive": True}
    assert page.call("POST", f"/api/media/{picture}/segment", json={"points": [point]})["label"] == "dog"
    place = {"kind": "point", "media": picture, **point}
    again = page.ask(talk, "What is this?", parent=asked["answer"]["id"], places=[place])
    pointed = page.answer(again["run"])[-1]["message"]
    (link,) = pointed["grounding"]["links"]
    assert (link["entity"], link["state"]) == (dog["id"], "ready")
    assert "dog" in pointed["text"][link["start"] : link["end"]]
    known = next(one for one in pointed["grounding"]["entities"] if one["id"] == dog["id"])
    assert known["regions"] == dog["regions"]


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ({"kind": "entity", "entity": "e99"}, "no entity 'e99'"),
        ({"kind": "point", "x": 9999.0, "y": 3.0, "positive": True}, "outside of picture 0"),
        ({"kind": "box", "box": [-50.0, -50.0, 20.0, 20.0]}, "holds nothing of the picture"),
        ({"kind": "time", "t0": 0.0, "t1": 1.0}, "needs a sound of this question"),
        ({"kind": "point", "x": 3.0, "y": 3.0, "positive": False}, "negative point"),
    ],
)
def test_places_that_are_not_there_are_refused(server: LiveServer, place: Any, message: str) -> None:
    page = server.page()
    picture, talk = upload(page, SCENE), page.conversation()
    if place["kind"] != "entity":
        place = place | {"media": picture}
    body = {"text": "What is this?", "media": [picture], "places": [place]}
    answer = page.http.post(f"/api/conversations/{talk}/runs", json=body)
    assert answer.status_code == 400 and message in answer.json()["error"]["message"]
    assert page.call("GET", f"/api/conversations/{talk}")["messages"] == []
