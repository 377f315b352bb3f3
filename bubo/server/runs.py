"""Answers that are being computed: each goes on whether or not anybody listens, and anybody may come late.

What a run says is kept as numbered events until some time after its end. A reader goes through that list at
its own pace and waits at its end; nothing is queued for it, so a slow one costs nobody anything. Blocks that
a later event replaces are taken out of the list: a late reader is not shown how they came to be.
"""

import asyncio
import contextlib
import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from bubo.server.conversations import ConversationStore
from bubo.server.engine import Engine
from bubo.server.fair_queue import FairQueue
from bubo.server.ids import new_id
from bubo.server.media_files import MediaStore
from bubo.server.metrics import Metrics
from bubo.server.problems import NotFoundError, Problem
from bubo.server.settings import Limits

__all__ = ["DONE", "Run", "Runs", "Work"]

#: Data of the event that ends every stream.
DONE = "[DONE]"
#: What computes: it says what it has with `Run.send` and ends soon after `Run.stop` is set.
Work = Callable[["Run"], None]

# An engine that has not ended so long after it was stopped is left to itself, and its answer is closed.
_STOP_WITHIN_S = 0.7
_TICK_S = 0.05
_WAIT_FOR_MODEL_S = 0.2
# Events that are given to a reader at once; a late one has thousands to catch up with.
_BATCH = 100
_log = logging.getLogger(__name__)


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
            self.work, self.abandon, self.tick = _nothing, None, None
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


def _nothing(_: Run) -> None:
    """What a run that has ended computes."""


