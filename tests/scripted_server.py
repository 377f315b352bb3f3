"""A web server for tests, on this machine: it sends and cuts off what it is told to."""

import hashlib
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Content:
    """One file of the server.

    Attributes:
        body: What it is.
        cuts: After how many bytes each of the first answers is cut off.
        status: Instead of 200, for as many answers as `times`.
        times: How often `status` is given; None is always.
        claimed: The hash that a hub states; None states the true one.
        ranges: Whether a part can be asked for.
        etag: What the file is tagged with.
        error: What a hub says besides the status.
        location: Where a hub sends those who ask.
        kind: Its content type.
    """

    body: bytes
    cuts: list[int] = field(default_factory=list)
    status: int = 200
    times: int | None = None
    claimed: str | None = None
    ranges: bool = True
    etag: str = '"one"'
    error: str = ""
    location: str = ""
    kind: str = "application/octet-stream"


class ScriptedServer:
    """Serves `files` (path -> Content) and remembers what was asked.

    A path with /resolve/ in it answers as the hub does, with size and hash.
    """

    def __init__(self) -> None:
        self.files: dict[str, Content] = {}
        self.asked: list[tuple[str, str, str | None, str | None]] = []
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self) -> None:
                scripted._answer(self, body=False)

            def do_GET(self) -> None:
                scripted._answer(self, body=True)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def put(self, path: str, body: bytes, **script: object) -> Content:
        """Serve a file from now on."""
        content = self.files[path] = Content(body, **script)
        return content

    def gets(self, path: str = "") -> list[str | None]:
        """The ranges that were asked for by GET, None for whole files."""
        return [part for method, asked, part, _ in self.asked if method == "GET" and asked.startswith(path)]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, request: BaseHTTPRequestHandler, body: bool) -> None:
        path = request.path
        self.asked.append(
            (request.command, path, request.headers.get("Range"), request.headers.get("Authorization"))
        )
        content = self.files.get(path)
        if content is None:
            self._send(request, 404, {"X-Error-Code": "EntryNotFound"})
            return
        if content.status != 200 and content.times != 0:
            content.times = None if content.times is None else content.times - 1
            self._send(request, content.status, {"X-Error-Code": content.error} if content.error else {})
            return
        headers = {"ETag": content.etag, "Accept-Ranges": "bytes", "Content-Type": content.kind}
        if "/resolve/" in path:
            headers |= {
                "X-Linked-Etag": f'"{content.claimed or hashlib.sha256(content.body).hexdigest()}"',
                "X-Linked-Size": str(len(content.body)),
            }
        if content.location:
            self._send(request, 302, {**headers, "Location": content.location})
            return
        start = 0
        part = request.headers.get("Range")
        same = request.headers.get("If-Range") in (None, content.etag)
        if part and content.ranges and same:
            start = int(part.removeprefix("bytes=").rstrip("-"))
            if start >= len(content.body):
                self._send(request, 416, {})
                return
            headers["Content-Range"] = f"bytes {start}-{len(content.body) - 1}/{len(content.body)}"
        rest = content.body[start:]
        request.send_response(206 if start else 200)
        for name, value in {**headers, "Content-Length": str(len(rest))}.items():
            request.send_header(name, value)
        request.end_headers()
        if body:
            cut = content.cuts.pop(0) if content.cuts else len(rest)
            request.wfile.write(rest[:cut])
            if cut < len(rest):
                request.wfile.flush()
                request.close_connection = True
                request.connection.close()

    @staticmethod
    def _send(request: BaseHTTPRequestHandler, status: int, headers: dict[str, str]) -> None:
        request.send_response(status)
        for name, value in {**headers, "Content-Length": "0"}.items():
            request.send_header(name, value)
        request.end_headers()
