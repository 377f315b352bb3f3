"""Work of one request waits for its turn, and ends with the one who asked for it."""

import asyncio
import base64
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import serving
from fastapi import FastAPI
from scripted import ScriptedEngine, sample_picture
from starlette.testclient import TestClient

from bubo.errors import InputError
from bubo.media import encode_png, load_picture
from bubo.server.computing import compute
from bubo.server.problems import Problem
from bubo.server.run import Run
from bubo.server.runs import Runs
from bubo.stopping import check_stop

LIMITS = {"max_running": 1, "running_per_owner": 1, "max_pointing": 1, "queue": 4}
DOG = {"points": [{"x": 150, "y": 200}]}


class Caller:
    """A request, as far as one asks it whether its client is still there."""

    def __init__(self) -> None:
        self.gone = False

    async def is_disconnected(self) -> bool:
        return self.gone


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    return serving.make_app(tmp_path / "data", LIMITS)


@pytest.fixture
def runs(app: FastAPI) -> Iterator[Runs]:
    yield app.state.services.runs
    app.state.services.runs.close()


@pytest.fixture
def engine(app: FastAPI) -> ScriptedEngine:
    found: ScriptedEngine = app.state.services.engine
    return found


def done(runs: Runs, work: Callable[[], Any], owner: str = "ana", caller: Any = None, **how: Any) -> Any:
    return asyncio.run(compute(caller or Caller(), runs, owner, work, **how))


def waiting(runs: Runs) -> int:
    return runs._answers.num_waiting + runs._briefs.num_waiting


def running(runs: Runs) -> int:
    return runs._answers.num_running + runs._briefs.num_running


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)


def test_it_gives_what_comes_of_the_work_or_what_it_raises(runs: Runs) -> None:
    assert done(runs, lambda: threading.current_thread().name).startswith("run_")

    def refuse() -> None:
        raise InputError("not so")

    with pytest.raises(InputError, match="not so"):
        done(runs, refuse)


@pytest.mark.parametrize("brief", [False, True])
def test_owners_take_turns_and_one_who_asks_for_too_much_is_refused(runs: Runs, brief: bool) -> None:
    going, begun = threading.Event(), []

    def work(name: str) -> str:
        begun.append(name)
        going.wait(20)
        return name

    with ThreadPoolExecutor(8) as pool:
        answers = []
        for name in ("ana 0", "ana 1", "ana 2", "ben 0"):
            answers.append(pool.submit(done, runs, lambda name=name: work(name), name[:3], brief=brief))
            until(lambda: len(begun) + waiting(runs) == len(answers))
        with pytest.raises(Problem) as refused:
            done(runs, lambda: None, "ana", brief=brief)
        assert refused.value.code == "queue_full" and refused.value.headers["Retry-After"]
        assert "3 of yours are on the way" in str(refused.value)
        assert begun == ["ana 0"]
        going.set()
        assert [answer.result(20) for answer in answers] == ["ana 0", "ana 1", "ana 2", "ben 0"]
    assert begun == ["ana 0", "ana 1", "ben 0", "ana 2"]


def test_who_goes_away_while_waiting_has_nothing_computed(runs: Runs) -> None:
    going, begun, caller = threading.Event(), [], Caller()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(done, runs, lambda: going.wait(20))
        until(lambda: running(runs) == 1)
        second = pool.submit(done, runs, lambda: begun.append(1), "ben", caller)
        until(lambda: waiting(runs) == 1)
        caller.gone = True
        with pytest.raises(Problem) as stopped:
            second.result(20)
        assert stopped.value.code == "stopped" and waiting(runs) == 0
        going.set()
        assert first.result(20)
    assert begun == []


def test_who_goes_away_meanwhile_has_it_ended(runs: Runs) -> None:
    caller, ended = Caller(), []

    def work() -> None:
        caller.gone = True
        try:
            while True:
                check_stop()
                time.sleep(0.01)
        finally:
            ended.append(time.monotonic())

    with pytest.raises(Problem) as stopped:
        done(runs, work, caller=caller)
    assert stopped.value.code == "stopped"
    until(lambda: bool(ended) and running(runs) == 0)


