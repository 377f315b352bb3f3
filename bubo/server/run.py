"""An answer that is being computed: it goes on whether or not anybody listens, and anybody may come late.

What a run says is kept as numbered events until some time after its end. A reader goes through that list at
its own pace and waits at its end; nothing is queued for it, so a slow one costs nobody anything. Blocks that
a later event replaces are taken out of the list: a late reader is not shown how they came to be.
"""

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from bubo.server.ids import new_id
from bubo.server.problems import Problem

__all__ = ["DONE", "Run", "Work", "nothing"]

#: Data of the event that ends every stream.
DONE = "[DONE]"
#: What computes: it says what it has with `Run.send` and ends soon after `Run.stop` is set.
Work = Callable[["Run"], None]

# Events that are given to a reader at once; a late one has thousands to catch up with.
_BATCH = 100


class Run:
    """One answer and what it has said so far.

    Args:
        owner: Id of whose it is.
        work: What computes it.
        abandon: Closes the answer with what there is, called from another thread when `work` does not end.
        tick: Called every now and then from another thread, to send what was held back.
        page: Whether our page reads it: it is told how things stand, and is there for a while after its end.
        brief: Whether it takes a fraction of a second, and so stands in a queue without long answers.
    """

    def __init__(
        self,
        owner: str,
        work: Work,
        *,
        id: str = "",
        abandon: Callable[["Run"], None] | None = None,
        tick: Callable[["Run"], None] | None = None,
        page: bool = True,
        brief: bool = False,
    ):
        self.id = id or f"run_{new_id()}"
        self.owner = owner
        self.work, self.abandon, self.tick = work, abandon, tick
        self.page, self.brief = page, brief
        self.stop = threading.Event()
        self.stopped_at: float | None = None
        self.ending = "stopped"  # or "interrupted": the status of an answer that is ended before its end
        self.ended_at: float | None = None
        self.position = 0
        self.failure: Problem | None = None
        self._events: list[str] = []
        self._shown: list[tuple[int, dict[str, Any]]] = []  # events with blocks, each "from" above the last
        self._empty = ""
        self._lock = threading.Lock()
        self._readers: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}

    @property
    def ended(self) -> bool:
        """Whether nothing more is said."""
        return self.ended_at is not None

    @property
    def num_events(self) -> int:
        """How many events there are so far."""
        return len(self._events)

    def send(self, data: dict[str, Any]) -> None:
        """Says something; after the end it is not heard."""
        text = _json(data)
        with self._lock:
            if self.ended:
                return
            if "ui" in data:
                self._replace_blocks(data)
            self._events.append(text)
        self._wake()

    def tell(self, **status: Any) -> None:
        """Says how things stand, to our page."""
        if self.page:
            self.send({"status": status})

    def fail(self, problem: Problem) -> None:
        """Says what went wrong; `end` is still to be called."""
        self.failure = self.failure or problem
        self.send(problem.body())

    def end(self) -> None:
        """Nothing more will be said."""
        with self._lock:
            if self.ended:
                return
            self._events.append(DONE)
            self._shown.clear()
            self.ended_at = time.monotonic()
            # a run is kept for a while for its late readers, but not the pictures that it was computed from
            self.work, self.abandon, self.tick = nothing, None, None
        self._wake()

    def _replace_blocks(self, data: dict[str, Any]) -> None:
        """Takes blocks out of earlier events that this one replaces: who reads on comes to the same blocks.

        So all events together hold every block once, however long an answer was written at.
        """
        start = data["ui"]["from"]
        while self._shown and self._shown[-1][1]["ui"]["from"] >= start:
            number, earlier = self._shown.pop()
            self._events[number] = self._emptied(_json({k: v for k, v in earlier.items() if k != "ui"}))
        if self._shown:
            number, earlier = self._shown[-1]
            blocks = earlier["ui"]["blocks"][: start - earlier["ui"]["from"]]
            if len(blocks) < len(earlier["ui"]["blocks"]):
                earlier = earlier | {"ui": earlier["ui"] | {"blocks": blocks}}
                self._shown[-1] = (number, earlier)
                self._events[number] = _json(earlier)
        self._shown.append((len(self._events), data))

    def _emptied(self, text: str) -> str:
        """The text, and the same object for the same text: thousands of events may be left without blocks."""
        self._empty = self._empty if self._empty == text else text
        return self._empty

    async def follow(self, after: int = 0, ping_s: float = 15.0) -> AsyncIterator[list[tuple[int, str]]]:
        """The events behind number `after`, to the end, as many at a time as there are.

        Args:
            after: Number of the last event that is known; the first one is number 1. Who knows them
                all is given the last one again, so that every reader sees an end.
            ping_s: Seconds of silence after which an empty list is given.
        """
        news = asyncio.Event()
        self._readers[news] = asyncio.get_running_loop()
        with self._lock:
            number = min(max(0, after), len(self._events) - (1 if self.ended else 0))
        try:
            while True:
                news.clear()
                if batch := self._events[number : number + _BATCH]:
                    yield list(enumerate(batch, number + 1))
                    number += len(batch)
                elif self.ended:
                    return
                else:
                    try:
                        await asyncio.wait_for(news.wait(), ping_s)
                    except TimeoutError:
                        yield []
        finally:
            self._readers.pop(news, None)

    async def wait(self) -> None:
        """Waits for the end."""
        async for _ in self.follow(len(self._events)):
            pass

    def _wake(self) -> None:
        for news, loop in list(self._readers.items()):
            if not news.is_set():
                with contextlib.suppress(RuntimeError):  # its loop has ended, and so has the reader
                    loop.call_soon_threadsafe(news.set)


def nothing(_: Run) -> None:
    """What a run does that has nothing to do, such as one that has ended."""


def _json(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
