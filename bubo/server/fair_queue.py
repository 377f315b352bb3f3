"""Who is next: owners take turns, however many questions each of them has."""

from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Generic, TypeVar

__all__ = ["FairQueue"]

Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """Waiting items of several owners. It has no lock of its own.

    Args:
        max_running: How many items may run at once.
        per_owner: How many of one owner.
        capacity: How many may wait.
    """

    def __init__(self, max_running: int, per_owner: int, capacity: int):
        self.max_running, self.per_owner, self.capacity = max_running, per_owner, capacity
        self._waiting: OrderedDict[str, deque[Item]] = OrderedDict()  # the owner whose turn it is first
        self._running: dict[str, int] = {}

    @property
    def num_waiting(self) -> int:
        """How many items wait."""
        return sum(map(len, self._waiting.values()))

    @property
    def num_running(self) -> int:
        """How many items run."""
        return sum(self._running.values())

    def has_room(self, owner: str) -> bool:
        """Whether one more item of an owner may come.

        An owner may have no more items waiting than there are places left for others: one alone has half of
        them, and somebody new finds a place until all are taken.
        """
        own = len(self._waiting.get(owner, ()))
        if not own and self.num_running < self.max_running and self._running.get(owner, 0) < self.per_owner:
            return True
        return own < self.capacity - self.num_waiting

    def count(self, owner: str) -> int:
        """How many items of an owner wait or run."""
        return len(self._waiting.get(owner, ())) + self._running.get(owner, 0)

    def add(self, owner: str, item: Item) -> None:
        """Lets an item wait, behind those of its owner."""
        self._waiting.setdefault(owner, deque()).append(item)

    def start(self) -> Item | None:
        """The next item that may run now; it counts as running until `end`."""
        if self.num_running >= self.max_running:
            return None
        for owner, items in self._waiting.items():
            if self._running.get(owner, 0) < self.per_owner:
                item = items.popleft()
                self._waiting.move_to_end(owner)
                if not items:
                    del self._waiting[owner]
                self._running[owner] = self._running.get(owner, 0) + 1
                return item
        return None

    def end(self, owner: str) -> None:
        """An item of the owner runs no more."""
        left = self._running[owner] - 1
        if left:
            self._running[owner] = left
        else:
            del self._running[owner]

    def remove(self, owner: str, item: Item) -> bool:
        """Takes an item out that waits; tells whether it did."""
        items = self._waiting.get(owner, deque())
        if item not in items:
            return False
        items.remove(item)
        if not items:
            del self._waiting[owner]
        return True

    def waiting(self) -> Iterator[Item]:
        """The items in the order in which they will start, if all take equally long."""
        rows = [list(items) for items in self._waiting.values()]
        for turn in range(max(map(len, rows), default=0)):
            for row in rows:
                if turn < len(row):
                    yield row[turn]
