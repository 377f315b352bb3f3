"""What the grounding models find in one picture or sound, as parallel arrays: `Regions`, `Spans`, `Tags`.

Part of `bubo.types`, which is where to import them from. All are frozen and checked when made. `Regions` and
`Spans` can be indexed like arrays (the result is always of the same type), iterated one by one, and merged.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bubo import checks
from bubo.errors import InputError

Index = int | slice | Sequence[int] | NDArray[Any]


def _pick(index: Index, length: int) -> NDArray[np.intp]:
    """Positions an index stands for; one number gives one position, so that the result is still a set."""
    if isinstance(index, int | np.integer) and not isinstance(index, bool | np.bool_):
        if not -length <= index < length:
            raise IndexError(f"index {index} is out of range for {length} members")
        index = [int(index)]
    elif not isinstance(index, slice):
        index = np.asarray(index)
        if index.size == 0:
            index = index.astype(np.intp)
    picked: NDArray[np.intp] = np.arange(length)[index]
    return picked


@dataclass(frozen=True, eq=False)
class Regions:
    """Regions of one picture as parallel arrays.

    Args:
        labels: N words or phrases.
        boxes: (N, 4) float32 xyxy, absolute pixels of the original picture.
        scores: (N,) float32.
        masks: (N, H, W) bool, or None before segmentation.
    """

    labels: tuple[str, ...]
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    masks: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        labels = checks.check_tuple("Regions.labels", self.labels, str)
        boxes = checks.check_floats("Regions.boxes", self.boxes, (len(labels), 4))
        if (boxes[:, 2:] < boxes[:, :2]).any():
            raise InputError("Regions.boxes must be x0, y0, x1, y1 with x0 <= x1 and y0 <= y1.")
        scores = checks.check_floats("Regions.scores", self.scores, (len(labels),))
        if self.masks is not None and len(checks.check_masks("Regions.masks", self.masks, 3)) != len(labels):
            raise InputError(f"Regions.masks must hold {len(labels)} masks, but holds {len(self.masks)}.")
        checks.set_fields(self, labels=labels, boxes=boxes, scores=scores)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: Index) -> "Regions":
        """The regions at a number, slice, list of numbers or boolean array; always `Regions`."""
        picked = _pick(index, len(self))
        labels = tuple(self.labels[i] for i in picked)
        masks = None if self.masks is None else self.masks[picked]
        return Regions(labels, self.boxes[picked], self.scores[picked], masks)

    def __iter__(self) -> Iterator["Regions"]:
        return (self[i] for i in range(len(self)))

    @classmethod
    def empty(cls) -> Self:
        """No regions."""
        return cls((), np.zeros((0, 4), np.float32), np.zeros(0, np.float32))

    @staticmethod
    def merge(parts: Sequence["Regions"]) -> "Regions":
        """All regions of one picture in the order given; either all non-empty parts have masks or none."""
        parts = [part for part in parts if len(part)]
        if not parts:
            return Regions.empty()
        masks = [part.masks for part in parts if part.masks is not None]
        if masks and (len(masks) < len(parts) or len({m.shape[1:] for m in masks}) > 1):
            raise InputError("Regions can be merged only if all have masks of one size, or none has any.")
        return Regions(
            tuple(label for part in parts for label in part.labels),
            np.concatenate([part.boxes for part in parts]),
            np.concatenate([part.scores for part in parts]),
            np.concatenate(masks) if masks else None,
        )


@dataclass(frozen=True, eq=False)
class Spans:
    """Stretches of one sound as parallel arrays.

    Args:
        labels: N words or phrases.
        times: (N, 2) float32, start and end in seconds.
        scores: (N,) float32.
    """

    labels: tuple[str, ...]
    times: NDArray[np.float32]
    scores: NDArray[np.float32]

    def __post_init__(self) -> None:
        labels = checks.check_tuple("Spans.labels", self.labels, str)
        times = checks.check_floats("Spans.times", self.times, (len(labels), 2))
        if (times[:, 0] > times[:, 1]).any() or (times < 0).any():
            raise InputError("Spans.times must be start, end in seconds with 0 <= start <= end.")
        scores = checks.check_floats("Spans.scores", self.scores, (len(labels),))
        checks.set_fields(self, labels=labels, times=times, scores=scores)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: Index) -> "Spans":
        """The spans at a number, slice, list of numbers or boolean array; always `Spans`."""
        picked = _pick(index, len(self))
        return Spans(tuple(self.labels[i] for i in picked), self.times[picked], self.scores[picked])

    def __iter__(self) -> Iterator["Spans"]:
        return (self[i] for i in range(len(self)))

    @classmethod
    def empty(cls) -> Self:
        """No spans."""
        return cls((), np.zeros((0, 2), np.float32), np.zeros(0, np.float32))

    @staticmethod
    def merge(parts: Sequence["Spans"]) -> "Spans":
        """All spans of one sound in the order given."""
        parts = [Spans.empty(), *parts]
        labels = tuple(label for part in parts for label in part.labels)
        times = np.concatenate([part.times for part in parts])
        return Spans(labels, times, np.concatenate([part.scores for part in parts]))


@dataclass(frozen=True, eq=False)
class Tags:
    """Names of what a picture holds, best first (sorted when made; equal scores keep their order).

    Args:
        labels: N different names.
        scores: (N,) float32.
    """

    labels: tuple[str, ...]
    scores: NDArray[np.float32]

    def __post_init__(self) -> None:
        labels = checks.check_tuple("Tags.labels", self.labels, str)
        if len(set(labels)) < len(labels):
            raise InputError("Tags.labels must differ from each other, but one stands there twice.")
        scores = checks.check_floats("Tags.scores", self.scores, (len(labels),))
        order = np.argsort(-scores, kind="stable")
        checks.set_fields(self, labels=tuple(labels[i] for i in order), scores=scores[order])

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def scores_by_label(self) -> dict[str, float]:
        """Score of each name, best first."""
        return {label: float(score) for label, score in zip(self.labels, self.scores, strict=True)}
