"""Pictures from the web, where the server's settings allow it: from public addresses, and not too large."""

import http.client
import ipaddress
import socket
import ssl
import time
from urllib.parse import urlsplit

from bubo.server.problems import Problem

__all__ = ["fetch"]

#: For each step; and for all of it, since a sender may take its time with every byte.
TIMEOUT_S, TOTAL_S = 10.0, 60.0
_BLOCK = 2**16


def fetch(url: str, max_bytes: int, param: str) -> bytes:
    """What lies at an http or https address.

    The name is resolved once and that address is used, so that it cannot become another one in between.
    Redirects are not followed.

    Args:
        url: The address.
        max_bytes: Most bytes that are read.
        param: The field that holds the address.

    Raises:
        Problem: If it is not public, cannot be reached, or holds too much.
    """
    try:
        parts = urlsplit(url)
        host, secure = parts.hostname or "", parts.scheme.lower() == "https"
        port = parts.port or (443 if secure else 80)
    except ValueError:
        raise _refusal("is no address", param) from None
    if not host or parts.username is not None or not url.isascii() or any(c.isspace() for c in url):
        raise _refusal("is no address that is followed", param)
    connection = _Pinned(host, port, _public_address(host, port, param), secure)
    try:
        connection.request("GET", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
        response = connection.getresponse()
        if response.status != 200:
            raise _refusal(f"answers with status {response.status}", param)
        content = bytearray()
        until = time.monotonic() + TOTAL_S
        while block := response.read1(_BLOCK):
            content += block
            if time.monotonic() > until:
                raise _refusal(f"takes longer than {TOTAL_S:g} s to read", param)
            if len(content) > max_bytes:
                raise _refusal(f"holds more than {max_bytes:,} bytes", param)
    except (OSError, http.client.HTTPException) as error:
        raise _refusal(f"cannot be read ({type(error).__name__})", param) from None
    finally:
        connection.close()
    return bytes(content)


def _refusal(why: str, param: str) -> Problem:
    return Problem(400, f"The picture's address {why}; send the picture itself.", "url_failed", param=param)


def _public_address(host: str, port: int, param: str) -> str:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise _refusal("has a name that is not known", param) from None
    for *_, place in found:
        address = ipaddress.ip_address(str(place[0]).partition("%")[0])
        if not address.is_global or address.is_multicast:
            raise _refusal("is not a public one", param)
    return str(found[0][4][0])


class _Pinned(http.client.HTTPConnection):
    """A connection to one address, under the name that was asked for."""

    def __init__(self, host: str, port: int, address: str, secure: bool):
        super().__init__(host, port, timeout=TIMEOUT_S)
        self._address, self._secure = address, secure

    def connect(self) -> None:
        """Connects, without asking for the name's address again."""
        made = socket.create_connection((self._address, self.port), TIMEOUT_S)
        self.sock = (
            ssl.create_default_context().wrap_socket(made, server_hostname=self.host)
            if self._secure
            else made
        )
