"""What was worked out lately, kept for a while: the last few values by key."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """The values used last, up to `capacity`. Not locked: its owner decides what may run at the same time."""

    def __init__(self, capacity: int):
        self.capacity = capacity
        self._values: OrderedDict[str, Value] = OrderedDict()

    def get(self, key: str, make: Callable[[], Value]) -> Value:
        """The value of `key`, made if it is not kept; the one that was not used for longest makes room."""
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key]
        value = make()
        self._values[key] = value
        while len(self._values) > self.capacity:
            self._values.popitem(last=False)
        return value

    def clear(self) -> None:
        """Forget all values."""
        self._values.clear()
