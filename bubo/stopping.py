"""Ending long work from outside: who begins it says when it is over, and the work asks between its steps."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Stopped", "check_stop", "is_over", "stoppable"]

_here = threading.local()


class Stopped(Exception):
    """The work of this thread is to end. Caught by who called `stoppable`; no user sees it."""


@contextmanager
def stoppable(over: Callable[[], bool]) -> Iterator[None]:
    """Within this block, on this thread, `check_stop` raises `Stopped` once `over` says so."""
    before = getattr(_here, "over", None)
    _here.over = over
    try:
        yield
    finally:
        _here.over = before


def is_over() -> bool:
    """Whether the work of this thread is to end."""
    over: Callable[[], bool] | None = getattr(_here, "over", None)
    return over is not None and over()


def check_stop() -> None:
    """A place between two steps of long work where it may end.

    Raises:
        Stopped: If the work of this thread is to end.
    """
    if is_over():
        raise Stopped("it was stopped")
