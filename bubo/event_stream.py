"""A request whose answer comes as server-sent events, over a connection that a watchdog can cut.

Only the standard library. Redirects are not followed, no proxy is used, no cookie is kept: what is sent goes
to the address that was given and nowhere else.
"""

import contextlib
import http.client
import json
import re
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bubo.errors import InputError
from bubo.watchdog import Watchdog

#: Most bytes of one event, and of an answer that comes whole.
MAX_EVENT = 2**20
MAX_BODY = 2**22
MAX_MESSAGE = 300
_READ = 2**16
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


class StreamBroken(Exception):
    """The connection broke, fell silent or spoke nonsense; the text says which."""


class Unreachable(StreamBroken):
    """No connection came about."""


class StreamStopped(Exception):
    """The caller's stop event was set."""


class Refusal(Exception):
    """The server answered with another status than 200.

    Args:
        status: The HTTP status.
        message: What the server said, on one line and shortened.
        retry_after_s: Seconds that it asks to wait; 0 if it asks nothing.
    """

    def __init__(self, status: int, message: str, retry_after_s: float = 0.0):
        super().__init__(status, message, retry_after_s)
        self.status = status
        self.message = message
        self.retry_after_s = retry_after_s


@dataclass(frozen=True)
class Address:
    """Where a server is.

    Fields:
        secure: Whether it is reached by https.
        host: Name or number.
        port: Its port.
        path: Beginning of all paths, without a slash at its end.
    """

    secure: bool
    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, url: str) -> "Address":
        """Reads an address such as "http://127.0.0.1:8000/v1".

        Raises:
            InputError: If it is no http or https address, or holds more than a host, a port and a path.
        """
        wanted = "expected one like http://127.0.0.1:8000/v1"
        if not isinstance(url, str) or not url.isascii() or re.search(r"[\s\x00-\x1f\x7f]", url):
            raise InputError(f"The address of a speaker holds spaces or signs that no address has; {wanted}.")
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise InputError(f"The address of the speaker cannot be read ({error}); {wanted}.") from None
        if parts.username is not None or parts.password is not None:
            raise InputError(
                "The address of the speaker holds a name or password, which would show in messages; "
                "put a key into the environment variable BUBO_API_KEY."
            )
        if parts.scheme not in ("http", "https") or not host:
            raise InputError(f"The address of the speaker is {url!r}; {wanted}.")
        if parts.query or parts.fragment:
            raise InputError(f"The address of the speaker {url!r} has a part behind its path; {wanted}.")
        secure = parts.scheme == "https"
        path = parts.path.rstrip("/").removesuffix("/chat/completions").rstrip("/")
        return cls(secure, host, port or (443 if secure else 80), path)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.secure else 'http'}://{host}:{self.port}{self.path}"