def test_the_end_of_the_server_ends_it(runs: Runs) -> None:
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(done, runs, lambda: [check_stop() or time.sleep(0.01) for _ in range(2_000)])
        until(lambda: running(runs) == 1)
        runs.close()
        with pytest.raises(Problem) as stopped:
            answer.result(20)
    assert stopped.value.status == 503
    with pytest.raises(Problem) as closing:
        done(runs, lambda: 1)
    assert closing.value.code == "closing"


def test_grounding_waits_behind_answers_and_pointing_does_not(app: FastAPI, runs: Runs) -> None:
    going = threading.Event()
    answer = Run("ana", lambda run: going.wait(20) and None)
    with serving.visitor(app) as visitor, ThreadPoolExecutor(1) as pool:
        picture = serving.upload(visitor, encode_png(sample_picture())).json()["id"]
        runs.start(answer)
        there = visitor.post(f"/api/media/{picture}/segment", json=DOG)
        assert there.status_code == 200 and there.json()["label"] == "dog"
        url = f"data:image/png;base64,{base64.b64encode(encode_png(sample_picture())).decode()}"
        request = {"text": "I see the dog.", "pictures": [url]}
        grounded = pool.submit(visitor.post, "/v1/ground", json=request)
        until(lambda: waiting(runs) == 1 or grounded.done())
        assert not grounded.done()
        going.set()
        result = grounded.result(20)
    assert result.status_code == 200 and result.json()["links"], result.text


@pytest.mark.parametrize("address", ["/v1/ground", "/v1/chat/completions"])
def test_pictures_are_not_decoded_while_they_wait(
    app: FastAPI, runs: Runs, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    going, decoded = threading.Event(), []
    monkeypatch.setattr(
        "bubo.server.chat_media.load_picture",
        lambda data: decoded.append(going.is_set()) or load_picture(data),
    )
    url = f"data:image/png;base64,{base64.b64encode(encode_png(sample_picture())).decode()}"
    content = [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": url}}]
    chat = {"model": "bubo", "messages": [{"role": "user", "content": content}]}
    body = chat if "chat" in address else {"text": "I see the dog.", "pictures": [url]}
    with serving.visitor(app) as visitor, ThreadPoolExecutor(1) as pool:
        runs.start(Run("ana", lambda run: going.wait(20) and None))
        answer = pool.submit(visitor.post, address, json=body)
        until(lambda: waiting(runs) == 1)
        going.set()
        result = answer.result(20).json()
    assert decoded == [True]
    (region,) = {one["media"] for one in result.get("grounding", result)["regions"]}
    assert region == "picture-0"


def test_places_are_looked_at_one_after_the_other(app: FastAPI, engine: ScriptedEngine) -> None:
    at_once, most = 0, 0
    look = engine.segment

    def slow(*given: Any) -> Any:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        time.sleep(0.05)
        at_once -= 1
        return look(*given)

    engine.segment = slow
    with serving.visitor(app) as visitor, ThreadPoolExecutor(3) as pool:
        picture = serving.upload(visitor, encode_png(sample_picture())).json()["id"]
        address = f"/api/media/{picture}/segment"
        answers = list(pool.map(lambda _: visitor.post(address, json=DOG), range(3)))
    assert [answer.status_code for answer in answers] == [200] * 3
    assert most == 1


def test_a_picture_that_is_pointed_at_again_is_not_decoded_again(
    app: FastAPI, visitor: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = app.state.services.media
    picture = serving.upload(visitor, encode_png(sample_picture())).json()["id"]
    address = f"/api/media/{picture}/segment"
    first = visitor.post(address, json=DOG).json()

    def decode(_: bytes) -> None:
        raise AssertionError("it was decoded again")

    monkeypatch.setattr("bubo.server.media_files.load_picture", decode)
    assert visitor.post(address, json=DOG).json() == first
    assert visitor.delete(f"/api/media/{picture}").status_code == 204
    assert visitor.post(address, json=DOG).status_code == 404
    assert not media._decoded._recent._values
