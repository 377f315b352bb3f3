"""What was worked out lately, kept for a while: the last few values by key."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """The values used last. Not locked: its owner decides what may run at the same time.

    Args:
        capacity: Most values kept.
        weigh: Bytes that a value takes now; values may grow while they are kept.
        budget: Most bytes kept in all, but for the value used last, which is always kept.
    """

    def __init__(self, capacity: int, weigh: Callable[[Value], int] | None = None, budget: int = 0):
        self.capacity = capacity
        self.weigh = weigh
        self.budget = budget
        self._values: OrderedDict[str, Value] = OrderedDict()

    def get(self, key: str, make: Callable[[], Value]) -> Value:
        """The value of `key`, made if it is not kept; those that were not used for longest make room."""
        if key not in self._values:
            self._values[key] = make()
        self._values.move_to_end(key)
        while len(self._values) > self.capacity:
            self._values.popitem(last=False)
        if self.weigh is not None:
            weights = [self.weigh(value) for value in self._values.values()]
            total = sum(weights)
            for weight in weights[:-1]:
                if total <= self.budget:
                    break
                self._values.popitem(last=False)
                total -= weight
        return self._values[key]

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def clear(self) -> None:
        """Forget all values."""
        self._values.clear()


class Shared(Generic[Value]):
    """The values used last, for several threads: of those that want the same one, one makes it.

    Values of different keys are made at the same time. Arguments are those of `Recent`.
    """

    def __init__(self, capacity: int, weigh: Callable[[Value], int] | None = None, budget: int = 0):
        self._recent: Recent[Value] = Recent(capacity, weigh, budget)
        self._lock = threading.Lock()
        self._making: dict[str, threading.Event] = {}
        self._cleared = 0

    def get(self, key: str, make: Callable[[], Value]) -> Value:
        """The value of `key`, made if it is not kept; if another thread makes it, this one waits for that."""
        while True:
            with self._lock:
                if key in self._recent:
                    return self._recent.get(key, make)
                made = self._making.get(key)
                if made is None:
                    made = self._making[key] = threading.Event()
                    cleared = self._cleared
                    break
            made.wait()
        try:
            value = make()
            with self._lock:
                return self._recent.get(key, lambda: value) if cleared == self._cleared else value
        finally:  # if it could not be made, one of those that wait tries
            with self._lock:
                del self._making[key]
            made.set()

    def clear(self) -> None:
        """Forget all values; those that are being made will not be kept."""
        with self._lock:
            self._recent.clear()
            self._cleared += 1