def _json(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


class Runs:
    """All runs of a server, and the threads that compute them.

    Args:
        limits: How many may run and wait, and how long they are kept.
        conversations: Where answers are written to.
        media: What questions look at and listen to.
        engine: What answers.
        metrics: What counts.
    """

    def __init__(
        self,
        *,
        limits: Limits,
        conversations: ConversationStore,
        media: MediaStore,
        engine: Engine,
        metrics: Metrics,
    ):
        self.limits, self.conversations, self.media = limits, conversations, media
        self.engine, self.metrics = engine, metrics
        self._runs: dict[str, Run] = {}
        self._answers: FairQueue[Run] = FairQueue(limits.max_running, limits.running_per_owner, limits.queue)
        self._briefs: FairQueue[Run] = FairQueue(limits.max_pointing, limits.pointing_per_owner, limits.queue)
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._keeper: threading.Thread | None = None
        metrics.watch(self._count_running, self._count_waiting)

    def check_room(self, owner: str, *, wait: bool = False, brief: bool = False) -> None:
        """Refuses an owner who has enough answers on the way, and everyone when the queue is full.

        Args:
            owner: Who asks.
            wait: Whether the owner's surplus may wait in the queue.
            brief: See `Run`.

        Raises:
            Problem: 429, with the header Retry-After; 503 if the server is being shut down.
        """
        with self._lock:
            if self._closing.is_set():
                raise Problem(
                    503, "The server is being shut down; try again soon.", "closing", retryable=True
                )
            queue = self._briefs if brief else self._answers
            if queue.count(owner) >= queue.per_owner and not wait:
                self.metrics.refused("too_many_running")
                raise Problem(
                    429,
                    f"You have {queue.count(owner)} answers on the way, and at most {queue.per_owner} "
                    "are computed at once: wait for one, or stop it.",
                    "too_many_running",
                    retryable=True,
                    headers={"Retry-After": "2"},
                )
            if not queue.has_room(owner):
                self.metrics.refused("queue_full")
                own = queue.count(owner)
                raise Problem(
                    429,
                    f"{queue.num_waiting} requests are waiting already"
                    + (f", and {own} of yours are on the way" if own else "")
                    + "; try again in a few seconds.",
                    "queue_full",
                    retryable=True,
                    headers={"Retry-After": "5"},
                )

    def start(self, run: Run, *, wait: bool = False) -> None:
        """Lets a run compute as soon as it is its turn.

        Raises:
            Problem: See `check_room`.
        """
        with self._lock:
            self.check_room(run.owner, wait=wait, brief=run.brief)
            self._runs[run.id] = run
            self._queue_of(run).add(run.owner, run)
            if self._keeper is None:
                self._keeper = threading.Thread(target=self._keep, name="runs", daemon=True)
                self._keeper.start()
        self._start_next()

    def get(self, owner: str, run_id: str) -> Run:
        """A run that is going on, or has ended not long ago.

        Raises:
            NotFoundError: If it is unknown, over for long, or another owner's.
        """
        run = self._runs.get(run_id)
        if run is None or run.owner != owner:
            raise NotFoundError("answer in progress")
        return run

    def stop(self, run: Run) -> None:
        """Ends a run; what it has said stays."""
        if run.stopped_at is None:
            run.stopped_at = time.monotonic()
        run.stop.set()
        with self._lock:
            waited = self._queue_of(run).remove(run.owner, run)
        if waited:
            self._abandon(run)
            self._start_next()

    def close(self) -> None:
        """Stops all runs and waits for them, not for long."""
        with self._lock:  # whoever starts a run has it: none comes afterwards
            self._closing.set()
            runs = [run for run in self._runs.values() if not run.ended]
        for run in runs:
            self.stop(run)
        until = time.monotonic() + 2 * _STOP_WITHIN_S
        while any(not run.ended for run in runs) and time.monotonic() < until:
            time.sleep(0.01)
        for run in runs:
            if not run.ended:
                self._abandon(run)

    def _queue_of(self, run: Run) -> FairQueue[Run]:
        return self._briefs if run.brief else self._answers

    def _start_next(self) -> None:
        """Starts what may start, and tells those who wait where they stand."""
        with self._lock:
            for queue in (self._answers, self._briefs):
                while (run := queue.start()) is not None:
                    run.position = 0
                    threading.Thread(target=self._compute, args=(run,), name=run.id, daemon=True).start()
                for position, waiting in enumerate(queue.waiting(), 1):
                    if waiting.position != position:
                        waiting.position = position
                        waiting.tell(state="queued", position=position)

    def _compute(self, run: Run) -> None:
        try:
            if self._wait_for_model(run):
                run.work(run)
            elif run.stop.is_set():
                self._abandon(run)
        except Exception as error:
            _log.exception("A run failed: %s", type(error).__name__)
            run.fail(Problem(500, "The answer failed; ask again.", "server_error", retryable=True))
            self._abandon(run)
        finally:
            run.end()
            with self._lock:
                self._queue_of(run).end(run.owner)
            self._start_next()

    def _wait_for_model(self, run: Run) -> bool:
        """Waits until the model is loaded; False if it cannot be, or the run was stopped meanwhile."""
        if self.engine.state == "loading":
            run.tell(state="loading")
        while self.engine.state == "loading":
            if run.stop.wait(_WAIT_FOR_MODEL_S):
                return False
        if self.engine.state == "failed":
            run.fail(Problem(503, self.engine.message or "The model cannot be loaded.", "model_failed"))
            self._abandon(run)
            return False
        return not run.stop.is_set()

    def _abandon(self, run: Run) -> None:
        """Closes a run that does not end by itself, with what it has said."""
        abandon = run.abandon
        try:
            if abandon is not None:
                abandon(run)
        except Exception as error:
            _log.exception("A stopped run could not be closed: %s", type(error).__name__)
        run.end()

    def _keep(self) -> None:
        """Looks after the runs: sends what was held back, closes what does not stop, forgets what is over."""
        while not self._closing.wait(_TICK_S):
            now = time.monotonic()
            for run in list(self._runs.values()):
                if run.ended_at is not None:
                    if not run.page or now - run.ended_at > self.limits.run_kept_s:
                        self._runs.pop(run.id, None)
                elif run.stopped_at is not None:
                    if now - run.stopped_at > _STOP_WITHIN_S:
                        self._abandon(run)
                elif (tick := run.tick) is not None:
                    try:
                        tick(run)
                    except Exception as error:  # of one answer; this thread looks after all of them
                        _log.exception("What was held back of a run cannot be sent: %s", type(error).__name__)
                        self.stop(run)

    def _count_running(self) -> int:
        with self._lock:
            return self._answers.num_running

    def _count_waiting(self) -> int:
        with self._lock:
            return self._answers.num_waiting
