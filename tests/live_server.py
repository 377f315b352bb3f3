"""The real server on a free port of this machine, in a thread, with the scripted engine."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from scripted import ScriptedEngine, sample_picture, sample_sound

from bubo.media import encode_png, encode_wav
from bubo.server.app import create_app
from bubo.server.settings import Limits, ServerSettings


class Page:
    """A browser, as far as the server can tell: it keeps its cookie.

    Attributes:
        http: The client, for requests that are not here.
    """

    def __init__(self, url: str):
        self.http = httpx2.Client(base_url=url, timeout=30)
        assert self.http.get("/api/session").status_code == 200

    def call(self, method: str, path: str, **more: Any) -> Any:
        answer = self.http.request(method, path, **more)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def conversation(self) -> str:
        return str(self.call("POST", "/api/conversations", json={})["id"])

    def upload_picture(self) -> str:
        files = {"file": ("scene.png", encode_png(sample_picture()), "image/png")}
        return str(self.call("POST", "/api/media", files=files)["id"])

    def upload_sound(self) -> str:
        files = {"file": ("scene.wav", encode_wav(sample_sound()), "audio/wav")}
        return str(self.call("POST", "/api/media", files=files)["id"])

    def ask(self, conversation: str, text: str, **more: Any) -> Any:
        return self.call("POST", f"/api/conversations/{conversation}/runs", json={"text": text, **more})

    def events(self, run: str, after: int = 0) -> Iterator[tuple[int, Any]]:
        """The events of a run: number and JSON, the last one "[DONE]"."""
        with self.http.stream("GET", f"/api/runs/{run}/events", params={"after": after}) as stream:
            assert stream.status_code == 200, stream.read()
            assert stream.headers["content-type"].startswith("text/event-stream")
            yield from parse_events(stream.iter_lines())

    def answer(self, run: str) -> list[Any]:
        """All events of a run, as JSON, without [DONE]."""
        return [data for _, data in self.events(run) if data != "[DONE]"]

    def message(self, conversation: str, id: str) -> Any:
        found = self.call("GET", f"/api/conversations/{conversation}")["messages"]
        return next(message for message in found if message["id"] == id)


def parse_events(lines: Iterator[str]) -> Iterator[tuple[int, Any]]:
    number = 0
    for line in lines:
        if line.startswith("id: "):
            number = int(line[4:])
        elif line.startswith("data: "):
            data = line[6:]
            yield number, data if data == "[DONE]" else json.loads(data)


def text_of(events: list[Any]) -> str:
    """The text that chunks add up to."""
    deltas = [event["choices"][0]["delta"] for event in events if event.get("choices")]
    return "".join(delta.get("content", "") for delta in deltas)


def wait_until(what: Any, seconds: float = 10.0) -> None:
    """Waits until something is true."""
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.01)


class LiveServer:
    """A server that is up.

    Attributes:
        url: Where it listens.
        engine: Its engine.
    """

    def __init__(self, url: str, engine: ScriptedEngine, app: Any):
        self.url, self.engine, self.app = url, engine, app
        self._pages: list[Page] = []

    def page(self) -> Page:
        """A new browser, closed at the end."""
        self._pages.append(Page(self.url))
        return self._pages[-1]

    def close(self) -> None:
        for page in self._pages:
            page.http.close()


@contextmanager
def live_server(
    data: Path, engine: ScriptedEngine | None = None, *, limits: Limits | None = None, **settings: Any
) -> Iterator[LiveServer]:
    """Serves until it is left."""
    engine = engine or ScriptedEngine()
    app = create_app(ServerSettings(data=data, port=0, limits=limits or Limits(), **settings), engine)
    server = uvicorn.Server(
        uvicorn.Config(
            app, host="127.0.0.1", port=0, ws="none", log_level="warning", timeout_graceful_shutdown=2
        )
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started, 60)
    port = server.servers[0].sockets[0].getsockname()[1]
    live = LiveServer(f"http://127.0.0.1:{port}", engine, app)
    try:
        yield live
    finally:
        live.close()
        server.should_exit = True
        thread.join(20)
