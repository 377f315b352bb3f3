"""A thread that ends the wait on a socket: reads that block have no other end.

A time-out of the socket itself would count each read alone, so that a server could hold on forever with a
byte now and then; and a read that blocks does not see a stop event.
"""

import contextlib
import socket
import threading
import time

# How often a stop event is looked at.
_STOP_S = 0.05


class Watchdog:
    """Cuts a socket when nothing has come for too long while it was waited for, or on a stop event.

    Args:
        timeout_s: Longest time to wait.
        stop: Cuts at once when it is set; None never does.

    Attributes:
        bit: "silent" or "stopped" once it has cut the socket, before that empty.
    """

    def __init__(self, timeout_s: float, stop: threading.Event | None):
        self.bit = ""
        self._timeout_s = timeout_s
        self._stop = stop
        self._deadline: float | None = None
        self._socket: socket.socket | None = None
        self._change = threading.Condition()
        self._over = False
        self._thread = threading.Thread(target=self._watch, name="bubo-watchdog", daemon=True)

    def start(self, connection: socket.socket) -> None:
        """Begins to watch; something is waited for."""
        self._socket = connection
        self.wake()
        self._thread.start()

    def wake(self) -> None:
        """The time begins anew: something is waited for."""
        with self._change:
            self._deadline = time.monotonic() + self._timeout_s
            self._change.notify()

    def rest(self) -> None:
        """Nothing is waited for."""
        with self._change:
            self._deadline = None

    def end(self) -> None:
        """Watches no longer."""
        with self._change:
            self._over = True
            self._change.notify()
        if self._thread.ident is not None:  # it was started
            self._thread.join()

    def _watch(self) -> None:
        with self._change:
            while not self._over:
                now = time.monotonic()
                if self._stop is not None and self._stop.is_set():
                    return self._bite("stopped")
                if self._deadline is not None and now >= self._deadline:
                    return self._bite("silent")
                left = self._timeout_s if self._deadline is None else self._deadline - now
                self._change.wait(left if self._stop is None else min(left, _STOP_S))

    def _bite(self, why: str) -> None:
        self.bit = why
        if self._socket is not None:
            with contextlib.suppress(OSError):  # closed already
                # the plain socket below a secure one: its own shutdown is not for a second thread
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