class EventStream:
    """One POST and the events of its answer. A context manager: leaving it closes the connection at once.

    Args:
        address: The server.
        path: Path of the request behind that of the address.
        body: What is sent, as JSON.
        key: Bearer token; empty for none.
        timeout_s: Longest silence while something is waited for.
        connect_timeout_s: Longest time to get through.
        stop: Ends the work when it is set.

    Raises:
        Unreachable: If there is no connection.
        StreamBroken: If the server breaks off or falls silent before it answers.
        StreamStopped: If `stop` was set meanwhile.
        Refusal: If it answers with another status than 200.
    """

    def __init__(
        self,
        address: Address,
        path: str,
        body: bytes,
        *,
        key: str = "",
        timeout_s: float = 120.0,
        connect_timeout_s: float = 10.0,
        stop: threading.Event | None = None,
    ):
        self._key = key
        self._timeout_s = timeout_s
        self._watchdog = Watchdog(timeout_s, stop)
        made = http.client.HTTPSConnection if address.secure else http.client.HTTPConnection
        self._connection = made(address.host, address.port, timeout=connect_timeout_s)
        self._response: http.client.HTTPResponse | None = None
        try:
            self._connect(connect_timeout_s)
            self._ask(address.path + path, body)
            self._watchdog.rest()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "EventStream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection; nothing more is read."""
        self._watchdog.end()
        if self._response is not None:
            self._response.close()
        self._connection.close()

    def _connect(self, timeout_s: float) -> None:
        try:
            self._connection.connect()
        except TimeoutError:
            raise Unreachable(f"nobody answers there within {timeout_s:g} s") from None
        except ssl.SSLError as error:
            raise Unreachable(f"no secure connection: {one_line(error.reason or str(error))}") from None
        except OSError as error:
            raise Unreachable(one_line(error.strerror or str(error))) from None
        self._connection.sock.settimeout(None)  # from here on the watchdog keeps the time
        self._watchdog.start(self._connection.sock)

    def _ask(self, path: str, body: bytes) -> None:
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream", "User-Agent": "bubo"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        with contextlib.suppress(OSError):  # a server may answer before it has read everything
            self._connection.request("POST", path, body, headers)
        try:
            self._response = self._connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise self._broken(error) from None
        if self._response.status != 200:
            raise self._refusal(self._response)

    def _refusal(self, response: http.client.HTTPResponse) -> Refusal:
        try:
            said = _said(response.read(_READ))
        except (OSError, http.client.HTTPException):
            said = ""
        if 300 <= response.status < 400:
            said = f"it points to {response.headers.get('Location', 'nowhere')}"
        if self._key:
            said = said.replace(self._key, "***")
        wait = response.headers.get("Retry-After", "")
        wait_s = float(wait) if re.fullmatch(r"[0-9]{1,4}", wait) else 0.0
        return Refusal(response.status, one_line(said or response.reason), wait_s)

    def _broken(self, error: BaseException | None = None) -> Exception:
        """What a failure of the connection means, the watchdog's part in it considered."""
        if self._watchdog.bit == "stopped":
            return StreamStopped()
        if self._watchdog.bit == "silent":
            return StreamBroken(f"nothing came for {self._timeout_s:g} s")
        detail = "" if error is None else one_line(getattr(error, "strerror", None) or type(error).__name__)
        return StreamBroken("the connection was cut" + (f" ({detail})" if detail else ""))

    def events(self) -> Iterator[Mapping[str, Any]]:
        """The events as JSON objects, until the server ends or says [DONE]; that is given as {"done": True}.

        An answer that is no stream but one JSON object is one event.

        Raises:
            StreamBroken: If the connection is cut, falls silent, or an event is too long or no JSON.
            StreamStopped: If the stop event was set.
        """
        self._watchdog.wake()
        if self._response is not None and self._response.headers.get_content_type() == "application/json":
            yield _parse(b"".join(self._chunks(MAX_BODY)))
            return
        held: list[bytes] = []
        for line in self._lines():
            if line.startswith(b"data:"):
                held.append(line[5:].removeprefix(b" "))
            elif not line and held:
                data = b"\n".join(held)
                held = []
                if data.strip() == b"[DONE]":
                    self._watchdog.rest()
                    yield {"done": True}
                    return
                event = _parse(data)
                self._watchdog.rest()
                yield event
                self._watchdog.wake()

    def _lines(self) -> Iterator[bytes]:
        """The lines of the answer without their ends; the last one is followed by an empty one."""
        held = bytearray()
        size = 0  # of the lines since the last empty one
        for chunk in self._chunks(None):
            start = len(held)
            held += chunk
            while (end := held.find(b"\n", start)) >= 0:
                line = bytes(held[:end]).removesuffix(b"\r")
                del held[: end + 1]
                start = 0
                size = size + len(line) if line else 0
                yield line
            if size + len(held) > MAX_EVENT:
                raise StreamBroken(f"an event is longer than {MAX_EVENT:,} bytes")
        yield bytes(held).removesuffix(b"\r")
        yield b""

    def _chunks(self, most: int | None) -> Iterator[bytes]:
        size = 0
        while self._response is not None:
            try:
                chunk = self._response.read1(_READ)
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise self._broken(error) from None
            if not chunk:
                if self._watchdog.bit or (self._response.length or 0) > 0:
                    raise self._broken()
                return
            size += len(chunk)
            if most is not None and size > most:
                raise StreamBroken(f"the answer is longer than {most:,} bytes")
            yield chunk


def _parse(data: bytes) -> Mapping[str, Any]:
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict):
        raise StreamBroken(
            f"it says what is no JSON object: {one_line(data[:80].decode(errors='replace'))!r}"
        )
    return event


def _said(body: bytes) -> str:
    """The error message in the body of a refusal, or the body."""
    text = body.decode(errors="replace")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    for name in ("error", "message", "detail"):
        if isinstance(found, dict) and name in found:
            found = found[name]
    return found if isinstance(found, str) else text


def one_line(text: str) -> str:
    """Foreign text on one line, without control characters, shortened."""
    line = " ".join(_UNSEEN.sub(" ", text).split())
    return line if len(line) <= MAX_MESSAGE else line[: MAX_MESSAGE - 3] + "..."
