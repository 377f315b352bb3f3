"""A training job small enough for a test: dropout, a tied weight, batch statistics, augmentation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from bubo.train.config import RunConfig, parse_options
from bubo.train.job import Job


class ToyModel(nn.Module):
    """Dropout needs the random state, tied weights a saver that stores them once; buffers are state too."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(8, 8)
        self.second = nn.Linear(8, 8)
        self.second.weight = self.first.weight
        self.norm = nn.BatchNorm1d(8)
        self.out = nn.Linear(8, 1)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> dict[str, torch.Tensor]:
        hidden = torch.dropout(self.norm(torch.relu(self.second(self.first(x)))), 0.3, self.training)
        error = (self.out(hidden).squeeze(-1).float() - y).square()
        return {"loss": error.mean(), "worst": error.max(), "hidden": hidden}


class ToySet:
    """Items that depend on (seed, epoch, index) only."""

    def __init__(self, size: int, seed: int) -> None:
        self.size, self.seed, self.epoch = size, seed, 0

    def __len__(self) -> int:
        return self.size

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        base = np.random.default_rng([self.seed, index]).standard_normal(8)
        noise = np.random.default_rng([self.seed, self.epoch, index]).standard_normal(8)
        x = torch.tensor(base + 0.1 * noise, dtype=torch.float32)
        return {"x": x, "y": x.sum()}


def collate(items: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Stack each field."""
    return {name: torch.stack([item[name] for item in items]) for name in items[0]}


def save(model: nn.Module, folder: Path) -> None:
    """The product is one file."""
    torch.save(model.state_dict(), folder / "toy.pt")


def size(model: nn.Module) -> dict[str, float]:
    """A figure that also disturbs the random state, as a generating evaluation would."""
    weight: Any = model.out.weight  # type: ignore[union-attr]
    return {"size": float(weight.abs().sum() + 0 * torch.rand(()) + 0 * np.random.rand())}


def toy_config(folder: Path, **changes: Any) -> RunConfig:
    """20 steps of 2 x 4 items."""
    values = {
        "stage": "toy",
        "output_dir": str(folder),
        "steps": 20,
        "batch_size": 4,
        "grad_accumulation": 2,
        "save_every": 5,
        "log_every": 4,
        "eval_every": 7,
        "data": {"validation": [str(folder.parent)]},
        "optim": {"warmup_steps": 3},
    }
    return parse_options(RunConfig, {**values, **changes}, prefix="")


def build(config: RunConfig, **changes: Any) -> Job:
    """The job; 23 items, so that epochs end inside the run and drop some."""
    return Job(
        **{
            "model": ToyModel(),
            "train_set": ToySet(23, config.seed),
            "eval_set": ToySet(9, config.seed + 1) if config.data.validation else None,
            "collate": collate,
            "save": save,
            "evaluate": size,
            "param_groups": [("out.", 2.0)],
            **changes,
        }
    )
