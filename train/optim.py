"""Optimizer groups, learning-rate schedule and number format of a run."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from bubo.errors import TrainError

from .config import OptimConfig, RunConfig
from .job import Job


def learning_rate_factor(optim: OptimConfig, steps: int) -> Callable[[int], float]:
    """Schedule as a function: finished steps -> share of the peak learning rate."""

    def factor(step: int) -> float:
        if step < optim.warmup_steps:
            return (step + 1) / (optim.warmup_steps + 1)
        done = min(1.0, (step - optim.warmup_steps) / max(1, steps - 1 - optim.warmup_steps))
        shape = {"cosine": 0.5 * (1 + math.cos(math.pi * done)), "linear": 1 - done, "constant": 1.0}
        return optim.min_lr_ratio + (1 - optim.min_lr_ratio) * shape[optim.schedule]

    return factor


def parameter_groups(job: Job, optim: OptimConfig) -> list[dict[str, Any]]:
    """AdamW groups by learning-rate factor and decay; vectors are not decayed, factor 0 is frozen."""
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    used: set[str] = set()
    for name, parameter in job.model.named_parameters():
        prefix, factor = next(((p, f) for p, f in job.param_groups if name.startswith(p)), ("", 1.0))
        used.add(prefix)
        if factor == 0:
            parameter.requires_grad_(False)
        if parameter.requires_grad:
            groups.setdefault((factor, parameter.ndim >= 2), []).append(parameter)
    unused = [prefix for prefix, _ in job.param_groups if prefix not in used]
    if unused:
        raise TrainError(f"param_groups name {unused}, but no parameter of the model starts so")
    if not groups:
        raise TrainError("nothing to train: no parameter of the model requires a gradient")
    return [
        {"params": parameters, "lr": optim.lr * factor, "weight_decay": optim.weight_decay if decay else 0.0}
        for (factor, decay), parameters in sorted(groups.items(), key=lambda item: item[0])
    ]


def autocast_dtype(config: RunConfig, device: torch.device) -> torch.dtype | None:
    """bfloat16 where the configuration asks for it and, if "auto", the processor has instructions for it."""
    if config.bf16 != "auto":
        return torch.bfloat16 if config.bf16 else None
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())
    return torch.bfloat16 if fast else None
