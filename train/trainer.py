"""`transformers.Trainer` for our jobs: exact resumption, atomic checkpoints, mean losses in a log.

What differs from the stock Trainer, and why:
- The order of the data is a pure function of (seed, step), so a resumed run starts its loader at the
  right item instead of skipping over old ones, and gets the same batches in the same order.
- The loader has its own generator and evaluation restores the random state, so neither disturbs dropout.
- A checkpoint is written beside its place and renamed when complete: a kill or a full disk leaves the last
  one intact.
- Autocast is entered here, the same way on CPU and GPU; weights stay in float32.
- Scalars are summed as tensors and read only when they are logged.
"""

from __future__ import annotations

import contextlib
import json
import math
import random
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader
from transformers import Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from bubo.errors import StorageError, TrainError

from .checkpoint import CLOCK_FILE, checkpoints, readable
from .config import RunConfig
from .job import ItemSet, Job
from .optim import MuonAdamW, autocast_dtype, learning_rate_factor, parameter_groups
from .order import EpochItems, Order

KEPT_CHECKPOINTS = 2
_WEIGHTS = "weights.pt"
# What is raised when a file cannot be written: torch reports a full disk as RuntimeError.
_WRITE_ERRORS = (OSError, RuntimeError)


def training_arguments(config: RunConfig) -> TrainingArguments:
    """The Trainer's arguments for `config`: no reports, no network, nothing that this module does itself."""
    arguments = TrainingArguments(
        output_dir=config.output_dir,
        max_steps=config.steps,
        per_device_train_batch_size=config.batch_size,
        gradient_accumulation_steps=config.grad_accumulation,
        learning_rate=config.optim.lr,
        max_grad_norm=config.optim.clip,
        seed=config.seed,
        use_cpu=not torch.cuda.is_available(),
        logging_strategy="steps",
        logging_steps=config.log_every,
        logging_nan_inf_filter=False,
        eval_strategy="no" if config.eval_every is None else "steps",
        eval_steps=config.eval_every,
        save_strategy="steps",
        save_steps=config.save_every or config.steps,
        ignore_data_skip=True,  # the loader starts at the right item by itself
        report_to="none",
        disable_tqdm=True,  # the progress bar is ours: it goes to stderr
        log_level="error",
    )
    arguments._n_gpu = min(
        arguments.n_gpu, 1
    )  # one device; the Trainer would spread over all with DataParallel
    return arguments


