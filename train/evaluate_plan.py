"""Which records are measured and which questions are asked: capped per kind, balanced where it matters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bubo.records import Record, RecordTurn

SHARES = {
    "presence": 1.0, "count": 1.0, "position": 1.0, "source": 1.0, "verdict": 1.0, "absent": 1.0,
    "describe_picture": 0.5, "describe_both": 0.5, "describe_sound": 0.5, "talk": 0.0, "why": 0.0,
}  # fmt: skip
"""Share of the wanted number of questions that a kind gets; kinds that are not here get `OTHER_SHARE`."""
OTHER_SHARE = 0.25
NEW_GLYPH_SHARE = 0.25
TALK_SHARE = 0.5
BALANCED = {
    "presence": ("True", "False"), "presence_sound": ("True", "False"), "verdict": ("match", "mismatch"),
}  # fmt: skip
"""Answers of which equally many are asked for."""
EXTRA = {"verdict": ("partly", 0.25)}
"""Answers that are asked for besides the balanced ones, and their share of the wanted number."""


@dataclass(frozen=True)
class Asked:
    """What is asked about one record.

    Args:
        questions: Numbers of its dialogues of one question.
        talks: Numbers of its dialogues of several turns.
    """

    questions: tuple[int, ...] = ()
    talks: tuple[int, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What is measured.

    Args:
        asked: Record key -> what is asked about it; the records are the first of the data set, in its order.
        scenes: Pictures among them that show no held-out glyph.
        sounds: Sounds among them.
    """

    asked: dict[str, Asked]
    scenes: int
    sounds: int


@dataclass(frozen=True)
class _Candidate:
    record: str
    dialogue: int
    value: str


def has_new_glyph(record: Record) -> bool:
    """Whether the picture shows a drawing that training never shows; such records are reported apart."""
    return any(thing.get("new_glyph") for thing in record.truth["objects"])


def plan_questions(records: Iterable[Record], per_kind: int, count: int | None = None) -> Plan:
    """Chooses records and questions; the same records always give the same plan.

    Args:
        records: The data set, without media.
        per_kind: Questions wanted of a main kind; others get a share of it.
        count: Stop at so many pictures without a held-out glyph and so many sounds; None takes all.
    """
    pools: dict[tuple[bool, str], list[_Candidate]] = {}
    keys: list[str] = []
    scenes = sounds = 0
    for record in records:
        keys.append(record.key)
        new = has_new_glyph(record)
        scenes += not new and _has_picture(record)
        sounds += record.truth["duration_s"] > 0
        for number, dialogue in enumerate(record.dialogues):
            turn = dialogue[-1]
            kind = turn.kind if len(dialogue) == 2 else ""
            pools.setdefault((new, kind), []).append(_Candidate(record.key, number, _value(turn)))
        if count is not None and min(scenes, sounds) >= count:
            break
    rng = np.random.default_rng(0)
    asked: dict[str, dict[bool, list[int]]] = {key: {False: [], True: []} for key in keys}
    for new, kind in sorted(pools):
        for candidate in _choose(pools[new, kind], kind, _cap(per_kind, kind, new), rng):
            asked[candidate.record][kind == ""].append(candidate.dialogue)
    return Plan(
        {key: Asked(tuple(sorted(own[False])), tuple(sorted(own[True]))) for key, own in asked.items()},
        scenes,
        sounds,
    )


def _has_picture(record: Record) -> bool:
    return bool(record.truth["objects"] or record.truth["place"]) or any(
        "picture" in turn.media for dialogue in record.dialogues for turn in dialogue
    )


def _value(turn: RecordTurn) -> str:
    return str(turn.answer.get("value"))


def _cap(per_kind: int, kind: str, new: bool) -> int:
    if kind == "":
        return 0 if new else round(per_kind * TALK_SHARE)
    return round(per_kind * SHARES.get(kind, OTHER_SHARE) * (NEW_GLYPH_SHARE if new else 1.0))


def _choose(pool: Sequence[_Candidate], kind: str, cap: int, rng: np.random.Generator) -> list[_Candidate]:
    shuffled = [pool[i] for i in rng.permutation(len(pool))]
    if kind not in BALANCED:
        return shuffled[:cap]
    halves = [[one for one in shuffled if one.value == value] for value in BALANCED[kind]]
    number = min(cap // 2, *(len(half) for half in halves))
    chosen = [one for half in halves for one in half[:number]]
    if kind in EXTRA:
        value, share = EXTRA[kind]
        chosen += [one for one in shuffled if one.value == value][: round(cap * share)]
    return chosen
