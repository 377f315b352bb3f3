"""The last step of `make nano`: a finished run becomes the folder that is shipped.

Usage: python -m bubo.train.ship RUN_FOLDER TARGET_FOLDER
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import torch

from bubo.errors import BuboError, StorageError, TrainError
from bubo.media import write_atomic
from bubo.models.bubo import BuboForConditionalGeneration, BuboProcessor

from .arrays import open_arrays
from .calibrate import calibrate, calibrate_verdict

STAGES = ("eyes", "ears", "language", "align", "instruct")
SIZE_LIMIT = 40_000_000


def ship(run: Path, target: Path) -> dict[str, Any]:
    """Copies the model and its vocabulary, chooses its thresholds, and sums up how it was trained.

    Returns:
        The summary, which is also written to ``report.json`` there.

    Raises:
        TrainError: a stage has not finished, or the weights are larger than the shipped limit.
        StorageError: a file cannot be written.
    """
    stages = {}
    for stage in STAGES:
        done = run / stage / "done.json"
        if not done.is_file():
            raise TrainError(
                f"stage {stage} of {run} has not finished (no {done}); run `make nano` to finish it"
            )
        stages[stage] = json.loads(done.read_text())
    model = run / "instruct" / "model"
    size = sum(path.stat().st_size for path in model.iterdir())
    if size > SIZE_LIMIT:
        raise TrainError(f"{model} holds {size / 1e6:.1f} MB, at most {SIZE_LIMIT / 1e6:.0f} MB are shipped")
    validation = run / "world" / "validation"
    processor = BuboProcessor.from_pretrained(model, local_files_only=True)
    thresholds = _choose_thresholds(model, processor, validation)
    report = {"size_bytes": size, "thresholds": thresholds, "stages": stages}
    try:
        _replace(model, target / "model")
    except OSError as error:
        raise StorageError(
            f"Cannot write {target / 'model'}: {error.strerror}. Make room, and again."
        ) from error
    write_atomic(target / "vocabulary.json", (validation / "vocabulary.json").read_bytes())
    for path, content in (
        (target / "grounding.json", thresholds),
        (target / "report.json", report),
        (run / "shipped.json", {"target": str(target), "size_bytes": size}),
    ):
        write_atomic(path, json.dumps(content, indent=1).encode() + b"\n")
    return report


def _choose_thresholds(model: Path, processor: BuboProcessor, validation: Path) -> dict[str, float]:
    bubo = BuboForConditionalGeneration.from_pretrained(model, dtype=torch.float32)
    towers = (bubo.model.vision_tower, bubo.model.audio_tower)
    thresholds = calibrate(open_arrays(validation), *towers)
    return thresholds | calibrate_verdict(validation, *towers, processor, thresholds)


def _replace(source: Path, target: Path) -> None:
    """Copy a folder, readable to all, to where an older one may be; that one goes when the copy is whole."""
    fresh, old = target.with_name(f"{target.name}.new"), target.with_name(f"{target.name}.old")
    for rest in (fresh, old):
        shutil.rmtree(rest, ignore_errors=True)
    shutil.copytree(source, fresh)
    for path in fresh.iterdir():
        path.chmod(0o644)
    if target.is_dir():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def main(arguments: list[str]) -> int:
    """Command line: RUN_FOLDER TARGET_FOLDER."""
    if len(arguments) != 2:
        sys.stderr.write("usage: python -m bubo.train.ship RUN_FOLDER TARGET_FOLDER\n")
        return 2
    try:
        report = ship(Path(arguments[0]), Path(arguments[1]))
    except BuboError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stderr.write(f"shipped {report['size_bytes'] / 1e6:.1f} MB to {arguments[1]}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
