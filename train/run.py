"""One stage from start to end: claim the folder, build the job, train or resume, evaluate, save the model."""

from __future__ import annotations

import logging
import os
import platform
import shutil
import time
from collections.abc import Callable
from importlib import metadata
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # training never asks the network for anything

import torch
import transformers
from huggingface_hub.errors import StrictDataclassError
from transformers import set_seed

from bubo.errors import BuboError, ConfigError, StorageError, TrainError

from .checkpoint import checkpoints, clock_of
from .config import CONFIG_FILE, RunConfig, check_inputs, digest
from .curves import draw_curves
from .folder import CURVES_FILE, LOG_FILE, RunFolder
from .job import Job
from .progress import Flow, Progress, Stop, duration_text, figures_text
from .trainer import JobTrainer

logger = logging.getLogger("bubo.train")
Build = Callable[[RunConfig], Job]


class RunInterrupted(TrainError):
    """The run was asked to stop and has saved a checkpoint."""


def run(
    config: RunConfig, *, restart: bool = False, build: Build | None = None, progress: bool = True
) -> dict[str, Any]:
    """Train one stage; resumes by itself, and returns at once when the run has finished before.

    Args:
        config: what to do.
        restart: delete an earlier run in `config.output_dir`.
        build: makes the job; the default is `stages.build`.
        progress: show a bar, or lines where stderr is no terminal.

    Returns:
        The content of `done.json`: figures, steps, seconds, versions.

    Raises:
        ConfigError: the folder holds another configuration, or inputs are missing.
        StorageError: the disk is full or cannot be written.
        RunInterrupted: Ctrl-C or SIGTERM; the checkpoint is saved.
        TrainError: the loss diverged or a checkpoint is broken.
    """
    check_inputs(config)
    folder = RunFolder(config)
    with folder.locked():
        folder.claim(restart=restart)
        finished = folder.done()
        if finished is not None:
            logger.info("%s is finished already; --restart trains it again", folder.path)
            return finished
        with folder.text_log(logger), Stop(logger) as stop:
            return _train(config, folder, stop, build, progress)


def _train(
    config: RunConfig, folder: RunFolder, stop: Stop, build: Build | None, progress: bool
) -> dict[str, Any]:
    """From the last checkpoint, if there is one, to the report."""
    job = build_job(config, build)
    found = checkpoints(folder.path)
    start_step, checkpoint = found[-1] if found else (0, None)
    folder.cut_log(start_step)
    trainer = JobTrainer(
        job,
        config,
        on_record=folder.append,
        start_step=start_step,
        clock=clock_of(checkpoint) if checkpoint else (0.0, 0.0),
        callbacks=[Flow(config, stop), *([Progress(config, logger)] if progress else [])],
    )
    _announce(config, job, trainer, start_step)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if trainer.state.global_step < config.steps:
        _curves(folder)
        raise RunInterrupted(
            f"stopped at step {trainer.state.global_step} of {config.steps}; the checkpoint is saved. "
            f"To go on: bubo train {folder.path / CONFIG_FILE}"
        )
    return _finish(config, folder, job, trainer)


def build_job(config: RunConfig, build: Build | None = None) -> Job:
    """The job of `config`, its weights drawn from `config.seed`.

    Raises:
        ConfigError: the stage is unknown, or its options do not go together.
    """
    if build is None:
        from .stages import build as stage_build

        build = stage_build
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    set_seed(config.seed)
    try:
        return build(config)
    except BuboError:
        raise
    except (ValueError, StrictDataclassError) as error:  # model configurations check themselves
        reason = error.__cause__ or error
        raise ConfigError(f"the options of stage {config.stage!r} do not fit its model: {reason}") from error


def count_parameters(job: Job) -> tuple[int, int]:
    """(all, trained) parameters of a job's model; shared ones count once."""
    frozen = tuple(prefix for prefix, factor in job.param_groups if factor == 0)
    sizes = [
        (p.numel(), p.requires_grad and not (frozen and name.startswith(frozen)))
        for name, p in job.model.named_parameters()
    ]
    return sum(size for size, _ in sizes), sum(size for size, trained in sizes if trained)


def _finish(config: RunConfig, folder: RunFolder, job: Job, trainer: JobTrainer) -> dict[str, Any]:
    """Closing evaluation, product, curves, report."""
    metrics: dict[str, float] = {}
    if job.eval_set is not None or job.evaluate is not None:
        step, metrics = trainer.last_evaluation
        if step != config.steps:
            metrics = trainer.evaluate()
    trainer.accelerator.free_memory()
    job.model.eval()
    _save_product(job, folder)
    _curves(folder)
    wall, cpu = trainer.seconds()
    figures = {name.removeprefix("eval_"): value for name, value in metrics.items() if name != "eval_seconds"}
    report: dict[str, Any] = {
        "stage": config.stage,
        "steps": config.steps,
        "seconds": round(wall, 1),
        "cpu_seconds": round(cpu, 1),
        "figures": figures,
        "parameters": dict(zip(("all", "trained"), count_parameters(job), strict=True)),
        "device": str(trainer.args.device),
        "threads": torch.get_num_threads(),
        "bf16": trainer.dtype is not None,
        "config": digest(config),
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "versions": {
            "bubo": metadata.version("bubo"),
            "python": platform.python_version(),
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        },
    }
    folder.finish(report)
    logger.info("finished %s in %s: %s", config.stage, duration_text(wall), figures_text(figures))
    return report


def _save_product(job: Job, folder: RunFolder) -> None:
    """`job.save` into a new folder that takes its place only when complete."""
    temporary = folder.path / f"{folder.product.name}.incomplete"
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        job.save(job.model, temporary)
        shutil.rmtree(folder.product, ignore_errors=True)
        temporary.rename(folder.product)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise StorageError(
            f"cannot write the trained model {folder.product}: {error.strerror or error}. Training is done "
            "and its last checkpoint is kept: free some space and run the same command again"
        ) from error


def _announce(config: RunConfig, job: Job, trainer: JobTrainer, start_step: int) -> None:
    """One line before the first step."""
    total, trained = count_parameters(job)
    logger.info(
        "%s %s at step %d of %d: %s parameters (%s trained), %d items, batch %d x %d, %s %s, %d threads",
        "resuming" if start_step else "starting",
        config.stage,
        start_step,
        config.steps,
        f"{total:,}",
        f"{trained:,}",
        len(job.train_set),
        config.batch_size,
        config.grad_accumulation,
        trainer.args.device,
        "bfloat16" if trainer.dtype else "float32",
        torch.get_num_threads(),
    )


def _curves(folder: RunFolder) -> None:
    """Draw the curves; a training is not lost for want of a picture."""
    try:
        draw_curves(folder.path / LOG_FILE, folder.path / CURVES_FILE, title=folder.config.stage)
    except (ImportError, OSError) as error:
        logger.warning("no curves drawn: %s", error)
