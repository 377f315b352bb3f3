"""How often anyone may ask: buckets that fill by the minute."""

import ipaddress
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.requests import Request

from bubo.server.problems import Problem
from bubo.server.settings import Limits

__all__ = ["RateLimits"]

#: Askers that are remembered; the one that asked longest ago goes first, and starts anew.
_MAX_BUCKETS = 10_000
_UPLOADS = ("/api/media", "/v1/files")


class Buckets:
    """One bucket of permits for each asker.

    Args:
        per_minute: How many permits a bucket holds, and gets anew in a minute.
        clock: Tells the time in seconds.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic):
        self.per_minute = per_minute
        self._clock = clock
        self._lock = threading.Lock()
        self._filled: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, who: str) -> float:
        """Takes a permit; gives the seconds to wait if there is none."""
        now = self._clock()
        with self._lock:
            left, since = self._filled.pop(who, (float(self.per_minute), now))
            left = min(self.per_minute, left + (now - since) * self.per_minute / 60)
            taken = left >= 1
            self._filled[who] = (left - 1 if taken else left, now)
            if len(self._filled) > _MAX_BUCKETS:
                self._filled.popitem(last=False)
            return 0.0 if taken else (1 - left) * 60 / self.per_minute


class RateLimits:
    """The limits of requests, uploads and attempts to sign in.

    Args:
        limits: How many of each in a minute.
        clock: Tells the time in seconds.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic):
        self._requests = Buckets(limits.requests_per_minute, clock)
        self._uploads = Buckets(limits.uploads_per_minute, clock)
        self._logins = Buckets(limits.logins_per_minute, clock)

    def check(self, request: Request, who: str) -> None:
        """Counts a request for the one who sent it.

        Raises:
            Problem: 429 if there were too many.
        """
        path = request.url.path.rstrip("/")
        who = _network(who)
        self._take(self._requests, who, "requests")
        if request.method != "POST":
            return
        if path in _UPLOADS:
            self._take(self._uploads, who, "uploads")
        elif path == "/api/session":
            address = request.client.host if request.client else ""
            self._take(self._logins, _network(address), "attempts to sign in")

    @staticmethod
    def _take(buckets: Buckets, who: str, what: str) -> None:
        wait_s = math.ceil(buckets.take(who))
        if wait_s:
            raise Problem(
                429,
                f"Too many {what}: {buckets.per_minute} in a minute are taken. Wait {wait_s} s, then try.",
                "rate_limited",
                retryable=True,
                headers={"Retry-After": str(wait_s)},
            )


def _network(who: str) -> str:
    """An IPv6 address as the network that one customer has; anything else as it is."""
    try:
        address = ipaddress.ip_address(who)
    except ValueError:
        return who
    if address.version == 4:
        return who
    return str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))
