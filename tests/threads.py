"""Functions that run at the same time, for tests."""

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Runs functions in threads; gives what each returned or raised."""
    results: list[Any] = [None] * len(works)

    def run(number: int, work: Callable[[], Any]) -> None:
        try:
            results[number] = work()
        except BaseException as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not any(thread.is_alive() for thread in threads), "a thread hangs"
    return results


class Held:
    """Counts the items of each pass, and holds the first pass until the others wait."""

    def __init__(self, run: Callable[[Any], Any]):
        self.run, self.sizes = run, list[int]()
        self.entered, self.gate = threading.Event(), threading.Event()

    def __call__(self, items: Any) -> Any:
        self.sizes.append(len(items))
        if len(self.sizes) == 1:
            self.entered.set()
            assert self.gate.wait(60)
        return self.run(items)


def together(passes: Any, *works: Callable[[], Any]) -> tuple[list[Any], list[int]]:
    """What functions return or raise that all ask `passes` while it serves the first one; items per pass."""
    passes._run = held = Held(passes._run)

    def later(work: Callable[[], Any]) -> Any:
        assert held.entered.wait(60)
        return work()

    def open_when_all_wait() -> None:
        end = time.monotonic() + 60
        while len(passes._line) < len(works) - 1 and time.monotonic() < end:
            time.sleep(0.005)
        held.gate.set()

    others = [partial(later, work) for work in works[1:]]
    *results, _ = at_once(works[0], *others, partial(later, open_when_all_wait))
    passes._run = held.run
    return results, held.sizes
