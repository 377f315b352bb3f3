"""What a stage hands to the trainer: a model that returns its losses, data, and how to save the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor, nn
from transformers.utils import ModelOutput


class ItemSet(Protocol):
    """A map-style data set with deterministic items.

    `self[i]` may use randomness only from a generator made of (seed, epoch, i). A set whose items change from
    epoch to epoch has a method `set_epoch(epoch: int) -> None`, called before its items are asked for.
    """

    def __len__(self) -> int:
        """Number of items."""
        ...

    def __getitem__(self, index: int, /) -> Any:
        """Item `index`, the same whenever it is asked for in one epoch."""
        ...


@dataclass(frozen=True, kw_only=True)
class Job:
    """One stage, ready to be trained.

    Attributes:
        model: `model(**batch)` returns a dict (or ModelOutput) with the scalar "loss"; its other scalar
            tensors are logged under their names. All state that training changes must be in `state_dict()`.
            Frozen parts have `requires_grad=False`; a part that must stay in eval mode overrides `train()`.
        train_set: items to train on.
        collate: items -> batch, a dict of tensors.
        save: (model, new empty folder) -> writes the stage's product there.
        eval_set: items whose mean losses are reported, or None.
        evaluate: more figures on validation data, asked for at every evaluation and at the end; the model is
            in eval mode, without gradients, under the autocast of training.
        param_groups: (prefix of parameter names, factor on the learning rate); the first match counts, no
            match means 1, and factor 0 freezes the part.
    """

    model: nn.Module
    train_set: ItemSet
    collate: Callable[[list[Any]], dict[str, Any]]
    save: Callable[[nn.Module, Path], None]
    eval_set: ItemSet | None = None
    evaluate: Callable[[nn.Module], dict[str, float]] | None = None
    param_groups: Sequence[tuple[str, float]] = ()


def run_on(model: nn.Module, *inputs: Tensor, **named: Tensor) -> Any:
    """The output of a model wherever it lies, for inputs and outputs on the CPU."""
    device = next(model.parameters()).device
    output = model(*(value.to(device) for value in inputs), **{k: v.to(device) for k, v in named.items()})
    values = {key: value.cpu() if isinstance(value, Tensor) else value for key, value in output.items()}
    return type(output)(**values) if isinstance(output, ModelOutput) else values
