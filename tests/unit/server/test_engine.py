"""The engine around an assistant: loading, stopping, thresholds."""

import base64
import json
import threading
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import serving
from fakes import VOCABULARY, FakeDetector, FakeSegmenter, FakeSpeaker, FakeTagger

from bubo.assistant import Assistant
from bubo.errors import BuboError, ModelError
from bubo.grounding.lexicon import Lexicon
from bubo.grounding.pipeline import Grounder
from bubo.media import encode_png
from bubo.server.app import create_app
from bubo.server.engine import AssistantEngine, answer_above
from bubo.server.settings import ServerSettings
from bubo.settings import Settings, Stats
from bubo.types import Answer, Entity, Picture, Place, Point, Region, Span, Turn


def engine_of(*answers: str) -> AssistantEngine:
    detector = FakeDetector({"dog": [((10.0, 20.0, 30.0, 50.0), 0.7)]})
    grounder = Grounder(
        FakeTagger({"dog": 0.9}), detector, FakeSegmenter(), None, Lexicon.from_dict(VOCABULARY)
    )
    engine = AssistantEngine(lambda: Assistant(FakeSpeaker(*answers), grounder, name="fake"))
    wait(engine)
    return engine


def wait(engine: AssistantEngine) -> None:
    engine.start()
    until = time.monotonic() + 10
    while engine.state == "loading" and time.monotonic() < until:
        time.sleep(0.005)


def ask(engine: AssistantEngine, picture: Picture, **more: Any) -> list[Any]:
    turns = [Turn("user", "What?", (picture,))]
    return list(engine.stream(turns, Settings(), stop=threading.Event(), **more))


def test_it_says_how_loading_goes() -> None:
    gate = threading.Event()

    def load() -> Assistant:
        gate.wait(10)
        return Assistant(FakeSpeaker(), None, name="late", languages=["en"])

    engine = AssistantEngine(load, "nano")
    assert (engine.name, engine.state) == ("nano", "loading") and "nano" in engine.message
    assert engine.languages == ()
    with pytest.raises(BuboError, match="being loaded"):
        next(engine.stream([Turn("user", "x")], Settings(), stop=threading.Event()))
    gate.set()
    wait(engine)
    assert (engine.name, engine.state, engine.message) == ("late", "ready", "")
    assert engine.languages == ("en",)


@pytest.mark.parametrize(
    ("error", "message"), [(ModelError("No such model."), "No such model."), (OSError("x"), "OSError")]
)
def test_it_says_why_loading_failed(error: Exception, message: str) -> None:
    def load() -> Assistant:
        raise error

    engine = AssistantEngine(load)
    wait(engine)
    assert engine.state == "failed" and message in engine.message


def test_phrases_are_linked(picture: Picture) -> None:
    events = ask(engine_of("I see a dog."), picture)
    assert "".join(event.text for event in events) == "I see a dog."
    assert events[-1].answer.entities[0].label == "dog" and events[-1].answer.links


def test_without_grounding_there_is_text_only(picture: Picture) -> None:
    events = ask(engine_of("I see a dog."), picture, grounding=False)
    assert {event.kind for event in events} == {"text", "answer"}
    assert events[-1].answer.entities == ()


@pytest.mark.parametrize(("threshold", "regions", "status"), [(0.5, 1, "seen"), (0.8, 0, "unsure")])
def test_what_scores_low_is_left_out(picture: Picture, threshold: float, regions: int, status: str) -> None:
    events = ask(engine_of("I see a dog."), picture, threshold=threshold)
    for entity in (events[-1].answer.entities[0], next(e.entity for e in events if e.entity is not None)):
        assert (len(entity.regions), entity.status) == (regions, status)


def test_what_is_left_says_how_it_is_known() -> None:
    region, span = Region(0, (0.0, 0.0, 5.0, 5.0), None, 0.3), Span(0, 0.0, 1.0, 0.9)
    entity = Entity("e1", "dog", "both", 0.9, (region,), (span,))
    assert answer_above(Answer("A dog.", (entity,)), 0.5).entities[0].status == "heard"
    assert answer_above(Answer("A dog.", (entity,)), 0.95).entities[0].status == "unsure"
    assert answer_above(Answer("A dog.", (entity,)), 0.2).entities[0].status == "both"


@pytest.mark.parametrize(("threshold", "state"), [(0.5, "ready"), (0.8, "none")])
def test_a_phrase_that_lost_all_its_places_is_no_link(
    tmp_path: Path, picture: Picture, threshold: float, state: str
) -> None:
    """What the threshold takes away must be known to every reader: in streams, answers and what is stored."""
    app = create_app(ServerSettings(data=tmp_path), engine_of(*["I see a dog."] * 9))
    client = serving.visitor(app)
    content = encode_png(picture)
    media = serving.upload(client, content).json()["id"]
    conversation = client.post("/api/conversations", json={}).json()["id"]
    asked = {"text": "What?", "media": [media], "settings": {"threshold": threshold}}
    run = client.post(f"/api/conversations/{conversation}/runs", json=asked).json()["run"]
    told = client.get(f"/api/runs/{run}/events").text
    events = [json.loads(line[6:]) for line in told.splitlines() if line.startswith("data: {")]
    links = [link for event in events for link in event.get("grounding", {}).get("links", ())]
    assert links[-1]["state"] == state
    assert (state == "ready") == any("regions" in event.get("grounding", {}) for event in events)
    url = "data:image/png;base64," + base64.b64encode(content).decode()
    parts = [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": url}}]
    asked = {"model": "bubo", "messages": [{"role": "user", "content": parts}], "threshold": threshold}
    whole = client.post("/v1/chat/completions", json=asked).json()["grounding"]
    given = {"text": "I see a dog.", "pictures": [url], "threshold": threshold}
    stored = client.get(f"/api/conversations/{conversation}").json()["messages"][-1]["grounding"]
    for grounding in (whole, client.post("/v1/ground", json=given).json(), stored):
        assert [link["state"] for link in grounding["links"]] == [state]
        assert len(grounding["regions"]) == (state == "ready")


class Talker:
    """Says the same without end, until it is stopped."""

    last = Stats()
    takes_sound = True

    def stream(self, turns: Any, settings: Any = None, stop: Any = None) -> Generator[str, None, Stats]:
        while not stop.is_set():
            yield "I see a dog. "
        return Stats(finish="stopped")


def test_stop_ends_it_with_what_was_said(picture: Picture) -> None:
    engine = AssistantEngine(lambda: Assistant(Talker(), None, name="talker"))
    wait(engine)
    stop = threading.Event()
    events = engine.stream([Turn("user", "?", (picture,))], Settings(), stop=stop)
    said = next(events).text
    stop.set()
    rest = list(events)
    said += "".join(event.text for event in rest)
    answer = rest[-1].answer
    assert answer is not None and answer.metadata["finish"] == "stopped"
    assert answer.text == said != ""


def test_texts_of_others_are_grounded(picture: Picture) -> None:
    answer = engine_of().ground([picture], [], "The dog sits.")
    assert [answer.text[link.start : link.end] for link in answer.links] == ["The dog"]


def test_a_place_is_segmented_and_named(picture: Picture) -> None:
    engine = engine_of()
    there = engine.segment(picture, Place(box=(10.0, 20.0, 30.0, 50.0)))
    assert there is not None and there.label == "dog"
    assert there.region.mask is not None and there.region.mask[30, 20]
    assert engine.segment(picture, Place((Point(5.0, 5.0, positive=False),))) is None
