"""Whether phrases of an answer are tied to the right pixels and seconds, to "absent", and to one entity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bubo.records import RecordTurn
from bubo.types import Answer, Entity, Link

from .evaluate_truth import SAME, Reading, Truth, seconds, union_iou
from .figures import NOTHING, Figure, intervals_iou, ratio_figure

LINKED = frozenset({"describe_picture", "describe_sound", "describe_both", "position", "source"})
"""Kinds of questions whose answers' links are counted."""
NAMERS = {"position": "name", "colour": "name", "size": "name", "when": "sound", "source": "sound"}
"""Kinds of questions about one thing or sound that is there, and the key that names it."""


class LinkTally:
    """Collects links of answers.

    Args:
        reading: How phrases are read.
    """

    def __init__(self, reading: Reading):
        self.reading = reading
        self._counts: list[tuple[str, int, int, int, int, int]] = []

    def add(self, truth: Truth, turn: RecordTurn, answer: Answer) -> None:
        """Counts the links of one answer, if its kind is one of `LINKED`."""
        if turn.kind not in LINKED:
            return
        entities = {entity.id: entity for entity in answer.entities}
        free = list(answer.links)
        phrases = list(answer.links)
        hits = named = naive = 0
        for link in turn.links:
            wanted = self._wanted(truth, turn, link)
            naive += _naive(truth, link)
            alike = next((one for one in phrases if self._names(answer, one, wanted)), None)
            if alike is not None:
                phrases.remove(alike)
                named += 1
            fitting = (one for one in free if self._names(answer, one, wanted))
            right = next((one for one in fitting if is_in_place(truth, link, entities[one.entity])), None)
            if right is not None:
                free.remove(right)
                hits += 1
        self._counts.append((truth.key, hits, named, len(answer.links), len(turn.links), naive))

    def _wanted(self, truth: Truth, turn: RecordTurn, link: dict[str, Any]) -> tuple[str, bool]:
        """The class that a link of the truth names, and whether it is a sound."""
        ids = link["things"] or link["events"]
        if ids:
            return truth.names[ids[0]], not link["things"]
        found = self.reading.classes(turn.text[link["start"] : link["end"]], False)
        return found[0] if found else ("", False)

    def _names(self, answer: Answer, link: Link, wanted: tuple[str, bool]) -> bool:
        """Whether a phrase names this class and no other, in whatever form and number."""
        return self.reading.classes(answer.text[link.start : link.end], wanted[1]) == [wanted]

    def figures(self) -> dict[str, Figure]:
        """link_f1, and link_phrase_f1, which takes no account of places and times."""
        if not self._counts:
            return {"link_f1": NOTHING, "link_phrase_f1": NOTHING}
        groups = [row[0] for row in self._counts]
        hits, named, said, expected, naive = np.array([row[1:] for row in self._counts], np.float64).T
        number, total = int(expected.sum()), said + expected
        baseline = naive.sum() / max(expected.sum(), 1)
        return {
            "link_f1": ratio_figure(2 * hits, total, groups, baseline, number),
            "link_phrase_f1": ratio_figure(2 * named, total, groups, 0.0, number),
        }


def is_in_place(truth: Truth, link: dict[str, Any], entity: Entity) -> bool:
    """Whether an entity lies where a link of the truth says: by mask if it names things, else by seconds."""
    if link["things"]:
        return union_iou(entity.regions, truth.masks(link["things"])) >= SAME
    if link["events"]:
        goals = [truth.span(id_) for id_ in link["events"]]
        return intervals_iou(seconds(entity.spans), goals) >= SAME
    return entity.status == "absent"


def _naive(truth: Truth, link: dict[str, Any]) -> bool:
    """Whether the whole picture, or the whole sound, would be right."""
    if link["things"]:
        return bool(truth.masks(link["things"]).mean() >= SAME)
    if link["events"]:
        goals = [truth.span(id_) for id_ in link["events"]]
        return intervals_iou([(0.0, truth.duration_s)], goals) >= SAME
    return False


@dataclass(frozen=True)
class _Asked:
    """One thing or sound that a question names: whether it is not there, and what the answer makes of it."""

    record: str
    is_sound: bool
    absent: bool
    said_absent: bool
    mentioned: bool
    placed: bool


