"""Work of one request: it waits for its turn, and ends when nobody waits for it any more."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from starlette.requests import Request

from bubo.server.problems import Problem
from bubo.server.run import Run
from bubo.server.runs import Runs
from bubo.stopping import Stopped, stoppable

__all__ = ["compute", "wait_for"]

Value = TypeVar("Value")

_LOOK_S = 0.5


async def compute(
    request: Request, runs: Runs, owner: str, work: Callable[[], Value], *, brief: bool = False
) -> Value:
    """What `work` gives, once it is its turn.

    Args:
        request: Who waits for it.
        runs: Where it waits.
        owner: Whose work it is.
        work: What to do, in a thread of its own.
        brief: See `Run`.

    Raises:
        Problem: 429 if too many wait; 503 if it was stopped, as the client went away or the server ends.
        Exception: Whatever `work` raises.
    """
    done: list[Value] = []
    failed: list[Exception] = []

    def run_work(run: Run) -> None:
        try:
            with stoppable(run.stop.is_set):
                done.append(work())
        except Stopped:
            pass
        except Exception as error:
            failed.append(error)

    run = Run(owner, run_work, page=False, brief=brief)
    runs.start(run, wait=True)
    await wait_for(request, runs, run)
    if failed:
        raise failed[0]
    if run.failure is not None:
        raise run.failure
    if not done:
        raise Problem(503, "It was stopped before it was done; try again.", "stopped", retryable=True)
    return done[0]


async def wait_for(request: Request, runs: Runs, run: Run) -> None:
    """Waits for the end of a run. Whoever goes away before has it stopped."""
    waiting = asyncio.ensure_future(run.wait())
    try:
        while not (await asyncio.wait([waiting], timeout=_LOOK_S))[0]:
            if await request.is_disconnected():
                break
    finally:
        waiting.cancel()
        if not run.ended:
            runs.stop(run)
