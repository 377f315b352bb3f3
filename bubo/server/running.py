"""Runs the application under uvicorn: the socket, what is printed, and an end that leaves nothing behind."""

import os
import socket
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from bubo.errors import InputError
from bubo.folder_lock import folder_lock
from bubo.server.services import Services
from bubo.server.settings import ServerSettings

__all__ = ["address_of", "has_browser", "listen", "run"]

#: Ports that are tried one after the other where none was asked for.
_TRIED = 10
_BACKLOG = 2048


class _Server(uvicorn.Server):
    """Says when it can be reached; when it ends, it ends the answers first: no open stream holds it up."""

    def __init__(self, config: uvicorn.Config, parts: Services, on_start: Callable[[], None]):
        super().__init__(config)
        self._parts, self._on_start = parts, on_start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await run_in_threadpool(self._parts.runs.close)
        await super().shutdown(sockets)


def run(app: FastAPI, server_socket: socket.socket, on_start: Callable[[], None]) -> None:
    """Serves until a signal ends it.

    Args:
        app: What `create_app` made.
        server_socket: See `listen`.
        on_start: Called when the first request can come.
    """
    parts: Services = app.state.services
    settings = parts.settings
    config = uvicorn.Config(
        app,
        ws="none",  # there are none, whatever libraries lie about
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=max(1, round(settings.limits.shutdown_s)),
        forwarded_allow_ips=settings.proxies,
        lifespan="on",
    )
    _Server(config, parts, on_start).run(sockets=[server_socket])


def listen(host: str, port: int, *, others: bool = False) -> socket.socket:
    """A socket that listens.

    Args:
        host: Address or name.
        port: Its port; 0 takes a free one.
        others: Whether one of the next ports will do if this one is taken.

    Raises:
        InputError: If host or port cannot be used.
    """
    reason = ""
    for tried in range(port, min(port + (_TRIED if others and port else 1), 65_536)):
        try:
            found = socket.getaddrinfo(host, tried, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            family, kind, protocol, _, address = found[0]
            # The protocol's number lets asyncio see TCP: it then sets TCP_NODELAY on what it accepts.
            opened = socket.socket(family, kind, protocol)
            try:
                if os.name != "nt":  # there it would let two servers share the port
                    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                opened.bind(address)
                opened.listen(_BACKLOG)
            except BaseException:
                opened.close()
                raise
            return opened
        except OSError as error:
            reason = error.strerror or str(error)
    raise InputError(f"Cannot listen on {host!r}, port {port}: {reason}. Give another --host or --port.")


def address_of(server_socket: socket.socket, settings: ServerSettings) -> str:
    """The address to type into a browser on this machine."""
    host, port = server_socket.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1"
    elif settings.host == "localhost":
        host = "localhost"
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def has_browser() -> bool:
    """Whether somebody sits before this machine who could look at a page."""
    if os.environ.get("CI") or not sys.stdout.isatty():
        return False
    if sys.platform == "darwin" or os.name == "nt":
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def alone_in(data: Path) -> AbstractContextManager[None]:
    """Keeps other servers off a data folder, since one that starts marks unfinished answers as cut off.

    Raises:
        InputError: If another server uses the folder.
        StorageError: If the folder cannot be made.
    """
    other = (
        f"Another server uses the data folder {str(data)!r}; use that one, end it first, or give this one a "
        "folder of its own with --data."
    )
    return folder_lock(data, "data folder", InputError(other), mode=0o700)
