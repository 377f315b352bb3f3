"""What encoders say of pictures, as batches: several together for a pass, and one of several to be kept."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["joined", "taken_out"]


def joined(features: Sequence[Any]) -> Any:
    """Features of one picture each as those of a batch.

    Args:
        features: Tensors (1, ...), or lists, tuples or mappings of such, all of one structure.
    """
    first = features[0]
    if len(features) == 1:
        return first
    if isinstance(first, Tensor):
        return torch.cat(list(features))
    if isinstance(first, Mapping):
        return type(first)(**{name: joined([one[name] for one in features]) for name in first})
    return type(first)(joined(level) for level in zip(*features, strict=True))


def taken_out(features: Any, number: int) -> Any:
    """Those of one picture, in memory of their own, so that they do not keep the whole batch."""
    if isinstance(features, Tensor):
        one = features[number : number + 1]
        return one if len(one) == len(features) else one.clone()
    if isinstance(features, Mapping):
        return type(features)(**{name: taken_out(features[name], number) for name in features})
    return type(features)(taken_out(level, number) for level in features)
