"""One pass over records with an assistant: looks, listens, asks, and makes the report."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bubo.records import Record, RecordTurn
from bubo.types import Answer, Picture, Regions

from .evaluate_answers import AnswerTally
from .evaluate_links import AbsentTally, IdentityTally, LinkTally
from .evaluate_perception import PictureTally, Senses, SoundTally
from .evaluate_plan import Asked, Plan, has_new_glyph
from .evaluate_truth import Reading, Truth
from .figures import Figure

MAIN = (
    "tags_map", "region_recall50", "region_miou", "sound_map", "span_f1", "presence_acc", "count_acc",
    "position_acc", "source_acc", "verdict_acc", "description_f1", "link_f1", "absent_f1", "absent_mask_rate",
    "identity_switches",
)  # fmt: skip
"""The figures with targets, in the order of the report; finer ones follow them."""
APART = tuple(name for name in MAIN if name not in ("sound_map", "span_f1", "identity_switches"))
"""Figures that are reported again, under names with `NEW_GLYPH`, for drawings that training never shows."""
NEW_GLYPH = "_new_glyph"


@dataclass
class Report:
    """What came out.

    Args:
        plan: What was measured.
        figures: Name -> figure.
        answers: One row per answer, for people who want to read them.
        seconds: Time that looking and listening took, and asking.
    """

    plan: Plan
    figures: dict[str, Figure]
    answers: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


class _Group:
    """The tallies of one group of records: those with a held-out glyph, or all others."""

    def __init__(self, senses: Senses, reading: Reading, vocabulary: Mapping[str, Any]):
        self.pictures = PictureTally(senses, [entry["name"] for entry in vocabulary["objects"]])
        self.answers = AnswerTally(reading)
        self.links = LinkTally(reading)
        self.absent = AbsentTally(reading, frozenset(entry["name"] for entry in vocabulary["sounds"]))

    def figures(self) -> dict[str, Figure]:
        parts = (self.pictures, self.answers, self.links, self.absent)
        return {name: figure for part in parts for name, figure in part.figures().items()}


class Evaluation:
    """One pass over records: looks, listens, asks, and tallies.

    Args:
        assistant: Has `conversation()`, and a `grounder` with the four tools, any of them None.
        vocabulary: The data set's vocabulary.
        reading: How answers are read.
    """

    def __init__(self, assistant: Any, vocabulary: Mapping[str, Any], reading: Reading):
        self.assistant = assistant
        senses = senses_of(getattr(assistant, "grounder", None))
        self.groups = {new: _Group(senses, reading, vocabulary) for new in (False, True)}
        self.sounds = SoundTally(senses, [entry["name"] for entry in vocabulary["sounds"]])
        self.identity = IdentityTally(reading)
        self.answers: list[dict[str, Any]] = []
        self.seconds = {"perception": 0.0, "answers": 0.0}

    def add(self, record: Record, asked: Asked) -> None:
        """Measures one record."""
        truth, group = Truth(record), self.groups[has_new_glyph(record)]
        started = time.perf_counter()
        if record.picture is not None:
            group.pictures.add(record.picture, truth)
        if record.sound is not None:
            self.sounds.add(record.sound, truth)
        looked = time.perf_counter()
        for number in asked.questions:
            question, wanted = record.dialogues[number]
            answer = self._ask(self.assistant.conversation(), record, question)
            right = group.answers.add(truth, wanted, answer)
            group.links.add(truth, wanted, answer)
            group.absent.add(truth, wanted, answer)
            self._log(record, question, wanted, answer, right)
        for number in asked.talks:
            self._talk(record, truth, record.dialogues[number], group)
        self.seconds["perception"] += looked - started
        self.seconds["answers"] += time.perf_counter() - looked

    def _talk(self, record: Record, truth: Truth, dialogue: Sequence[RecordTurn], group: _Group) -> None:
        """Asks the questions of one dialogue; the history holds the model's own answers."""
        conversation = self.assistant.conversation()
        answers = []
        for number in range(0, len(dialogue) - 1, 2):
            question, wanted = dialogue[number : number + 2]
            answer = self._ask(conversation, record, question)
            right = group.answers.add(truth, wanted, answer, follow_up=True) if number else None
            self._log(record, question, wanted, answer, right)
            answers.append(answer)
        self.identity.add(truth, answers)

    def _ask(self, conversation: Any, record: Record, question: RecordTurn) -> Answer:
        answer: Answer = conversation.ask(
            question.text,
            picture=record.picture if "picture" in question.media else None,
            sound=record.sound if "sound" in question.media else None,
        )
        return answer

    def _log(
        self, record: Record, question: RecordTurn, wanted: RecordTurn, answer: Answer, right: bool | None
    ) -> None:
        links = [(answer.text[one.start : one.end], answer.entity(one.entity).status) for one in answer.links]
        self.answers.append(
            {
                "record": record.key,
                "kind": wanted.kind,
                "question": question.text,
                "expected": wanted.text,
                "said": answer.text,
                "right": right,
                "links": links,
                "verdict": None if answer.verdict is None else answer.verdict.value,
            }
        )

    def figures(self) -> dict[str, Figure]:
        """All figures, those with targets first."""
        found = self.groups[False].figures() | self.sounds.figures() | self.identity.figures()
        ordered = {name: found[name] for name in MAIN} | found
        apart = self.groups[True].figures()
        return ordered | {name + NEW_GLYPH: apart[name] for name in APART if apart[name].n}


def senses_of(grounder: Any) -> Senses:
    """The tools of a grounder as functions."""
    if grounder is None:
        return Senses()
    detector, segmenter = grounder.detector, grounder.segmenter

    def locate(picture: Picture, names: Sequence[str]) -> Regions:
        regions: Regions = detector.detect(picture, names)
        if segmenter is not None and len(regions) and regions.masks is None:
            regions = segmenter.segment(picture, regions)
        return regions

    return Senses(
        None if grounder.tagger is None else grounder.tagger.tag,
        None if detector is None else locate,
        None if grounder.listener is None else grounder.listener.listen,
    )


def table(head: Mapping[str, Any], report: Report) -> str:
    """The figures for people."""
    plan = report.plan
    title = (
        f"{head['model']} on the {head['split']} split, seed {head['seed']}: {plan.scenes} scenes, "
        f"{plan.sounds} sounds, {len(report.answers)} answers"
    )
    return "\n".join([title, *figure_lines(report.figures)]) + "\n"


def figure_lines(figures: Mapping[str, Figure]) -> list[str]:
    """A head and a line for each figure."""
    lines = [f"{'figure':<30}{'value':>8}  {'95 %':<16}{'baseline':>8}{'n':>8}"]
    for name, figure in figures.items():
        value, baseline, low, high = (
            "-" if math.isnan(number) else f"{number:.3f}"
            for number in (figure.value, figure.baseline, *figure.ci95)
        )
        lines.append(f"{name:<30}{value:>8}  {f'{low} - {high}':<16}{baseline:>8}{figure.n:>8}")
    return lines