class JobTrainer(Trainer):
    """Trains a `Job`.

    Args:
        job: what to train.
        config: how.
        on_record: called with every log record (a flat dict with "step" and "seconds").
        start_step: step of the checkpoint that training will resume from, 0 for a new run.
        clock: (wall, CPU) seconds spent before.
        callbacks: more callbacks of transformers.
    """

    # Set by the Trainer, which is not typed.
    optimizer: Any
    lr_scheduler: Any
    control: Any

    def __init__(
        self,
        job: Job,
        config: RunConfig,
        *,
        on_record: Callable[[dict[str, Any]], None],
        start_step: int = 0,
        clock: tuple[float, float] = (0.0, 0.0),
        callbacks: list[TrainerCallback] | None = None,
    ):
        """See the class."""
        self.job, self.config, self.on_record, self.start_step = job, config, on_record, start_step
        config_before = _use_cache(job.model)
        super().__init__(
            model=job.model,
            args=training_arguments(config),
            data_collator=job.collate,
            train_dataset=EpochItems(job.train_set),
            eval_dataset=EpochItems(job.eval_set if job.eval_set is not None else job.train_set),  # not read
            callbacks=callbacks,
        )
        _use_cache(job.model, config_before)  # the Trainer writes it into the model's config, which we save
        self.remove_callback(PrinterCallback)
        self.last_evaluation: tuple[int, dict[str, float]] = (-1, {})
        self.model_accepts_loss_kwargs = False  # losses are means over a batch
        self.can_return_loss = True
        self.dtype = autocast_dtype(config, self.args.device)
        self._sums: dict[str, torch.Tensor] = {}
        self._num_summed = 0
        self._clock_before, self._clock_start = clock, (time.perf_counter(), time.process_time())
        self._last_record = (start_step, clock[0])

    # Data

    def get_train_dataloader(self) -> DataLoader[Any]:
        """The whole run as one pass, from `start_step` on."""
        config, accumulation = self.config, self.config.grad_accumulation
        order = Order(
            len(self.job.train_set),
            config.batch_size,
            config.steps * accumulation,
            config.seed,
            self.start_step * accumulation,
        )
        self._epoch_batches = order.batches_per_epoch
        return DataLoader(
            self.train_dataset,
            batch_sampler=order,
            collate_fn=self.job.collate,
            num_workers=config.data.workers,
            generator=torch.Generator().manual_seed(config.seed),  # leaves torch's own generator alone
        )

    # Optimization

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """Muon and AdamW over the job's parameter groups."""
        if self.optimizer is None:
            optim = self.config.optim
            groups = parameter_groups(self.job, optim)
            self.optimizer = MuonAdamW(groups, lr=optim.lr, betas=optim.betas)
        optimizer: torch.optim.Optimizer = self.optimizer
        return optimizer

    def create_scheduler(
        self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None
    ) -> torch.optim.lr_scheduler.LRScheduler:
        """Warm-up and decay of the configuration."""
        if self.lr_scheduler is None:
            self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(
                optimizer or self.optimizer, learning_rate_factor(self.config.optim, self.config.steps)
            )
            self._created_lr_scheduler = True
        scheduler: torch.optim.lr_scheduler.LRScheduler = self.lr_scheduler
        return scheduler

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """The numeric context of training and evaluation."""
        if self.dtype is None:
            return contextlib.nullcontext()
        return torch.autocast(self.args.device.type, dtype=self.dtype)

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """The model's own loss; its other scalars are summed for the log."""
        with self.autocast():
            outputs = model(**inputs)
        loss = outputs["loss"]
        for name, value in _scalars(outputs).items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value
        self._num_summed += 1
        return (loss, outputs) if return_outputs else loss

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """Not counted: the stock count walks over all parameters at every step."""
        return 0

    # Log

    def seconds(self) -> tuple[float, float]:
        """(wall, CPU) seconds spent on this run, earlier parts included."""
        wall, cpu = self._clock_start
        return (
            self._clock_before[0] + time.perf_counter() - wall,
            self._clock_before[1] + time.process_time() - cpu,
        )

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Turn the Trainer's entry plus the summed scalars into one record."""
        step, seconds = self.state.global_step, self.seconds()[0]
        if "loss" in logs and self._num_summed:
            means = {name: float(value) / self._num_summed for name, value in self._sums.items()}
            self._sums, self._num_summed = {}, 0
            last_step, last_seconds = self._last_record
            self._last_record = (step, seconds)
            logs = {
                **means,
                "learning_rate": logs["learning_rate"],
                "grad_norm": logs.get("grad_norm", 0.0),
                "steps_per_s": (step - last_step) / max(seconds - last_seconds, 1e-9),
                "epoch": step * self.config.grad_accumulation / self._epoch_batches,
            }
            if not math.isfinite(means["loss"]):
                raise self._diverged()
        elif not any(name.startswith("eval_") for name in logs):
            return  # the Trainer's closing summary
        record = {"step": step, "seconds": round(seconds, 2)}
        self.on_record({**record, **{name: _rounded(value) for name, value in logs.items()}})
        self.control = self.callback_handler.on_log(self.args, self.state, self.control, logs)

    def _diverged(self) -> TrainError:
        return TrainError(
            f"the loss is not a finite number by step {self.state.global_step}; the last checkpoint is kept. "
            "Lower `optim.lr`, lengthen `optim.warmup_steps` or set `bf16: false`, and start again "
            "with --restart"
        )

    # Evaluation

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Mean losses over the validation set and the job's own figures, under names that begin with "eval_".

        The random state afterwards is that from before, and each evaluation starts from the same one.
        """
        figures: dict[str, float] = {}
        started, model = time.perf_counter(), self.job.model
        was_training = model.training
        model.eval()
        with _random_state_kept(self.config.seed), torch.no_grad():
            if self.job.eval_set is not None:
                figures.update(self._mean_losses(self.job.eval_set))
            if self.job.evaluate is not None:
                with self.autocast():
                    figures.update(self.job.evaluate(model))
        model.train(was_training)
        figures["seconds"] = time.perf_counter() - started
        metrics = {f"eval_{name}": float(value) for name, value in figures.items()}
        self.last_evaluation = (self.state.global_step, metrics)
        self.log(dict(metrics))
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _mean_losses(self, items: ItemSet) -> dict[str, float]:
        """Every scalar of the model, averaged over `items`."""
        sums: dict[str, float] = {}
        for first in range(0, len(items), self.config.batch_size):
            chosen = [items[i] for i in range(first, min(first + self.config.batch_size, len(items)))]
            batch = self._prepare_inputs(self.job.collate(chosen))
            with self.autocast():
                outputs = self.job.model(**batch)
            for name, value in _scalars(outputs).items():
                sums[name] = sums.get(name, 0.0) + float(value) * len(chosen)
        return {name: value / max(1, len(items)) for name, value in sums.items()}

    # Checkpoints

    def _get_output_dir(self, trial: Any) -> str:
        """Where the stock code writes a checkpoint: beside its place, until it is complete."""
        return str(Path(self.config.output_dir) / "incomplete")

    def _save_checkpoint(self, model: nn.Module, trial: Any = None) -> None:
        """Write, then rename; keep the newest few."""
        if not bool(torch.isfinite(self._tr_loss)):
            raise self._diverged()
        name = f"checkpoint-{self.state.global_step}"
        folder, temporary = Path(self.config.output_dir), Path(self._get_output_dir(None))
        try:
            shutil.rmtree(temporary, ignore_errors=True)
            super()._save_checkpoint(model, trial)
            wall, cpu = self.seconds()
            (temporary / name / CLOCK_FILE).write_text(json.dumps({"seconds": wall, "cpu_seconds": cpu}))
            shutil.rmtree(folder / name, ignore_errors=True)
            (temporary / name).rename(folder / name)
            temporary.rmdir()
        except _WRITE_ERRORS as error:
            shutil.rmtree(temporary, ignore_errors=True)
            kept = checkpoints(folder)
            raise StorageError(
                f"cannot write the checkpoint of step {self.state.global_step} in {folder}: {error}. "
                + (f"The one of step {kept[-1][0]} is intact. " if kept else "")
                + "Free some space and run the same command again"
            ) from error
        for _, old in checkpoints(folder)[:-KEPT_CHECKPOINTS]:
            shutil.rmtree(old, ignore_errors=True)

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        """The model's state with shared tensors stored once."""
        folder = Path(output_dir or self.config.output_dir)
        folder.mkdir(parents=True, exist_ok=True)
        torch.save(self.job.model.state_dict(), folder / _WEIGHTS)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        """Weights of a checkpoint into the model."""
        with readable(resume_from_checkpoint):
            state = torch.load(Path(resume_from_checkpoint) / _WEIGHTS, map_location="cpu", weights_only=True)
            self.job.model.load_state_dict(state)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        """Optimizer and schedule of a checkpoint."""
        if checkpoint is not None:
            with readable(checkpoint):
                super()._load_optimizer_and_scheduler(checkpoint)


@contextlib.contextmanager
def _random_state_kept(seed: int) -> Iterator[None]:
    """Seed all generators inside, and put them back afterwards."""
    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.manual_seed(seed)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


def _use_cache(model: nn.Module, value: list[Any] | None = None) -> list[Any]:
    """The `use_cache` of a model's config as a list, empty where there is none; set to `value` if given."""
    config = getattr(model, "config", None)
    if value == [] and hasattr(config, "use_cache"):
        delattr(config, "use_cache")
    elif value:
        config.use_cache = value[0]  # type: ignore[union-attr]
    return [config.use_cache] if config is not None and hasattr(config, "use_cache") else []


def _scalars(outputs: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """The detached one-element tensors of a model's output, in float32."""
    return {
        name: value.detach().float().reshape(())
        for name, value in outputs.items()
        if isinstance(value, torch.Tensor) and value.numel() == 1
    }


def _rounded(value: float) -> float:
    """Six significant digits, enough for a log."""
    return float(f"{float(value):.6g}")