@dataclass
class AbsentTally:
    """Collects what answers say of the things and sounds that their questions name.

    Args:
        reading: How phrases are read.
        sound_names: Names of all sound classes.
    """

    reading: Reading
    sound_names: frozenset[str]
    _asked: list[_Asked] = field(default_factory=list)

    def add(self, truth: Truth, turn: RecordTurn, answer: Answer) -> None:
        """Takes up the named things of one question; kinds that name none are left out."""
        for name, absent in self._named(truth, turn):
            is_sound = name in self.sound_names
            entities = {entity.id: entity for entity in answer.entities}
            found = [
                entities[link.entity]
                for link in answer.links
                if (name, is_sound) in self.reading.classes(answer.text[link.start : link.end], is_sound)
            ]
            self._asked.append(
                _Asked(
                    truth.key,
                    is_sound,
                    absent,
                    any(entity.status == "absent" for entity in found),
                    bool(found) or (name, is_sound) in self.reading.classes(answer.text, is_sound),
                    any(bool(entity.spans if is_sound else entity.regions) for entity in found),
                )
            )

    def _named(self, truth: Truth, turn: RecordTurn) -> list[tuple[str, bool]]:
        """Names in the question, and whether what they name is not there."""
        said = turn.answer
        if turn.kind == "absent":
            present = dict.fromkeys(truth.names[id_] for id_ in turn.about)
            return [(name, True) for name in said["names"]] + [(name, False) for name in present]
        if turn.kind in ("presence", "presence_sound"):
            return [(said["name"], not said["value"])]
        return [(said[NAMERS[turn.kind]], False)] if turn.kind in NAMERS else []

    def figures(self) -> dict[str, Figure]:
        """absent_f1, for which half of the things and half of the sounds are absent, and two rates."""
        rng = np.random.default_rng(0)
        rows: list[_Asked] = []
        for is_sound in (False, True):
            halves = [
                [row for row in self._asked if row.is_sound == is_sound and row.absent == absent]
                for absent in (False, True)
            ]
            number = min(len(half) for half in halves)
            rows += [half[i] for half in halves for i in sorted(rng.permutation(len(half))[:number])]
        hits = [2 * (row.said_absent and row.absent) for row in rows]
        sizes = [row.said_absent + row.absent for row in rows]
        half = sum(row.absent for row in rows)
        always = 2 * half / max(half + len(rows), 1)
        absent = [row for row in self._asked if row.absent]
        spoken = [row for row in absent if row.mentioned]
        return {
            "absent_f1": ratio_figure(hits, sizes, [row.record for row in rows], always),
            "absent_mask_rate": _rate([row.placed for row in spoken], spoken, 1.0),
            "absent_named_rate": _rate([row.mentioned for row in absent], absent, 0.0),
        }


def _rate(parts: Sequence[bool], rows: Sequence[_Asked], baseline: float) -> Figure:
    return ratio_figure(parts, np.ones(len(rows)), [row.record for row in rows], baseline)


@dataclass
class IdentityTally:
    """Counts how often a thing or sound changes its entity within a dialogue.

    Args:
        reading: How labels are read.
    """

    reading: Reading
    _dialogues: list[tuple[str, int, int]] = field(default_factory=list)

    def add(self, truth: Truth, answers: Sequence[Answer]) -> None:
        """Follows one dialogue of several turns."""
        known: dict[tuple[str, ...], str] = {}
        switches = again = 0
        for answer in answers:
            met: dict[tuple[str, ...], None] = {}
            for entity in answer.entities:
                key = self._key(truth, entity)
                if not key:
                    continue
                switches += known.get(key, entity.id) != entity.id
                again += key in known and key not in met
                known[key] = entity.id
                met[key] = None
        self._dialogues.append((truth.key, switches, again))

    def _key(self, truth: Truth, entity: Entity) -> tuple[str, ...]:
        """The objects or events that an entity stands for; empty if it matches none."""
        heard = [name for name, is_sound in self.reading.classes(entity.label, False) if is_sound]
        if entity.regions and not heard:
            return tuple(
                id_
                for id_ in truth.things
                if max(union_iou([region], truth.mask(id_)) for region in entity.regions) >= SAME
            )
        spans = seconds(entity.spans)
        matched = tuple(
            id_
            for id_ in truth.events
            if max((intervals_iou([span], [truth.span(id_)]) for span in spans), default=0.0) >= SAME
        )
        if heard:  # sounds overlap in time, things do not in space: the name must tell them apart
            return truth.named(heard[0], matched)
        return (*matched, entity.label) if matched else ()

    def figures(self) -> dict[str, Figure]:
        """identity_switches per dialogue; the baseline takes everything for new in every turn."""
        groups = [row[0] for row in self._dialogues]
        ones = np.ones(len(groups))
        again = sum(row[2] for row in self._dialogues) / max(len(groups), 1)
        return {"identity_switches": ratio_figure([row[1] for row in self._dialogues], ones, groups, again)}
