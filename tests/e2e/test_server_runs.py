"""Runs over real connections: order, replay, stop, queue, errors, many at once."""

import logging
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from live_server import LiveServer, live_server, text_of, wait_until
from scripted import HEARD, SEEN, Script, ScriptedEngine

from bubo.server.settings import Limits

_log = logging.getLogger(__name__)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with live_server(tmp_path_factory.mktemp("data"), limits=Limits(max_tokens=2_000)) as server:
        yield server


@pytest.fixture
def server(shared: LiveServer) -> LiveServer:
    wait_until(lambda: shared.engine.running == 0)
    shared.engine.asked.clear()
    shared.engine.stopped.clear()
    return shared


def grounding_of(events: list[Any]) -> dict[str, dict[Any, Any]]:
    """What a client knows at the end: everything upserted."""
    known: dict[str, dict[Any, Any]] = {"entities": {}, "regions": {}, "spans": {}, "links": {}}
    for event in events:
        for name, values in event.get("grounding", {}).items():
            if name == "verdict":
                known["verdict"] = values
                continue
            for value in values:
                key = (value["start"], value["end"]) if name == "links" else value["id"]
                known[name][key] = value
    return known


def blocks_of(events: list[Any]) -> list[Any]:
    blocks: list[Any] = []
    for event in events:
        if "ui" in event:
            assert event["ui"]["from"] <= len(blocks)
            blocks = blocks[: event["ui"]["from"]] + event["ui"]["blocks"]
    return blocks


def test_an_answer_is_streamed_whole_and_kept(server: LiveServer) -> None:
    page = server.page()
    conversation, picture, sound = page.conversation(), page.upload_picture(), page.upload_sound()
    started = page.ask(conversation, "What is there?", media=[picture, sound])
    numbered = list(page.events(started["run"]))
    assert [number for number, _ in numbered] == list(range(1, len(numbered) + 1))
    assert numbered[-1][1] == "[DONE]"
    events = [event for _, event in numbered[:-1]]
    assert text_of(events) == f"{SEEN} {HEARD}"
    assert events[0]["choices"][0]["delta"]["role"] == "assistant"
    known = grounding_of(events)
    text = text_of(events)
    phrases = {text[start:end]: link for (start, end), link in known["links"].items()}
    assert {"brown dog", "red ball", "green tent", "the dog", "waves"} == set(phrases)
    assert {link["state"] for link in phrases.values()} == {"ready"}
    dog = known["entities"][phrases["brown dog"]["entity"]]
    assert dog["label"] == "dog" and dog["status"] == "both"
    assert known["regions"][dog["regions"][0]]["media"] == picture
    assert known["spans"][dog["spans"][0]] | {"id": "", "score": 0} == {
        "id": "", "media": sound, "t0": 0.5, "t1": 1.5, "score": 0,
    }  # fmt: skip
    assert known["verdict"]["kind"] == "match"
    last = events[-1]
    assert last["choices"][0]["finish_reason"] == "stop" and last["usage"]["completion_tokens"] > 0
    assert last["timings"]["total_s"] > 0
    stored = page.message(conversation, started["answer"]["id"])
    assert stored == last["message"] and stored["status"] == "complete" and stored["text"] == text
    assert blocks_of(events) == stored["blocks"]
    assert {entity["id"] for entity in stored["grounding"]["entities"]} == set(known["entities"])
    assert "answer" not in stored["grounding"]


def test_links_stand_after_their_text(server: LiveServer) -> None:
    page = server.page()
    started = page.ask(page.conversation(), "What?", media=[page.upload_picture()])
    said, entities = "", set()
    for event in page.answer(started["run"]):
        said += text_of([event])
        grounding = event.get("grounding", {})
        entities |= {entity["id"] for entity in grounding.get("entities", ())}
        for link in grounding.get("links", ()):
            assert link["end"] <= len(said) and link["entity"] in entities


def without_blocks(event: tuple[int, Any]) -> Any:
    """An event but for its blocks: a later one may replace them, and who comes late is not shown them."""
    number, data = event
    return number, data if data == "[DONE]" else {name: data[name] for name in data if name != "ui"}


