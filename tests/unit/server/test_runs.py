"""What runs leave behind when they have ended, and what one that fails does to the others."""

import gc
import json
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
import serving
from fastapi import FastAPI
from sqlalchemy.exc import OperationalError

from bubo.server.run import Run
from bubo.server.runs import Runs


@pytest.fixture
def runs(app: FastAPI) -> Iterator[Runs]:
    yield app.state.services.runs
    app.state.services.runs.close()


def ended(run: Run) -> None:
    until = time.monotonic() + 10
    while not run.ended:
        assert time.monotonic() < until, "the run did not end"
        time.sleep(0.01)


class Pixels:
    """Something large."""


def test_a_run_that_has_ended_keeps_its_events_but_not_what_it_was_computed_from(runs: Runs) -> None:
    pixels = Pixels()
    left = weakref.ref(pixels)

    def work(run: Run, pixels: Pixels = pixels) -> None:
        run.send({"word": type(pixels).__name__})

    run = Run("ana", work, abandon=work, tick=lambda run, work=work: None)
    runs.start(run)
    ended(run)
    del pixels, work
    until = time.monotonic() + 10
    while left() is not None and time.monotonic() < until:
        gc.collect()
        time.sleep(0.01)
    assert runs.get("ana", run.id) is run and run.num_events == 2
    assert left() is None


def test_one_run_that_cannot_be_looked_after_does_not_end_the_care_for_others(runs: Runs) -> None:
    def broken(_: Run) -> None:
        raise RuntimeError("not to be shown")

    one = Run("ana", lambda run: run.stop.wait(10) and None, tick=broken)
    runs.start(one)
    ended(one)  # it is stopped
    ticks: list[float] = []
    other = Run(
        "ben", lambda run: run.stop.wait(10) and None, tick=lambda run: ticks.append(time.monotonic())
    )
    runs.start(other)
    until = time.monotonic() + 10
    while len(ticks) < 3:
        assert time.monotonic() < until, "nobody looks after the runs any more"
        time.sleep(0.01)
    runs.stop(other)
    ended(other)


def test_an_answer_whose_end_cannot_be_written_at_once_does_not_run_for_ever(app: FastAPI) -> None:
    store = app.state.services.conversations
    write, failures = store.update_answer, []

    def busy(message_id: str, *, status: str, **values: Any) -> None:
        if status != "running" and not failures:
            failures.append(status)
            raise OperationalError("UPDATE", {}, Exception("database is locked"))
        write(message_id, status=status, **values)

    store.update_answer = busy
    with serving.visitor(app) as visitor:
        whole, _ = serving.asked(visitor, "/say What was said stays.")
    answer = whole["messages"][-1]
    assert failures == ["complete"]
    assert (answer["status"], answer["text"]) == ("error", "What was said stays.")
    assert answer["error"]["retryable"] is True


def test_an_answer_that_could_not_be_closed_is_closed_when_the_database_is_back(app: FastAPI) -> None:
    store = app.state.services.conversations
    write, failures = store.update_answer, []

    def away(message_id: str, **values: Any) -> None:
        if len(failures) < 3:
            failures.append(values)
            raise OperationalError("UPDATE", {}, Exception("the server closed the connection"))
        write(message_id, **values)

    store.update_answer = away
    with serving.visitor(app) as visitor:
        whole, _ = serving.asked(visitor, "/say What was said stays.")
    answer = whole["messages"][-1]
    assert len(failures) == 3
    assert (answer["status"], answer["text"]) == ("error", "What was said stays.")


def test_an_answer_that_the_end_of_the_server_cuts_off_is_interrupted(app: FastAPI) -> None:
    parts = app.state.services
    with serving.visitor(app) as visitor:
        talk = visitor.post("/api/conversations", json={}).json()["id"]
        visitor.post(f"/api/conversations/{talk}/runs", json={"text": "Talk. /long 2000 /delay 0.05"})
        until = time.monotonic() + 20
        while not parts.engine.running:
            assert time.monotonic() < until, "it did not begin"
            time.sleep(0.01)
        parts.runs.close()
        answer = visitor.get(f"/api/conversations/{talk}").json()["messages"][-1]
    assert answer["status"] == "interrupted"


def test_a_stream_that_the_end_of_the_server_cuts_off_does_not_look_whole(app: FastAPI) -> None:
    parts = app.state.services
    question = {"messages": [{"role": "user", "content": "/long 2000 /delay 0.02"}], "stream": True}

    def end() -> None:
        until = time.monotonic() + 20
        while time.monotonic() < until and not any(run.num_events > 3 for run in parts.runs._runs.values()):
            time.sleep(0.01)
        parts.runs.close()

    ending = threading.Thread(target=end)
    with serving.visitor(app) as visitor:
        ending.start()
        told = visitor.post("/v1/chat/completions", json={"model": "scripted"} | question).text
        ending.join()
    events = [json.loads(line[6:]) for line in told.split("\n\n") if line.startswith("data: {")]
    assert events[-1]["error"]["code"] == "stopped" and events[-1]["error"]["retryable"]
    assert not any(choice["finish_reason"] for event in events[:-1] for choice in event["choices"])


def test_an_answer_tells_how_fast_it_was_written(app: FastAPI) -> None:
    with serving.visitor(app) as visitor:
        whole, _ = serving.asked(visitor, "/say one two three four")
    assert whole["messages"][-1]["timings"]["tokens_per_s"] == pytest.approx(3 / 0.09, abs=0.01)
