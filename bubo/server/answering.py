"""One answer on its way: from an engine's events to the chunks that clients read and the row that is kept."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bubo.errors import BuboError, InputError, SpeakerError
from bubo.server.blocks import BlockTree
from bubo.server.engine import Engine
from bubo.server.metrics import Metrics
from bubo.server.problems import Problem
from bubo.server.run import Run
from bubo.server.settings import Limits
from bubo.server.wire import GroundingWriter
from bubo.settings import Settings
from bubo.types import Answer, Turn

if TYPE_CHECKING:
    from bubo.assistant import Event

__all__ = ["MAX_ANSWER", "Answering", "Plan", "Result", "settings_within"]

#: Longest answer, in characters; grounding and markdown take longer than the text grows.
MAX_ANSWER = 20_000
_UI_EVERY_S = 0.05
_SAVE_EVERY_S = 0.5
_log = logging.getLogger(__name__)


def settings_within(
    limits: Limits, max_tokens: int | None, temperature: float | None, **more: Any
) -> Settings:
    """How to answer, as it was asked for within the limits; what was not asked for is as usual."""
    usual = Settings()
    return Settings(
        max_new_tokens=min(max_tokens or usual.max_new_tokens, limits.max_tokens),
        temperature=usual.temperature if temperature is None else temperature,
        **more,
    )


@dataclass(frozen=True, eq=False)
class Result:
    """An answer as far as it has come.

    Args:
        status: running, complete, stopped, interrupted or error.
        text: What it says.
        grounding: What that stands on, as clients get it.
        answer: The whole answer, once it is complete.
        finish: "stop" or "length", once it has ended.
        timings: Seconds by step.
        tokens_in: Tokens of the question and all before it.
        tokens_out: Tokens of the answer.
        failure: What went wrong.
    """

    status: str
    text: str
    grounding: dict[str, Any]
    answer: Answer | None = None
    finish: str = "stop"
    timings: dict[str, float] = field(default_factory=dict)
    tokens_in: int = 0
    tokens_out: int = 0
    failure: Problem | None = None

    @property
    def tokens_per_s(self) -> float | None:
        """How fast it was written after its first token; None if that cannot be told."""
        seconds = self.timings.get("text_s", 0.0) - self.timings.get("first_token_s", 0.0)
        return round((self.tokens_out - 1) / seconds, 2) if self.tokens_out > 1 and seconds > 0 else None

    @property
    def usage(self) -> dict[str, Any]:
        """Tokens, as OpenAI's clients expect them."""
        return {
            "prompt_tokens": self.tokens_in,
            "completion_tokens": self.tokens_out,
            "total_tokens": self.tokens_in + self.tokens_out,
        }


@dataclass(frozen=True, eq=False)
class Plan:
    """What is to be answered, and how.

    Args:
        turns: Makes the conversation, whose last turn is the user's; called when it is its turn. It may raise
            a `Problem`.
        settings: How to answer.
        model: Name of the model, for the chunks.
        pictures: Ids of all pictures of the turns, in order; `turns` may still add to them.
        sounds: Ids of all sounds.
        corrected: Regions of earlier answers that a person has corrected, by their ids.
        grounding: Whether phrases are linked.
        threshold: Least score of regions and spans.
        ui: Whether the text is also sent as blocks.
        page: Whether clients get status and timings, as our page does.
        save: Writes down what there is, and gives what the last chunk is to hold besides.
    """

    turns: Callable[[], Sequence[Turn]]
    settings: Settings
    model: str
    pictures: Sequence[str] = ()
    sounds: Sequence[str] = ()
    corrected: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    grounding: bool = True
    threshold: float | None = None
    ui: bool = True
    page: bool = True
    save: Callable[[Result], dict[str, Any]] = lambda result: {}