@pytest.mark.parametrize("after", [0, 1, 3, 7, 10_000])
def test_a_reader_may_come_late(server: LiveServer, after: int) -> None:
    page = server.page()
    started = page.ask(page.conversation(), "What?", media=[page.upload_picture()])
    whole = list(page.events(started["run"]))
    late = list(page.events(started["run"], after))
    expected = whole[after:] or whole[-1:]
    assert [without_blocks(event) for event in late] == [without_blocks(event) for event in expected]
    known = [event for _, event in (*whole[:after], *late) if event != "[DONE]"]
    assert blocks_of(known) == blocks_of([event for _, event in whole[:-1]]) == known[-1]["message"]["blocks"]


def test_who_knows_everything_is_told_that_it_is_over(server: LiveServer) -> None:
    page = server.page()
    run = page.ask(page.conversation(), "/say fine")["run"]
    last = list(page.events(run))[-1][0]
    for after in (last - 1, last, 10**9):
        told = page.http.get(f"/api/runs/{run}/events", params={"after": after}).text
        assert told.endswith(f"id: {last}\ndata: [DONE]\n\n") and told.count("data:") == 1
        assert told.startswith(": there is no event") == (after > last)
        assert after <= last or f"number {last}\n\n" in told


def test_who_is_ahead_of_an_answer_hears_the_rest(server: LiveServer) -> None:
    page = server.page()
    run = page.ask(page.conversation(), "/long 30 /delay 0.02")["run"]
    assert [event for _, event in page.events(run, 10**9)][-1] == "[DONE]"


def test_a_reader_may_come_back_at_any_time(server: LiveServer) -> None:
    page = server.page()
    started = page.ask(page.conversation(), "/long 60 /delay 0.02")
    seen: list[tuple[int, Any]] = []
    while not seen or seen[-1][1] != "[DONE]":
        for event in page.events(started["run"], seen[-1][0] if seen else 0):
            seen.append(event)
            if len(seen) % 9 == 0:
                break
    assert [number for number, _ in seen] == list(range(1, len(seen) + 1))
    events = [event for _, event in seen[:-1]]
    assert text_of(events) == " ".join(f"word{number}" for number in range(60))
    assert blocks_of(events) == [["p", {}, [text_of(events)]]]


def test_an_answer_needs_no_reader(server: LiveServer) -> None:
    page = server.page()
    conversation = page.conversation()
    started = page.ask(conversation, "/long 20 /delay 0.01")
    wait_until(lambda: page.message(conversation, started["answer"]["id"])["status"] == "complete")


def test_stop_ends_the_computing_within_a_second(server: LiveServer) -> None:
    page = server.page()
    conversation = page.conversation()
    started = page.ask(conversation, "/long 1000 /delay 0.05")
    events = page.events(started["run"])
    heard = ""
    for _, event in events:
        if heard := text_of([event]):
            break
    assert page.http.post(f"/api/runs/{started['run']}/stop").status_code == 202
    rest = [event for _, event in events]
    assert rest[-1] == "[DONE]" and rest[-2]["status"] == {"state": "stopped"}
    message = rest[-2]["message"]
    assert message["status"] == "stopped" and message["text"].startswith(heard)
    # measured in words, of which a second has twenty: writing the answer down waits for the disk
    assert len(message["text"].split()) - len(heard.split()) < 20
    assert message == page.message(conversation, started["answer"]["id"])
    wait_until(lambda: server.engine.stopped and server.engine.running == 0)


def test_an_engine_that_does_not_stop_holds_nobody_up(server: LiveServer) -> None:
    page = server.page()
    conversation = page.conversation()
    started = page.ask(conversation, "/long 3 /delay 5 /deaf")
    wait_until(lambda: server.engine.running == 1)
    page.http.post(f"/api/runs/{started['run']}/stop")
    assert [event for _, event in page.events(started["run"])][-1] == "[DONE]"
    assert server.engine.running == 1  # it goes on for another ten seconds
    assert page.message(conversation, started["answer"]["id"])["status"] == "stopped"


