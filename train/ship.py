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

from bubo.errors import TrainError
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
    fresh = target / "model.new"
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(model, fresh)
    shutil.rmtree(target / "model", ignore_errors=True)
    fresh.rename(target / "model")
    shutil.copyfile(run / "world" / "train" / "vocabulary.json", target / "vocabulary.json")
    bubo = BuboForConditionalGeneration.from_pretrained(target / "model", dtype=torch.float32)
    world = open_arrays(run / "world" / "validation")
    towers = (bubo.model.vision_tower, bubo.model.audio_tower)
    thresholds = calibrate(world, *towers)
    processor = BuboProcessor.from_pretrained(target / "model", local_files_only=True)
    thresholds |= calibrate_verdict(run / "world" / "validation", *towers, processor, thresholds)
    (target / "grounding.json").write_text(json.dumps(thresholds, indent=1) + "\n")
    report = {"size_bytes": size, "thresholds": thresholds, "stages": stages}
    (target / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    (run / "shipped.json").write_text(json.dumps({"target": str(target), "size_bytes": size}) + "\n")
    return report


def main(arguments: list[str]) -> int:
    """Command line: RUN_FOLDER TARGET_FOLDER."""
    if len(arguments) != 2:
        sys.stderr.write("usage: python -m bubo.train.ship RUN_FOLDER TARGET_FOLDER\n")
        return 2
    try:
        report = ship(Path(arguments[0]), Path(arguments[1]))
    except TrainError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stderr.write(f"shipped {report['size_bytes'] / 1e6:.1f} MB to {arguments[1]}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
