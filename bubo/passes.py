"""Who computes next: one pass at a time, first come, first served; items that wait at once share a pass.

There is no thread of its own behind it. A thread that comes while nobody computes leads: it computes for all
that wait with it, hands out their results, and lets the longest waiting one lead next. A thread that does not
come back is in no later pass, and nobody waits for it longer than a pass takes.
"""

import logging
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from bubo.errors import BuboError

__all__ = ["Passes", "fail_alone"]

logger = logging.getLogger(__name__)
Item = TypeVar("Item")
Result = TypeVar("Result")
Value = TypeVar("Value")


def fail_alone(
    run: Callable[[list[Item]], Sequence[Result]],
) -> Callable[[list[Item]], Sequence[Result | Exception]]:
    """`run` for `Passes`: where it fails for several items, each is computed alone and has its own error."""

    def attempt(items: list[Item]) -> Sequence[Result | Exception]:
        try:
            return run(items)
        except Exception as error:
            if len(items) == 1:
                return [error]
            logger.warning("A shared pass failed, its %d items go one by one: %s", len(items), error)
        return [result for item in items for result in attempt([item])]

    return attempt


def _held_lock() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(eq=False)
class _Ticket:
    """A place in the line.

    Fields:
        item: What to compute in a shared pass.
        member: Who asks, for passes that wait for those of the pass before.
        work: What to compute alone instead.
        woken: Held until the ticket is served or may lead.
        leads: Whether its thread is the one that computes.
        result: What came of it.
        error: What went wrong instead.
    """

    item: Any = None
    member: Hashable = None
    work: Callable[[], Any] | None = None
    woken: threading.Lock = field(default_factory=_held_lock)
    leads: bool = False
    result: Any = None
    error: BaseException | None = None


class Passes(Generic[Item, Result]):
    """A line before something that only one thread may use at a time.

    Args:
        run: Computes the results of some items, in their order; an item that fails gets its exception as
            result. An exception that it raises itself goes to all of them.
        most: Most items of a pass.
        patience_s: Most seconds that a shared pass waits for the members of the one before, if they are not
            there yet; it never waits longer than that one took.
        weigh: How much of a pass an item takes; the items of a pass are no more than 1 together, unless the
            first one is by itself. Without it they weigh nothing.
        alike: What the items of a pass must have in common with the first one, such as a shape.

    Raises:
        ValueError: If a pass would have room for nothing.
    """

    def __init__(
        self,
        run: Callable[[list[Item]], Sequence[Result | Exception]],
        most: int,
        patience_s: float = 0.0,
        weigh: Callable[[Item], float] = lambda item: 0.0,
        alike: Callable[[Item], Hashable] = lambda item: None,
    ):
        if most < 1:
            raise ValueError(f"A pass takes {most} items; give a number of at least 1.")
        self._run = run
        self._alike = alike
        self._weigh = weigh
        self._most = most
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._line: list[_Ticket] = []
        self._busy = False
        self._expected: set[Hashable] = set()
        self._complete: threading.Lock | None = None  # while a leader waits for the expected ones
        self._took_s = 0.0

    def share(self, item: Item, member: Hashable = None) -> Result:
        """The result of an item, computed in a pass with others that wait.

        Args:
            item: What to compute.
            member: Who asks; the next pass waits a little for it, until it leaves.
        """
        result: Result = self._wait(_Ticket(item=item, member=member))
        return result

    def alone(self, work: Callable[[], Value]) -> Value:
        """What `work` gives; nothing else is computed meanwhile."""
        result: Value = self._wait(_Ticket(work=work))
        return result

    def leave(self, member: Hashable) -> None:
        """This member will not come again: no pass waits for it."""
        with self._lock:
            self._expected.discard(member)
            self._tell_leader()

    def _wait(self, ticket: _Ticket) -> Any:
        with self._lock:
            self._line.append(ticket)
            if self._busy:
                self._tell_leader()
            else:
                self._busy = ticket.leads = True
        if not ticket.leads:
            try:
                ticket.woken.acquire()
            except BaseException:  # such as a KeyboardInterrupt
                self._withdraw(ticket)
                raise
        if ticket.leads:
            self._lead(ticket)
        if ticket.error is not None:
            raise ticket.error
        return ticket.result

    def _lead(self, ticket: _Ticket) -> None:
        taken = [ticket]
        try:
            if ticket.work is not None:
                ticket.result = ticket.work()
            else:
                self._gather(taken)
                self._serve(taken)
        except Exception as error:
            for one in taken:
                one.error = error
        except BaseException:  # the leader's thread is to end; the others must hear of it
            for one in taken:
                one.error = BuboError("The computing was interrupted; ask again.")
            raise
        finally:
            for one in taken:
                if one is not ticket:
                    one.woken.release()
            self._hand_over(taken)

    def _serve(self, taken: list[_Ticket]) -> None:
        started = time.perf_counter()
        results = self._run([ticket.item for ticket in taken])
        self._took_s = time.perf_counter() - started
        for ticket, result in zip(taken, results, strict=True):
            if isinstance(result, Exception):
                ticket.error = result
            else:
                ticket.result = result

    def _gather(self, taken: list[_Ticket]) -> None:
        """Puts the next shared pass together, once the members of the last one have come or time is up."""
        patience_s = min(self._patience_s, self._took_s)
        with self._lock:
            if patience_s > 0 and not self._is_complete():
                self._complete = _held_lock()
        if self._complete is not None:
            try:
                self._complete.acquire(timeout=patience_s)
            finally:
                with self._lock:
                    self._complete = None
        with self._lock:
            taken[:] = self._fitting([ticket for ticket in self._line if ticket.work is None])
            self._line = [ticket for ticket in self._line if ticket not in taken]
            self._expected = {ticket.member for ticket in taken} - {None}

    def _fitting(self, waiting: Sequence[_Ticket]) -> list[_Ticket]:
        """Those for the next pass: the first, and whoever is like it and has room beside those before."""
        taken: list[_Ticket] = []
        room = 1.0
        kind = self._alike(waiting[0].item)
        for ticket in waiting:
            if len(taken) == self._most:
                break
            weight = self._weigh(ticket.item)
            if (weight <= room or not taken) and self._alike(ticket.item) == kind:
                taken.append(ticket)
                room -= weight
        return taken

    def _is_complete(self) -> bool:
        return self._expected <= {ticket.member for ticket in self._line}

    def _tell_leader(self) -> None:
        if self._complete is not None and self._is_complete() and self._complete.locked():
            self._complete.release()

    def _hand_over(self, served: Sequence[_Ticket]) -> None:
        with self._lock:
            self._line = [ticket for ticket in self._line if ticket not in served]
            if self._line:
                self._line[0].leads = True
                self._line[0].woken.release()
            else:
                self._busy = False

    def _withdraw(self, ticket: _Ticket) -> None:
        with self._lock:
            if ticket in self._line:
                self._line.remove(ticket)
        if ticket.leads:
            self._hand_over([ticket])