def test_an_error_in_the_middle_keeps_the_text(server: LiveServer) -> None:
    page = server.page()
    conversation = page.conversation()
    started = page.ask(conversation, "/error 5", media=[page.upload_picture()])
    events = page.answer(started["run"])
    assert text_of(events) == "A **brown dog** sits on"
    error = events[-1]["error"]
    assert error["code"] == "model_failed" and error["retryable"] is True
    assert events[-1]["message"]["status"] == "error"
    stored = page.message(conversation, started["answer"]["id"])
    assert stored["text"] == "A **brown dog** sits on" and stored["error"]["code"] == "model_failed"
    again = page.ask(conversation, "", regenerate=started["answer"]["id"])
    assert again["question"]["id"] == started["question"]["id"]
    assert again["answer"]["parent"] == started["question"]["id"]


def test_late_masks_make_links_pending_first(server: LiveServer) -> None:
    page = server.page()
    started = page.ask(page.conversation(), "/late 0.2", media=[page.upload_picture()])
    states: dict[int, list[str]] = {}
    for event in page.answer(started["run"]):
        for link in event.get("grounding", {}).get("links", ()):
            states.setdefault(link["start"], []).append(link["state"])
    assert len(states) == 3 and all(changes == ["pending", "ready"] for changes in states.values())


def test_one_owner_has_two_answers_at_once(server: LiveServer) -> None:
    page, other = server.page(), server.page()
    conversation = page.conversation()
    runs = [page.ask(conversation, "/long 500 /delay 0.02")["run"] for _ in range(2)]
    refused = page.http.post(f"/api/conversations/{conversation}/runs", json={"text": "and now?"})
    assert refused.status_code == 429 and refused.headers["retry-after"]
    assert refused.json()["error"]["code"] == "too_many_running"
    assert text_of(other.answer(other.ask(other.conversation(), "/say fine")["run"])) == "fine"
    for run in runs:
        page.http.post(f"/api/runs/{run}/stop")


def test_those_who_wait_know_their_place(tmp_path: Path) -> None:
    limits = Limits(max_running=1, queue=2)
    with live_server(tmp_path, limits=limits) as server:
        pages = [server.page() for _ in range(4)]
        first = pages[0].ask(pages[0].conversation(), "/long 3000 /delay 0.02")
        wait_until(lambda: server.engine.running == 1)
        waiting = [page.ask(page.conversation(), "/say at last") for page in pages[1:3]]
        last = pages[3]
        refused = last.http.post(f"/api/conversations/{last.conversation()}/runs", json={"text": "me too"})
        assert refused.status_code == 429 and refused.json()["error"]["code"] == "queue_full"
        assert int(refused.headers["retry-after"]) > 0
        pages[0].http.post(f"/api/runs/{first['run']}/stop")
        events = pages[2].answer(waiting[1]["run"])
        states = [event["status"] for event in events if "status" in event]
        assert states[:2] == [{"state": "queued", "position": 2}, {"state": "queued", "position": 1}]
        assert text_of(events) == "at last"


def test_who_waits_can_be_stopped(tmp_path: Path) -> None:
    with live_server(tmp_path, limits=Limits(max_running=1)) as server:
        one, two = server.page(), server.page()
        first = one.ask(one.conversation(), "/long 500 /delay 0.02")
        second = two.ask(two.conversation(), "/say never")
        two.http.post(f"/api/runs/{second['run']}/stop")
        events = two.answer(second["run"])
        assert text_of(events) == "" and events[-1]["message"]["status"] == "stopped"
        one.http.post(f"/api/runs/{first['run']}/stop")


def test_a_model_that_loads_is_waited_for(tmp_path: Path) -> None:
    engine = ScriptedEngine(state="loading")
    with live_server(tmp_path, engine) as server:
        page = server.page()
        assert page.http.get("/ready").status_code == 503
        started = page.ask(page.conversation(), "/say here I am")
        threading.Timer(0.5, lambda: setattr(engine, "state", "ready")).start()
        events = page.answer(started["run"])
        assert {"state": "loading"} in [event.get("status") for event in events]
        assert text_of(events) == "here I am"
        assert page.http.get("/ready").status_code == 200


def test_a_model_that_cannot_be_loaded_says_so(tmp_path: Path) -> None:
    engine = ScriptedEngine(state="failed")
    engine.message = "There is no such model."
    with live_server(tmp_path, engine) as server:
        page = server.page()
        started = page.ask(page.conversation(), "anybody?")
        last = page.answer(started["run"])[-1]
        assert last["error"] | {"type": ""} == {
            "message": "There is no such model.", "type": "", "code": "model_failed",
            "retryable": False, "param": None,
        }  # fmt: skip
        assert last["message"]["status"] == "error"


