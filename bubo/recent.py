"""What was worked out lately, kept for a while: the last few values by key."""

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

    def clear(self) -> None:
        """Forget all values."""
        self._values.clear()
