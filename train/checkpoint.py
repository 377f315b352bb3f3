"""The checkpoints of a run folder: finding them and reading them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from bubo.errors import TrainError

CLOCK_FILE = "clock.json"  # seconds spent until the checkpoint


def checkpoints(folder: Path) -> list[tuple[int, Path]]:
    """(step, folder) of the complete checkpoints in a run folder, oldest first."""
    found = [(path.name.removeprefix("checkpoint-"), path) for path in folder.glob("checkpoint-*")]
    return sorted((int(step), path) for step, path in found if step.isdigit())


def clock_of(checkpoint: Path) -> tuple[float, float]:
    """(wall, CPU) seconds spent until a checkpoint."""
    with readable(str(checkpoint)):
        clock = json.loads((checkpoint / CLOCK_FILE).read_text())
        return float(clock["seconds"]), float(clock["cpu_seconds"])


@contextlib.contextmanager
def readable(checkpoint: str) -> Iterator[None]:
    """Whatever breaks while a checkpoint is read becomes one error that says what to do."""
    try:
        yield
    except TrainError as error:
        raise TrainError(f"the checkpoint {checkpoint} cannot be used: {error}") from error
    except Exception as error:
        raise TrainError(
            f"the checkpoint {checkpoint} cannot be read ({type(error).__name__}: {error}); delete "
            "that folder to resume from the one before, or start again with --restart"
        ) from error
