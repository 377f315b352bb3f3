"""Whether the text of an answer says what is true, and whether the verdict is right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bubo.records import RecordTurn
from bubo.types import Answer

from .evaluate_truth import Reading, Truth
from .figures import Figure, ratio_figure

ACCURACIES = {
    "presence": "presence_acc", "count": "count_acc", "position": "position_acc", "source": "source_acc",
    "presence_sound": "presence_sound_acc", "when": "when_acc", "relation": "relation_acc",
    "further": "further_acc", "at_position": "at_position_acc", "colour": "colour_acc", "size": "size_acc",
    "place": "place_acc",
}  # fmt: skip
"""Kinds of questions whose answers are right or wrong, and their figures."""
DESCRIPTIONS = {
    "description_f1": (("describe_picture", "describe_both"), "objects"),
    "sound_description_f1": (("describe_sound", "describe_both"), "sounds"),
    "list_f1": (("list_objects",), "objects"),
}
"""Figures of namings: the kinds of questions that ask for them, and the key that holds the names."""
NEAR_S = 1.0
"""How far seconds may be off in "when" answers; they are said in whole seconds."""
VERDICTS = ("match", "mismatch", "partly")


@dataclass(frozen=True)
class _Judged:
    """One answer that is right or wrong.

    `expected` is the same for questions with the same answer; `naive` says whether a trivial answer is right,
    None if that is the most frequent one.
    """

    record: str
    kind: str
    right: bool
    expected: Hashable
    naive: bool | None = None


@dataclass(frozen=True)
class _Named:
    """One answer that names classes."""

    record: str
    said: frozenset[str]
    expected: frozenset[str]


def is_right(turn: RecordTurn, read: Mapping[str, Any] | None) -> bool:
    """Whether what was read from a text is the truth: its value is there, and nothing else in it is wrong."""
    if read is None or "value" not in read:
        return False
    truth = dict(turn.answer)
    said = dict(read)
    if turn.kind == "when":
        gaps = [abs(a - b) for a, b in zip(said.pop("value"), truth.pop("value"), strict=True)]
        if max(gaps) > NEAR_S:
            return False
    return all(value == truth[key] for key, value in said.items() if key in truth)


class AnswerTally:
    """Collects answers to questions of known kinds.

    Args:
        reading: How answers are read.
    """

    def __init__(self, reading: Reading):
        self.reading = reading
        self._judged: list[_Judged] = []
        self._follow_ups: list[_Judged] = []
        self._source_names: list[_Judged] = []
        self._named: dict[str, list[_Named]] = {name: [] for name in DESCRIPTIONS}
        self._verdicts: list[tuple[str, str, str | None, Any]] = []

    def add(self, truth: Truth, turn: RecordTurn, answer: Answer, *, follow_up: bool = False) -> bool | None:
        """Judges one answer.

        Args:
            truth: The record's truth.
            turn: The assistant's turn as it should be.
            answer: What was answered.
            follow_up: Whether it was asked later in a dialogue; it then counts for nothing but follow_up_acc.

        Returns:
            Whether the text is right; None for kinds that are not right or wrong.
        """
        kind = turn.kind
        read = self.reading.parse(kind, answer.text)
        if kind in ACCURACIES:
            judged = _judge(truth, turn, read)
            (self._follow_ups if follow_up else self._judged).append(judged)
            if kind == "source" and not follow_up:
                self._source_names.append(_source_name(truth, turn, read))
            return judged.right
        if follow_up:
            return None
        if kind == "unknown":
            right = not any(not is_sound for _, is_sound in self.reading.classes(answer.text, False))
            self._judged.append(_Judged(truth.key, kind, right, "", naive=False))
            return right
        if kind == "verdict" and turn.answer["value"] in VERDICTS:
            said = None if answer.verdict is None else answer.verdict.value
            text = None if read is None else read["value"]
            self._verdicts.append((truth.key, turn.answer["value"], said, text))
            return bool(text == turn.answer["value"])
        for name, (kinds, key) in DESCRIPTIONS.items():
            if kind in kinds:
                said_names = frozenset((read or {}).get(key) or ())
                self._named[name].append(_Named(truth.key, said_names, frozenset(turn.answer[key])))
        return None

    def figures(self) -> dict[str, Figure]:
        """Figures of `ACCURACIES`, `DESCRIPTIONS` and verdicts, with some finer ones."""
        found = {name: _accuracy(self._of(kind)) for kind, name in ACCURACIES.items()}
        many = [row for row in self._of("count") if isinstance(row.expected, int) and row.expected > 1]
        found["count_many_acc"] = _accuracy(many)
        found["source_name_acc"] = _accuracy(self._source_names)
        found["unknown_acc"] = _accuracy(self._of("unknown"))
        found["follow_up_acc"] = _accuracy(self._follow_ups)
        found |= {name: _naming(rows) for name, rows in self._named.items()}
        return found | _verdict_figures(self._verdicts)

    def _of(self, kind: str) -> list[_Judged]:
        return [row for row in self._judged if row.kind == kind]


def _judge(truth: Truth, turn: RecordTurn, read: Mapping[str, Any] | None) -> _Judged:
    right = is_right(turn, read)
    value = turn.answer["value"]
    naive = None
    if turn.kind == "source":
        value = (value, turn.answer["position"])
    elif turn.kind == "further":
        value = "first" if value == turn.answer["a"] else "second"
    elif turn.kind == "when":
        whole = {**turn.answer, "value": [0.0, truth.duration_s]}
        value, naive = "", is_right(turn, whole)
    elif isinstance(value, list):
        value = tuple(value)
    return _Judged(truth.key, turn.kind, right, value, naive)


def _source_name(truth: Truth, turn: RecordTurn, read: Mapping[str, Any] | None) -> _Judged:
    """The same answer without the place of the thing."""
    kept = None if read is None else {key: value for key, value in read.items() if key != "position"}
    return _Judged(truth.key, "source", is_right(turn, kept), turn.answer["value"])


def majority(rows: Iterable[_Judged]) -> float:
    """Accuracy of the most frequent answer to each kind of question, or of its trivial answer."""
    right = total = 0
    expected: dict[str, Counter[Hashable]] = {}
    for row in rows:
        total += 1
        if row.naive is not None:
            right += row.naive
        else:
            expected.setdefault(row.kind, Counter())[row.expected] += 1
    right += sum(max(counts.values()) for counts in expected.values())
    return right / total if total else float("nan")


def _accuracy(rows: Sequence[_Judged]) -> Figure:
    right = [row.right for row in rows]
    return ratio_figure(right, np.ones(len(right)), [row.record for row in rows], majority(rows))


def best_fixed_list(expected: Sequence[frozenset[str]]) -> float:
    """The best F1 of naming the same most frequent classes every time."""
    counts = Counter(name for names in expected for name in names)
    total = sum(counts.values())
    hits, best = 0, 0.0
    for length, (_, number) in enumerate(counts.most_common(), 1):
        hits += number
        best = max(best, 2 * hits / (length * len(expected) + total))
    return best


def _naming(rows: Sequence[_Named]) -> Figure:
    hits = [2 * len(row.said & row.expected) for row in rows]
    sizes = [len(row.said) + len(row.expected) for row in rows]
    return ratio_figure(
        hits, sizes, [row.record for row in rows], best_fixed_list([row.expected for row in rows])
    )


def _verdict_figures(rows: Sequence[tuple[str, str, str | None, Any]]) -> dict[str, Figure]:
    """Two figures over match and mismatch; verdict3_acc, the mean of the shares right of all three truths."""
    two = [row for row in rows if row[1] != "partly"]
    often = max(Counter(row[1] for row in two).values(), default=0) / max(len(two), 1)
    groups, ones = [row[0] for row in two], np.ones(len(two))
    of_each = Counter(row[1] for row in rows)
    weights = np.array([1 / of_each[row[1]] for row in rows])
    hits = np.array([row[1] == row[2] for row in rows], bool)
    return {
        "verdict_acc": ratio_figure([row[1] == row[2] for row in two], ones, groups, often),
        "verdict_text_acc": ratio_figure([row[1] == row[3] for row in two], ones, groups, often),
        "verdict3_acc": ratio_figure(hits * weights, weights, [r[0] for r in rows], 1 / max(len(of_each), 1)),
    }
