"""All answers of a server that are being computed: who is next, who is stopped, and who is over."""

import logging
import threading
import time
from collections.abc import Callable

from bubo.server.conversations import ConversationStore
from bubo.server.engine import Engine
from bubo.server.fair_queue import FairQueue
from bubo.server.media_files import MediaStore
from bubo.server.metrics import Metrics
from bubo.server.problems import NotFoundError, Problem
from bubo.server.run import Run, nothing
from bubo.server.settings import Limits

__all__ = ["Runs"]

# An engine that has not ended so long after it was stopped is left to itself, and its answer is closed.
_STOP_WITHIN_S = 0.7
_TICK_S = 0.05
_WAIT_FOR_MODEL_S = 0.2
_CLOSE_AGAIN_S = 2.0
_log = logging.getLogger(__name__)


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
        self._unclosed: list[tuple[Run, Callable[[Run], None]]] = []
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
            run.ending = "interrupted"
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
        abandon = run.abandon or nothing
        try:
            abandon(run)
        except Exception as error:  # such as of a database that is away
            _log.exception("A stopped run could not be closed: %s", type(error).__name__)
            with self._lock:
                self._unclosed.append((run, abandon))
        run.end()

    def _close_late(self) -> None:
        """Tries again to close the answers that could not be closed."""
        with self._lock:
            late, self._unclosed = self._unclosed, []
        for number, (run, abandon) in enumerate(late):
            try:
                abandon(run)
            except Exception:  # it was logged the first time
                with self._lock:
                    self._unclosed += late[number:]
                return

    def _keep(self) -> None:
        """Looks after the runs: sends what was held back, closes what does not stop, forgets what is over."""
        tried = time.monotonic()
        while not self._closing.wait(_TICK_S):
            now = time.monotonic()
            if self._unclosed and now - tried > _CLOSE_AGAIN_S:
                tried = now
                self._close_late()
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
