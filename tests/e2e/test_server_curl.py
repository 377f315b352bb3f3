"""Requests that are refused before they are read: the real curl and a plain socket see the answer."""

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from live_server import LiveServer, live_server

from bubo.server.settings import Limits

PATHS = ("/v1/files", "/api/media", "/v1/chat/completions")
CHUNKED = "Transfer-Encoding: chunked"
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with live_server(tmp_path_factory.mktemp("data"), limits=Limits(requests_per_minute=10_000)) as server:
        yield server


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("big") / "big"
    path.write_bytes(b"x" * (30 * MEGABYTE))
    return path


@pytest.mark.parametrize("more", [[], ["-H", "Expect:"], ["-H", CHUNKED]])
@pytest.mark.parametrize("form", [["-F", "file=@{}"], ["-d", "@{}"], ["-T", "{}", "-X", "POST"]])
@pytest.mark.parametrize("path", PATHS)
def test_curl_shows_that_it_is_too_large(
    server: LiveServer, big: Path, path: str, form: list[str], more: list[str]
) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    body = [part.format(big) for part in form]
    done = subprocess.run(
        [curl, "-sS", "-w", "\n%{http_code}", *more, *body, f"{server.url}{path}"],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    text, _, status = done.stdout.rpartition("\n")
    error = json.loads(text)["error"]
    if CHUNKED in more and "-F" not in form:  # the size is not known when the kind of body is refused already
        assert status in ("400", "401", "413", "422") and error["message"]
    else:
        assert (status, error["code"]) == ("413", "too_large")


@pytest.mark.parametrize(("path", "size", "status"), [*((path, 60, 413) for path in PATHS), ("/no", 20, 404)])
def test_who_sends_everything_before_it_reads_sees_the_answer(
    server: LiveServer, path: str, size: int, status: int
) -> None:
    """As browsers and many libraries do; without an end of the reading the connection would be reset."""
    assert answer_to(server, path, size * MEGABYTE) == status


def test_what_is_dropped_has_an_end(server: LiveServer) -> None:
    with pytest.raises(OSError):
        answer_to(server, "/v1/files", 400 * MEGABYTE)


def answer_to(server: LiveServer, path: str, size: int) -> int:
    """Status of the answer to a body that is sent as a whole first."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: text/plain\r\nContent-Length: {size}\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(head.encode())
        piece = b"x" * MEGABYTE
        for _ in range(size // MEGABYTE):
            connection.sendall(piece)
        answer = b""
        while b"\r\n\r\n" not in answer or not answer.rstrip().endswith(b"}"):
            more = connection.recv(65_536)
            if not more:
                break
            answer += more
    return int(answer.split()[1])
