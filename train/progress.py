"""What a person sees and can do while a run goes on: the bar, the time left, an orderly stop."""

from __future__ import annotations

import logging
import signal
import sys
import time
from types import FrameType, TracebackType
from typing import Any

from tqdm import tqdm
from transformers import TrainerCallback

from .config import RunConfig


class Stop:
    """Turns the first Ctrl-C or SIGTERM into a wish to stop; a second one acts at once."""

    def __init__(self, logger: logging.Logger) -> None:
        self.logger = logger
        self.wanted = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Stop:
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                self._before[number] = signal.signal(number, self._ask)
            except ValueError:  # not in the main thread: the caller's signals stay as they are
                break
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.wanted:
            raise KeyboardInterrupt
        self.wanted = True
        self.logger.warning("stopping after this step; once more stops at once, without a checkpoint")


class Flow(TrainerCallback):
    """Checkpoints by the clock, and an orderly stop."""

    def __init__(self, config: RunConfig, stop: Stop):
        self.config, self.stop, self.saved_at = config, stop, time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Ask for a checkpoint or the end where it is time."""
        minutes = self.config.save_minutes
        if minutes is not None and time.monotonic() - self.saved_at > 60 * minutes:
            control.should_save = True
        if self.stop.wanted:
            control.should_save = control.should_training_stop = True

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Start the clock of `save_minutes` anew."""
        self.saved_at = time.monotonic()


class Progress(TrainerCallback):
    """A bar with the time left on a terminal; elsewhere a line at each log entry."""

    def __init__(self, config: RunConfig, logger: logging.Logger) -> None:
        self.config, self.logger = config, logger
        self.bar: tqdm[Any] | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Open the bar."""
        self.started, self.first_step = time.monotonic(), state.global_step
        if sys.stderr.isatty():
            self.bar = tqdm(
                total=self.config.steps,
                initial=state.global_step,
                desc=self.config.stage,
                unit="step",
                dynamic_ncols=True,
                smoothing=0.05,
            )

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Move the bar."""
        if self.bar is not None:
            self.bar.update(state.global_step - self.bar.n)

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **kwargs: Any
    ) -> None:
        """Show the figures and the time left."""
        logs = logs or {}
        if self.bar is not None and "loss" in logs:
            self.bar.set_postfix_str(f"loss {logs['loss']:.4g}", refresh=False)
        done = state.global_step - self.first_step
        left = (time.monotonic() - self.started) / max(1, done) * (self.config.steps - state.global_step)
        line = (
            f"step {state.global_step}/{self.config.steps}  {figures_text(logs)}  left {duration_text(left)}"
        )
        self.logger.log(logging.DEBUG if self.bar is not None else logging.INFO, line)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Close the bar."""
        if self.bar is not None:
            self.bar.close()


def figures_text(values: dict[str, float]) -> str:
    """Name and value of each figure in one line."""
    return "  ".join(f"{name} {value:.4g}" for name, value in values.items())


def duration_text(seconds: float) -> str:
    """Seconds as m:ss or h:mm:ss."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
