"""What runs leave behind when they have ended, and what one that fails does to the others."""

import gc
import time
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
import serving
from fastapi import FastAPI
from sqlalchemy.exc import OperationalError

from bubo.server.runs import Run, Runs


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


def test_an_answer_tells_how_fast_it_was_written(app: FastAPI) -> None:
    with serving.visitor(app) as visitor:
        whole, _ = serving.asked(visitor, "/say one two three four")
    assert whole["messages"][-1]["timings"]["tokens_per_s"] == pytest.approx(3 / 0.09, abs=0.01)