def test_a_slow_reader_slows_nobody(server: LiveServer) -> None:
    page, other = server.page(), server.page()
    conversation = page.conversation()
    started = page.ask(conversation, "/long 1500", settings={"max_tokens": 2_000})
    host, port = server.url.removeprefix("http://").split(":")
    with socket.socket() as slow:  # asks, and then does not read
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect((host, int(port)))
        cookie = "; ".join(f"{name}={value}" for name, value in page.http.cookies.items())
        head = f"GET /api/runs/{started['run']}/events HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n"
        slow.sendall(head.encode())
        assert text_of(other.answer(other.ask(other.conversation(), "/say quick")["run"])) == "quick"
        assert text_of(page.answer(started["run"])).endswith("word1499")
        assert page.message(conversation, started["answer"]["id"])["status"] == "complete"


def test_32_streams_at_once_keep_apart(tmp_path: Path) -> None:
    engine = ScriptedEngine(Script(delay_s=0.1))
    with live_server(tmp_path, engine, limits=Limits(max_running=32, requests_per_minute=6_000)) as server:
        pages = [server.page() for _ in range(32)]
        conversations = [page.conversation() for page in pages]
        gate = threading.Barrier(32)

        def one(number: int) -> float:
            page, words = pages[number], [f"m{number}w{word}" for word in range(40)]
            gate.wait()
            began = time.monotonic()
            first = 0.0
            started = page.ask(conversations[number], "/say " + " ".join(words))
            events = []
            for _, event in page.events(started["run"]):
                if event != "[DONE]":
                    events.append(event)
                    first = first or (time.monotonic() - began if text_of([event]) else 0.0)
            assert text_of(events) == " ".join(words)
            assert page.message(conversations[number], started["answer"]["id"])["text"] == " ".join(words)
            return first

        with ThreadPoolExecutor(32) as pool:
            firsts = list(pool.map(one, range(32)))
        _log.info("First token: median %.2f s, last %.2f s", statistics.median(firsts), max(firsts))
        assert max(firsts) < 30  # on two idle cores it is about two seconds
        assert engine.most_running > 8


def test_what_belongs_to_others_is_not_there(server: LiveServer) -> None:
    page, other = server.page(), server.page()
    conversation, picture = page.conversation(), page.upload_picture()
    started = page.ask(conversation, "/long 50 /delay 0.01", media=[picture])
    theirs = other.conversation()
    for method, path, json in (
        ("POST", f"/api/conversations/{conversation}/runs", {"text": "x"}),
        ("GET", f"/api/runs/{started['run']}/events", None),
        ("POST", f"/api/runs/{started['run']}/stop", None),
        ("POST", f"/api/media/{picture}/segment", {"points": [{"x": 1, "y": 1}]}),
        ("POST", f"/api/conversations/{theirs}/runs", {"text": "x", "media": [picture]}),
        ("POST", f"/api/conversations/{theirs}/runs", {"text": "x", "parent": started["answer"]["id"]}),
        ("POST", f"/api/conversations/{theirs}/runs", {"regenerate": started["answer"]["id"]}),
        ("POST", f"/api/conversations/{theirs}/runs", {"text": "x", "edit": started["question"]["id"]}),
    ):
        answer = other.http.request(method, path, json=json)
        assert answer.status_code == 404, (path, answer.text)
        assert answer.json()["error"]["type"] == "not_found_error"


def test_later_turns_know_what_was_said(server: LiveServer) -> None:
    page = server.page()
    conversation = page.conversation()
    first = page.ask(conversation, "What?", media=[page.upload_picture()])
    page.answer(first["run"])
    second = page.ask(conversation, "And where?", parent=first["answer"]["id"])
    events = page.answer(second["run"])
    turns = server.engine.asked[-1].turns
    assert [turn.role for turn in turns] == ["user", "assistant", "user"]
    assert turns[0].pictures and turns[1].answer is not None
    assert [entity.label for entity in turns[1].answer.entities] == ["dog", "ball", "tent"]
    assert turns[1].answer.entities[0].regions[0].mask is not None
    slots = {entity["id"]: entity["slot"] for entity in events[-1]["message"]["grounding"]["entities"]}
    assert slots == {"e1": 0, "e2": 1, "e3": 2}


