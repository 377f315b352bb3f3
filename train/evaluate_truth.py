"""The truth of one record as evaluation compares it: names, masks and seconds by id."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bubo.geometry import resize_mask, rle_decode
from bubo.records import Record
from bubo.types import Region, Span

Mask = NDArray[np.bool_]
SAME = 0.5
"""Overlap (IoU) from which a mask or a span counts as right."""


@dataclass(frozen=True)
class Reading:
    """How answers are read.

    Args:
        parse: (kind, text) -> the facts in the text, or None.
        classes: (text, whether sounds come first) -> the classes named in it, as (name, whether a sound).
    """

    parse: Callable[[str, str], dict[str, Any] | None]
    classes: Callable[[str, bool], list[tuple[str, bool]]]


class Truth:
    """What is true of a record; masks are decoded when they are first asked for.

    Attributes:
        key: Key of the record.
        names: Id of an object or event -> its class.
        things: Ids of the objects.
        events: Ids of the events.
        duration_s: Length of the sound, 0 without one.
    """

    def __init__(self, record: Record):
        self.key = record.key
        self._objects: dict[str, Any] = {entry["id"]: entry for entry in record.truth["objects"]}
        self._events: dict[str, Any] = {entry["id"]: entry for entry in record.truth["events"]}
        self.names = {id_: str(entry["name"]) for id_, entry in {**self._objects, **self._events}.items()}
        self.things = tuple(self._objects)
        self.events = tuple(self._events)
        self.duration_s = float(record.truth["duration_s"])
        self._masks: dict[str, Mask] = {}

    def mask(self, id_: str) -> Mask:
        """The visible part of an object, (H, W)."""
        if id_ not in self._masks:
            self._masks[id_] = rle_decode(self._objects[id_]["mask"])
        return self._masks[id_]

    def masks(self, ids: Iterable[str]) -> Mask:
        """The union of the masks of objects, of which there is at least one."""
        union: Mask = np.logical_or.reduce([self.mask(id_) for id_ in ids])
        return union

    def span(self, id_: str) -> tuple[float, float]:
        """When an event is heard, in seconds."""
        return float(self._events[id_]["start_s"]), float(self._events[id_]["end_s"])

    def named(self, name: str, ids: Collection[str]) -> tuple[str, ...]:
        """Those of the ids whose class has this name."""
        return tuple(id_ for id_ in ids if self.names[id_] == name)


def region_mask(region: Region, size_hw: tuple[int, int]) -> Mask:
    """The pixels of a region; its filled box where it has no mask."""
    if region.mask is not None:
        return region.mask if region.mask.shape == size_hw else resize_mask(region.mask, size_hw)
    mask = np.zeros(size_hw, bool)
    x0, y0, x1, y1 = (round(side) for side in region.box)
    mask[max(y0, 0) : y1, max(x0, 0) : x1] = True
    return mask


def union_iou(regions: Sequence[Region], mask: Mask) -> float:
    """Overlap of all regions of the first picture, taken together, with a mask."""
    own = [region_mask(region, (mask.shape[0], mask.shape[1])) for region in regions if region.picture == 0]
    if not own:
        return 0.0
    together = np.logical_or.reduce(own)
    whole = int((together | mask).sum())
    return int((together & mask).sum()) / whole if whole else 0.0


def seconds(spans: Iterable[Span]) -> list[tuple[float, float]]:
    """Spans of the first sound as (start, end)."""
    return [(span.start_s, span.end_s) for span in spans if span.sound == 0]
