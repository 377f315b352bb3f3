"""What comes of pointing: the region at a random point of a thing, its name, and the answer's link to it.

Beside it stands what is trivial to say of any point: the largest thing that was found, under the name of the
class that the data set shows most often.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bubo.records import Record
from bubo.types import Answer, Picture, Place, Region

from .evaluate_truth import SAME, Mask, Truth, union_iou
from .figures import Figure, ratio_figure

QUESTIONS = ("What is this?", "Where is it?", "What colour is it?")
"""One of them in turn is asked of each thing; their links count alike, and apart by question."""
CLEAR = 0.03
"""A point of the background keeps this distance from all things, in longer sides of the picture."""


@dataclass(frozen=True)
class Aim:
    """A point to point at.

    Args:
        place: Where.
        thing: Id of the thing that lies there; "" for the background.
        question: What is asked.
    """

    place: Place
    thing: str
    question: str


@dataclass
class PlaceTally:
    """Collects what an assistant makes of places.

    Args:
        assistant: Has `conversation()`, and a `grounder` with `segment`, `name` and `perceive`.
        seed: Of the points.
    """

    assistant: Any
    seed: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)
    empty: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=lambda: {"perception": 0.0, "answers": 0.0})

    def add(self, record: Record, most: int) -> int:
        """Points at the things of a record, at most so many, and once beside them; returns how many."""
        truth = Truth(record)
        if record.picture is None or not truth.things:
            return 0
        rng = np.random.default_rng([self.seed, len(self.rows)])
        things = [truth.things[i] for i in rng.permutation(len(truth.things))][:most]
        for number, thing in enumerate(things, len(self.rows)):
            x, y = inside_point(truth.mask(thing), rng)
            aim = Aim(Place.at(x, y), thing, QUESTIONS[number % len(QUESTIONS)])
            self._point(record.picture, truth, aim)
        self._point_beside(record.picture, truth, rng)
        return len(things)

    def _point(self, picture: Picture, truth: Truth, aim: Aim) -> None:
        started = time.perf_counter()
        grounder, mask = self.assistant.grounder, truth.mask(aim.thing)
        region = grounder.segment(picture, aim.place)
        label = None if region is None else grounder.name(picture, region)
        largest = largest_region(grounder, picture)
        looked = time.perf_counter()
        answer = self.assistant.conversation().ask(aim.question, picture, at=aim.place)
        self.seconds["perception"] += looked - started
        self.seconds["answers"] += time.perf_counter() - looked
        linked = linked_regions(answer)
        kin = len(truth.named(truth.names[aim.thing], truth.things))
        self.rows.append(
            {
                "record": truth.key, "name": truth.names[aim.thing], "kin": kin, "question": aim.question,
                "asked": answer.metadata.get("asked", ""), "said": answer.text,
                "label": None if label is None else label.name, "found": region is not None,
                "area": float(mask.mean()), "iou": _iou(region, mask),
                "naive_iou": _iou(largest, mask),
                "linked": any(union_iou([one], mask) >= SAME for one in linked),
                "naive_linked": _iou(largest, mask) >= SAME,
            }
        )  # fmt: skip

    def _point_beside(self, picture: Picture, truth: Truth, rng: np.random.Generator) -> None:
        free = ~grown(truth.masks(truth.things), int(CLEAR * max(picture.size_hw)))
        if free.any():
            x, y = inside_point(free, rng)
            region = self.assistant.grounder.segment(picture, Place.at(x, y))
            self.empty.append({"record": truth.key, "nothing": region is None})

    def figures(self) -> dict[str, Figure]:
        """place_iou50, place_name, place_link and place_nothing; the last of the background."""
        rows = self.rows
        groups = [row["record"] for row in rows]
        ones = np.ones(len(rows))
        common = Counter(row["name"] for row in rows).most_common(1)
        share = common[0][1] / len(rows) if common else float("nan")

        def figure(name: str, parts: Sequence[bool], baseline: float) -> tuple[str, Figure]:
            return name, ratio_figure(np.array(parts, float), ones[: len(parts)], groups, baseline)

        found = dict(
            (
                figure("place_iou50", [r["iou"] >= SAME for r in rows], _mean(rows, "naive_linked")),
                figure("place_name", [r["label"] == r["name"] for r in rows], share),
                figure("place_link", [r["linked"] for r in rows], _mean(rows, "naive_linked")),
            )
        )
        for name, chosen in self._parts():
            groups, ones = [row["record"] for row in chosen], np.ones(len(chosen))
            found |= [
                figure(f"place_link_{name}", [r["linked"] for r in chosen], _mean(chosen, "naive_linked"))
            ]
        groups, ones = [row["record"] for row in self.empty], np.ones(len(self.empty))
        return found | dict([figure("place_nothing", [row["nothing"] for row in self.empty], 0.0)])

    def _parts(self) -> list[tuple[str, list[dict[str, Any]]]]:
        """Questions of one wording, and things that have others of their kind beside them."""
        parts = [(q.split()[1 if q.startswith("What c") else 0].lower(), q) for q in QUESTIONS]
        rows = [(name, [row for row in self.rows if row["question"] == q]) for name, q in parts]
        return [*rows, ("twin", [row for row in self.rows if row["kin"] > 1])]


def inside_point(mask: Mask, rng: np.random.Generator) -> tuple[float, float]:
    """The middle of a random pixel of a mask (H, W): x, y."""
    rows, columns = np.nonzero(mask)
    number = int(rng.integers(len(rows)))
    return float(columns[number]) + 0.5, float(rows[number]) + 0.5


def grown(mask: Mask, pixels: int) -> Mask:
    """A mask (H, W) with a margin of so many pixels to each side."""
    wide = mask.copy()
    for axis in (0, 1):
        count = np.apply_along_axis(
            lambda line: np.convolve(line, np.ones(2 * pixels + 1), "same"), axis, wide
        )
        wide = count > 0.5
    return wide


def largest_region(grounder: Any, picture: Picture) -> Region | None:
    """The largest thing that was found in a picture by itself."""
    perception, _ = grounder.perceive("", [picture])
    regions = [one.region for one in perception.instances]
    return max(regions, key=_area, default=None)


def linked_regions(answer: Answer) -> list[Region]:
    """The regions of the linked entities that have just one: a link to two dogs is none to this one."""
    ids = {link.entity for link in answer.links}
    return [one.regions[0] for one in answer.entities if one.id in ids and len(one.regions) == 1]


def _area(region: Region) -> float:
    if region.mask is not None:
        return float(np.count_nonzero(region.mask))
    x0, y0, x1, y1 = region.box
    return (x1 - x0) * (y1 - y0)


def _iou(region: Region | None, mask: Mask) -> float:
    return 0.0 if region is None else union_iou([region], mask)


def _mean(rows: Sequence[dict[str, Any]], key: str) -> float:
    return float(np.mean([row[key] for row in rows])) if rows else float("nan")
