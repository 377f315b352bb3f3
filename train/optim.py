"""Optimizer groups, learning-rate schedule and number format of a run."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

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


class MuonAdamW(torch.optim.Optimizer):
    """Muon for the matrices of linear layers and AdamW for all else, as one optimizer.

    Muon (Jordan et al., 2024) steps along the nearest orthogonal matrix of the momentum; its rate is scaled
    as in "Muon is Scalable for LLM Training" (Liu et al., 2025, section 2.2), so both share one `lr`.
    Momentum and iterations are torch's defaults. Against the papers' advice the classification heads of the
    towers are trained by Muon too, and a joint matrix of queries, keys and values counts as one; tables of
    embeddings and what is tied to them stay with AdamW.
    """

    def __init__(self, groups: list[dict[str, Any]], *, lr: float, betas: tuple[float, float]):
        """Take groups as `parameter_groups` makes them: those with "muon" set go to Muon."""
        matrices = [group for group in groups if group["muon"]]
        others = [group for group in groups if not group["muon"]]
        self.parts: list[torch.optim.Optimizer] = []
        if matrices:
            self.parts.append(torch.optim.Muon(matrices, lr=lr, adjust_lr_fn="match_rms_adamw"))
        if others:
            self.parts.append(torch.optim.AdamW(others, lr=lr, betas=betas, fused=True))
        super().__init__([group for part in self.parts for group in part.param_groups], {"lr": lr})

    def _share_groups(self) -> None:
        """Let a schedule that changes our groups change those of the parts."""
        self.param_groups = [group for part in self.parts for group in part.param_groups]

    def step(self, closure: Any = None) -> Any:
        """Step both parts."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self.parts:
            part.step()
        return loss

    def state_dict(self) -> dict[str, Any]:
        """States of the parts, in order."""
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """States of the parts, from `state_dict`.

        Raises:
            TrainError: They were written by another optimizer.
        """
        if len(state_dict.get("parts", ())) != len(self.parts):
            raise TrainError("it was written by another optimizer; start again with --restart")
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self._share_groups()


def linear_matrices(model: nn.Module) -> set[Tensor]:
    """The weights of linear layers, without those that are a table of embeddings, too."""
    linear = {module.weight for module in model.modules() if isinstance(module, nn.Linear)}
    return linear - {module.weight for module in model.modules() if isinstance(module, nn.Embedding)}


def parameter_groups(job: Job, optim: OptimConfig) -> list[dict[str, Any]]:
    """Groups by learning-rate factor, decay and optimizer; vectors are not decayed, factor 0 is frozen."""
    groups: dict[tuple[float, bool, bool], list[nn.Parameter]] = {}
    used: set[str] = set()
    matrices = linear_matrices(job.model)
    for name, parameter in job.model.named_parameters():
        prefix, factor = next(((p, f) for p, f in job.param_groups if name.startswith(p)), ("", 1.0))
        used.add(prefix)
        if factor == 0:
            parameter.requires_grad_(False)
        if parameter.requires_grad:
            key = (factor, parameter.ndim >= 2, parameter in matrices)
            groups.setdefault(key, []).append(parameter)
    unused = [prefix for prefix, _ in job.param_groups if prefix not in used]
    if unused:
        raise TrainError(f"param_groups name {unused}, but no parameter of the model starts so")
    if not groups:
        raise TrainError("nothing to train: no parameter of the model requires a gradient")
    return [
        {
            "params": parameters,
            "lr": optim.lr * factor,
            "weight_decay": optim.weight_decay if decay else 0.0,
            "muon": matrix,
        }
        for (factor, decay, matrix), parameters in sorted(groups.items(), key=lambda item: item[0])
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
