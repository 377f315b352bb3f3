"""Pictures from the web: only where they may come from."""

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from bubo.server import fetching
from bubo.server.fetching import fetch
from bubo.server.problems import Problem


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.8", "192.168.1.1", "169.254.169.254", "0.0.0.0", "::1", "fe80::1%eth0",
     "::ffff:127.0.0.1", "224.0.0.1", "100.64.0.1"],
)  # fmt: skip
def test_no_address_within_is_fetched(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(host: str, port: int, **_: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", port)),
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]  # fmt: skip

    def connect(*_: Any) -> Any:
        raise AssertionError("connected")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(Problem, match="not a public one") as caught:
        fetch("http://pictures.example/a.png", 1_000, "messages.0")
    assert (caught.value.status, caught.value.param) == (400, "messages.0")


@pytest.mark.parametrize(
    "url", ["http://", "http://me:pw@example.org/", "http://exämple.org/", "https://a b/"]
)
def test_odd_addresses_are_refused(url: str) -> None:
    with pytest.raises(Problem, match="address"):
        fetch(url, 1_000, "x")


@pytest.fixture
def slow() -> Iterator[int]:
    """The port of a server that sends a byte now and then, without end."""
    listening = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        with contextlib.suppress(OSError):
            connection, _ = listening.accept()
            with connection:
                connection.recv(1_000)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                for _ in itertools.takewhile(lambda _: not over.wait(0.05), range(400)):
                    connection.sendall(b"x")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listening.getsockname()[1]
    over.set()
    listening.close()
    thread.join(10)


def test_a_sender_that_takes_its_time_is_left(slow: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "_public_address", lambda *_: "127.0.0.1")
    monkeypatch.setattr(fetching, "TOTAL_S", 0.5)
    began = time.monotonic()
    with pytest.raises(Problem, match=r"takes longer than 0\.5 s"):
        fetch(f"http://pictures.example:{slow}/a.png", 1_000_000, "x")
    assert time.monotonic() - began < 5
