"""A server on this machine that speaks chat completions by a script, and remembers what it was asked."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = Callable[["Handler"], None]


class Server(ThreadingHTTPServer):
    """Gives the replies queued for it, in order; `seen` holds the bodies of requests, `headers` theirs."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.queue: list[Reply] = []
        self.seen: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.left = threading.Event()  # a client went away while it was spoken to
        self.release = threading.Event()  # ends what hangs

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def enqueue(self, *replies: Reply) -> None:
        self.queue.extend(replies)

    def handle_error(self, request: Any, client_address: Any) -> None:
        self.left.set()


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.paths.append(self.path)
        self.server.headers.append(dict(self.headers))
        self.server.seen.append(json.loads(body))
        self.close_connection = True
        self.server.queue.pop(0)(self)

    def log_message(self, *_: Any) -> None:
        pass

    def begin(self, status: int = 200, kind: str = "text/event-stream", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Connection": "close", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def event(self, data: Any) -> None:
        text = data if isinstance(data, str) else json.dumps(data)
        self.wfile.write(f"data: {text}\n\n".encode())
        self.wfile.flush()


def delta(text: str | None = None, finish: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]}


def say(*pieces: str, finish: str = "stop", usage: dict[str, Any] | None = None) -> Reply:
    """A whole streamed answer."""

    def reply(handler: Handler) -> None:
        handler.begin()
        handler.event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})
        for piece in pieces:
            handler.event(delta(piece))
        handler.event(delta(finish=finish))
        if usage is not None:
            handler.event({"choices": [], "usage": usage})
        handler.event("[DONE]")

    return reply


def refuse(status: int, message: str, **headers: str) -> Reply:
    """An error in the form that most servers give."""

    def reply(handler: Handler) -> None:
        handler.begin(status, "application/json", **headers)
        handler.wfile.write(json.dumps({"error": {"message": message, "type": "error"}}).encode())

    return reply


def send(*parts: bytes, kind: str = "text/event-stream", **headers: str) -> Reply:
    """Bytes as they are."""

    def reply(handler: Handler) -> None:
        handler.begin(200, kind, **headers)
        for part in parts:
            handler.wfile.write(part)

    return reply


def hang(*pieces: str, begin: bool = True, comments: bool = False) -> Reply:
    """An answer that stops in the middle and leaves the connection open."""

    def reply(handler: Handler) -> None:
        if begin:
            handler.begin()
        for piece in pieces:
            handler.event(delta(piece))
        while not handler.server.release.wait(0.02):
            if comments:
                handler.wfile.write(b": still here\n\n")

    return reply


def babble(piece: str = "word ") -> Reply:
    """An answer that never ends."""

    def reply(handler: Handler) -> None:
        handler.begin()
        while not handler.server.release.is_set():
            handler.event(delta(piece))

    return reply


@contextmanager
def serve() -> Iterator[Server]:
    """A running server."""
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.release.set()
        server.shutdown()
        thread.join()