def test_an_edited_question_is_a_version(server: LiveServer) -> None:
    page = server.page()
    conversation = page.conversation()
    first = page.ask(conversation, "/say one")
    page.answer(first["run"])
    other = page.ask(conversation, "/say two", edit=first["question"]["id"])
    assert other["question"]["parent"] is None and other["question"]["id"] != first["question"]["id"]
    assert text_of(page.answer(other["run"])) == "two"
    assert len(server.engine.asked[-1].turns) == 1


def test_a_place_is_segmented(server: LiveServer) -> None:
    page = server.page()
    picture, sound = page.upload_picture(), page.upload_sound()
    found = page.call("POST", f"/api/media/{picture}/segment", json={"points": [{"x": 180, "y": 220}]})
    assert found["region"]["bbox"] == [70, 110, 220, 220] and found["region"]["media"] == picture
    nothing = page.call("POST", f"/api/media/{picture}/segment", json={"points": [{"x": 5, "y": 5}]})
    assert nothing == {"region": None, "label": ""}
    boxed = page.call("POST", f"/api/media/{picture}/segment", json={"box": [200, 270, 140, 130]})
    assert boxed["region"]["bbox"] == [220, 280, 100, 100]
    for json in ({}, {"points": [{"x": 700, "y": 1}]}, {"box": [900, 0, 5, 5]}):
        assert page.http.post(f"/api/media/{picture}/segment", json=json).status_code == 400
    assert page.http.post(f"/api/media/{sound}/segment", json={"box": [0, 0, 1, 1]}).status_code == 400


def test_settings_reach_the_engine(server: LiveServer) -> None:
    page = server.page()
    settings = {"temperature": 0.5, "max_tokens": 3, "grounding": False, "threshold": 0.25}
    events = page.answer(page.ask(page.conversation(), "/long 9", settings=settings)["run"])
    asked = server.engine.asked[-1]
    assert (asked.settings.temperature, asked.settings.max_new_tokens) == (0.5, 3)
    assert (asked.grounding, asked.threshold) == (False, 0.25)
    assert text_of(events) == "word0 word1 word2"
    assert events[-1]["choices"][0]["finish_reason"] == "length"


def test_places_belong_to_the_branch_that_is_asked(server: LiveServer) -> None:
    page = server.page()
    conversation, picture = page.conversation(), page.upload_picture()
    asked = page.ask(conversation, "What?", media=[picture])
    page.answer(asked["run"])
    point = {"kind": "point", "media": picture, "x": 100, "y": 200}
    address = f"/api/conversations/{conversation}/runs"
    refused = page.http.post(address, json={"text": "And this?", "places": [point]})
    assert refused.status_code == 400 and "the answer that this follows in `parent`" in refused.text
    follows = {"text": "And this?", "parent": asked["answer"]["id"]}
    assert page.http.post(address, json={**follows, "places": [point]}).status_code == 202
    empty = {"kind": "box", "media": picture, "box": [90_000, 0, 5, 5]}
    wrong = page.http.post(address, json={**follows, "places": [empty]})
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "places")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"text": "  "}, 400),
        ({"text": "x" * 8_001}, 400),
        ({"text": "x", "media": ["0" * 32] * 6}, 400),
        ({"text": "x", "places": [{"kind": "entity", "entity": "e1"}] * 6}, 400),
        ({"text": "x", "places": [{"kind": "star"}]}, 422),
        ({"text": 5}, 422),
        ({"text": "x", "settings": {"temperature": 3}}, 422),
        ({"text": "x", "more": 1}, 422),
        ({"text": "x", "parent": "nobody"}, 404),
        ({"text": "x", "places": [{"kind": "point", "media": "nothing", "x": 1, "y": 1}]}, 404),
    ],
)
def test_wrong_questions_are_refused(server: LiveServer, body: Any, status: int) -> None:
    page = server.page()
    answer = page.http.post(f"/api/conversations/{page.conversation()}/runs", json=body)
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["message"]
