"""Checks records: links cut out whole phrases, ids exist, and every answer reads back as the truth says."""

from collections.abc import Mapping
from typing import Any

from bubo.answers import Names, parse_answer
from bubo.records import Record, RecordTurn

_UNREAD_KINDS = frozenset({"talk", "unknown", "why"})
_STATUS_NEEDS = {
    "seen": (True, False),
    "heard": (False, True),
    "both": (True, True),
    "absent": (False, False),
}


def check_record(record: Record, vocabulary: Mapping[str, Any], *, names: Names | None = None) -> list[str]:
    """Return what is wrong with a record in words, an empty list if nothing is.

    Args:
        record: what to check; its media is not looked at.
        vocabulary: the dict of vocabulary.json.
        names: the same vocabulary prepared for reading answers; built when not given.
    """
    names = names or Names.from_vocabulary(vocabulary)
    ids = {entry["id"] for key in ("objects", "events") for entry in record.truth[key]}
    wrong = []
    for number, dialogue in enumerate(record.dialogues):
        roles = [turn.role for turn in dialogue]
        if not roles or roles != ["user", "assistant"] * (len(roles) // 2):
            wrong.append(f"dialogue {number}: roles are {roles}, expected user and assistant in turns")
        for turn in dialogue:
            found = _links(turn, ids) + (_facts(turn, names) if turn.role == "assistant" else [])
            wrong += [f"dialogue {number}, {turn.text!r}: {text}" for text in found]
    return wrong


def _links(turn: RecordTurn, ids: set[str]) -> list[str]:
    wrong = []
    last = 0
    for link in turn.links:
        phrase = turn.text[link["start"] : link["end"]]
        if not last <= link["start"] < link["end"] <= len(turn.text) or phrase != phrase.strip():
            wrong.append(f"link {link['start']}..{link['end']} cuts out {phrase!r}")
        last = link["end"]
        before, after = turn.text[: link["start"]][-1:], turn.text[link["end"] :][:1]
        if before.isalnum() or after.isalnum():
            wrong.append(f"link {phrase!r} cuts a word")
        if (bool(link["things"]), bool(link["events"])) != _STATUS_NEEDS[link["status"]]:
            wrong.append(f"link {phrase!r} is {link['status']} with {link['things']} and {link['events']}")
        unknown = {*link["things"], *link["events"]} - ids
        if unknown:
            wrong.append(f"link {phrase!r} names {sorted(unknown)}, which the truth does not hold")
    unknown = {*turn.about, *turn.compare} - ids
    if unknown:
        wrong.append(f"about or compare names {sorted(unknown)}, which the truth does not hold")
    return wrong


def _facts(turn: RecordTurn, names: Names) -> list[str]:
    """Compare what the text says with the answer; a text need not carry every key."""
    if turn.kind in _UNREAD_KINDS:
        return []
    read = parse_answer(turn.kind, turn.text, names)
    if read is None:
        return [f"no {turn.kind} can be read from it"]
    wrong = []
    for key, value in read.items():
        expected = turn.answer.get(key)
        if turn.kind == "when" and key == "value":
            value, expected = [int(v) for v in value], [int(v + 0.5) for v in turn.answer["value"]]
        if turn.kind == "absent":
            value, expected = sorted(value), sorted(expected or ())
        if value != expected:
            wrong.append(f"{key} reads {value!r}, but is {expected!r}")
    if "value" in turn.answer and "value" not in read:
        wrong.append("its value cannot be read")
    return wrong