class Answering:
    """Computes a plan within a run. `run` is called by the run's thread, `tick` and `abandon` by others.

    Args:
        plan: What to answer.
        engine: Who answers.
        metrics: What counts.
        id: The completion's id in the chunks.
    """

    def __init__(self, plan: Plan, engine: Engine, metrics: Metrics, id: str):
        self.plan, self.engine, self.metrics, self.id = plan, engine, metrics, id
        self.result: Result | None = None
        self.created = int(time.time())
        self._asked = time.monotonic()
        self._saved = self._shown = self._asked
        self._text = ""
        self._pieces = 0
        self._full = False
        self._answer: Answer | None = None
        self._grounding = GroundingWriter(plan.pictures, plan.sounds, plan.corrected)
        self._tree = BlockTree() if plan.ui else None
        self._lock = threading.RLock()

    def run(self, run: Run) -> None:
        """Answers, and closes the answer."""
        self._send(run, {"role": "assistant", "content": ""}, status="encoding")
        finish = "stop"
        plan = self.plan
        try:
            turns = plan.turns()  # media are decoded now, not while they wait; only then all have their ids
            self._grounding = GroundingWriter(plan.pictures, plan.sounds, plan.corrected)
            events = self.engine.stream(
                turns,
                plan.settings,
                stop=run.stop,
                grounding=plan.grounding,
                threshold=plan.threshold,
            )
            for event in events:
                if run.ended or not self._take(run, event):
                    break
            if self._full or (self._answer is not None and self._answer.metadata.get("finish") == "length"):
                finish = "length"
        except Exception as error:
            self._close(run, "error", failure=_problem(error))
            return
        ending = None if self._answer is None else self._answer.metadata.get("finish")
        stopped = run.stop.is_set() and ending in (None, "stopped")
        self._close(run, run.ending if stopped else "complete", finish)

    def tick(self, run: Run) -> None:
        """Sends blocks that were held back, if it is time."""
        with self._lock:
            if self.result is None and time.monotonic() - self._shown >= _UI_EVERY_S:
                self._send_blocks(run)

    def abandon(self, run: Run) -> None:
        """Closes the answer with what there is."""
        failure = run.failure
        self._close(run, run.ending if failure is None else "error", failure=failure)

    def _take(self, run: Run, event: "Event") -> bool:
        """One event of the engine; False if the answer is to end here."""
        with self._lock:
            if self.result is not None:
                return False
            going = True
            if event.kind == "text":
                going = self._say(run, event.text)
            elif event.entity is not None:
                self._grounding.add_entity(event.entity)
            elif event.link is not None:
                self._grounding.add_link(event.link)
            elif event.verdict is not None:
                self._grounding.add_verdict(event.verdict)
            elif event.answer is not None:
                self._answer = event.answer
            if event.kind != "answer":
                self._flush(run)
            if time.monotonic() - self._saved >= _SAVE_EVERY_S:
                self._saved = time.monotonic()
                self.plan.save(self._state("running"))
            return going

    def _say(self, run: Run, piece: str) -> bool:
        """Sends text; False if the answer is full."""
        if not self._pieces:
            self.metrics.first_token(time.monotonic() - self._asked)
        self._pieces += 1
        room = MAX_ANSWER - len(self._text)
        if piece[:room]:
            self._text += piece[:room]
            self._send(run, {"content": piece[:room]})
        self._full = len(piece) > room
        return not self._full

    def _flush(self, run: Run) -> None:
        """Sends news of the grounding, and the blocks if it is time."""
        news = self._grounding.news(len(self._text))
        if news:
            self._send(run, grounding=news)
        if time.monotonic() - self._shown >= _UI_EVERY_S:
            self._send_blocks(run)

    def _send_blocks(self, run: Run) -> None:
        if self._tree is None:
            return
        change = self._tree.update(self._text, self._grounding.links(len(self._text)))
        if change is not None:
            self._shown = time.monotonic()
            self._send(run, ui=change)

    def _close(self, run: Run, status: str, finish: str = "stop", failure: Problem | None = None) -> None:
        """Settles the answer, writes it down, and says so. Only the first call that can does anything."""
        with self._lock:
            if self.result is not None:
                return
            if status == "interrupted" and not self.plan.page:  # a program cannot see it otherwise
                failure = failure or cut_off()
            whole = self._answer if self._answer is not None and self._answer.text == self._text else None
            self._grounding.finish(whole)
            self._flush(run)
            self._send_blocks(run)
            result = self._state(status, whole, finish, failure)
            extra = self.plan.save(result)  # where it cannot be written, whoever closes it again tries again
            self.result = result
            self.metrics.answer(status, result.tokens_in, result.tokens_out, result.timings)
            if self.plan.page:
                extra = extra | {"timings": result.timings, "usage": result.usage}
                if status == "stopped":
                    extra["status"] = {"state": "stopped"}
            if failure is not None:
                run.failure = run.failure or failure
                run.send(failure.body() | ({"message": extra["message"]} if "message" in extra else {}))
            else:
                self._send(run, {}, finish=finish, **extra)
        run.end()

    def _state(
        self,
        status: str,
        whole: Answer | None = None,
        finish: str = "stop",
        failure: Problem | None = None,
    ) -> Result:
        metadata = {} if self._answer is None else self._answer.metadata
        total = {"total_s": round(time.monotonic() - self._asked, 5)}
        return Result(
            status,
            self._text,
            self._grounding.whole(len(self._text)),
            whole,
            finish,
            total if self._answer is None else dict(self._answer.timings),
            int(metadata.get("tokens_fed", 0)) + int(metadata.get("tokens_reused", 0)),
            int(metadata.get("tokens_generated", self._pieces)),
            failure,
        )

    def _send(
        self, run: Run, delta: dict[str, Any] | None = None, *, finish: str | None = None, **extra: Any
    ) -> None:
        if isinstance(extra.get("status"), str):
            extra["status"] = {"state": extra["status"]}
        if not self.plan.page:
            extra.pop("status", None)
        run.send(
            {
                "id": self.id,
                "object": "chat.completion.chunk",
                "created": self.created,
                "model": self.plan.model,
                "choices": [{"index": 0, "delta": delta or {}, "finish_reason": finish}],
                **extra,
            }
        )


def cut_off() -> Problem:
    """What a program is told whose answer is not whole."""
    return Problem(503, "The answer was stopped before it was whole.", "stopped", retryable=True)


def _problem(error: Exception) -> Problem:
    """What a reader is told when an engine fails."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, InputError):
        return Problem(400, str(error), "invalid_input")
    if isinstance(error, SpeakerError):
        return Problem(502, str(error), "speaker_failed", retryable=True)
    if isinstance(error, BuboError):
        return Problem(500, str(error), "model_failed", retryable=True)
    _log.error("An answer failed: %s", type(error).__name__, exc_info=error)
    return Problem(500, "The answer broke off: the model failed. Ask again.", "model_failed", retryable=True)
