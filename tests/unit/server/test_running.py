"""The socket the server listens on, and the address that is printed."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from bubo.errors import InputError
from bubo.server.running import address_of, listen
from bubo.server.settings import ServerSettings


def test_small_pieces_of_an_answer_do_not_wait_for_each_other() -> None:
    async def nodelay() -> int:
        told: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            told.set_result(
                writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            )
            writer.close()

        opened = listen("127.0.0.1", 0)
        async with await asyncio.start_server(connected, sock=opened):
            _, writer = await asyncio.open_connection(*opened.getsockname())
            found = await told
            writer.close()
        return found

    assert asyncio.run(nodelay()) != 0


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=rf"Cannot listen on '127.0.0.1', port {port}.*--port"):
            listen("127.0.0.1", port)
        with listen("127.0.0.1", port, others=True) as other:
            assert other.getsockname()[1] > port
            address = address_of(other, ServerSettings(data=tmp_path))
            assert address == f"http://127.0.0.1:{other.getsockname()[1]}/"


def test_a_host_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(InputError, match=r"Cannot listen on 'nowhere', port 0: Name or service.*--host"):
        listen("nowhere", 0)
