"""Packed rows as a data set: dialogues with the truth tokens or the tower features that they refer to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .arrays import WorldArrays
from .oracle import picture_truth, sound_truth
from .packing import Packer, Row, collate_rows, group_by_media, offsets

#: (world, record) -> (arrays of the picture or None, arrays of the sound or None, "t3"/"e1" -> slot)
Reader = Callable[
    [WorldArrays, dict[str, Any]],
    tuple[dict[str, np.ndarray] | None, dict[str, np.ndarray] | None, dict[str, int]],
]
PICTURE_KEYS = ("things", "boxes", "colours", "place", "vision")
SOUND_KEYS = ("events", "times", "duration", "audio")


def truth_reader(world: WorldArrays, record: dict[str, Any]) -> Any:
    """Reads truth tokens only."""
    picture = sound = None
    slots: dict[str, int] = {}
    if record["picture"] >= 0:
        picture, found = picture_truth(world, record["picture"], record)
        slots |= found
    if record["sound"] >= 0:
        sound, found = sound_truth(world, record["sound"], record)
        slots |= found
    return picture, sound, slots


class RowSet:
    """Rows of packed dialogues.

    Args:
        arrays: opened data folders.
        packer: lays the dialogues out.
        reader: what stands for the media.
        dialogues: keeps dialogues by their number of user turns: "single", "multi" or "all".
        kinds: keeps only single-turn dialogues whose answer is of these kinds (captions), or None for all.
        per_row: most dialogues in a row; those of a record beyond it take turns over the epochs.
        fact_weight: weight in the loss of the tokens that carry an answer's fact; all others have 1.
        joined: share of rows whose dialogues follow one another as one long talk.
    """

    def __init__(
        self,
        arrays: list[WorldArrays],
        packer: Packer,
        reader: Reader,
        *,
        dialogues: str = "all",
        kinds: frozenset[str] | None = None,
        per_row: int = 9,
        seed: int = 0,
        limit: int | None = None,
        fact_weight: float = 1.0,
        joined: float = 0.0,
    ):
        self.packer, self.reader, self.per_row, self.seed, self.epoch = packer, reader, per_row, seed, 0
        self.fact_weight, self.joined = fact_weight, joined
        self.rows: list[tuple[WorldArrays, dict[str, Any], list[list[dict[str, Any]]]]] = []
        for world in arrays:
            for record in world.records[:limit]:
                for group in group_by_media(record, front_limit=99):
                    kept = [d for d in group if _wanted(d, dialogues, kinds)]
                    if kept:
                        self.rows.append((world, record, kept))

    def set_epoch(self, epoch: int) -> None:
        """Chooses which dialogues of a crowded record are shown, and which rows are one talk."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[Row, Any, Any, list[list[dict[str, Any]]]]:
        world, record, group = self.rows[index]
        rng = np.random.default_rng([self.seed, self.epoch, index])
        if len(group) > self.per_row:
            group = [group[i] for i in sorted(rng.choice(len(group), self.per_row, replace=False))]
        if rng.random() < self.joined:
            group = join([group[i] for i in rng.permutation(len(group))])
        picture, sound, slots = self.reader(world, record)
        row = self.packer.pack(group, slots)
        return row, picture, sound, group

    def collate(self, items: list[Any]) -> dict[str, Tensor]:
        """Batch of collate_rows, and media in the order of their placeholders: ``picture_*``, ``sound_*``.

        `sound_frames` (N,) says how many rows of `sound_audio` (N, longest, D) are real; `word_weight` (1, T)
        weighs the token that each position predicts.
        """
        batch = collate_rows([item[0] for item in items])
        pictures = [picture for row, picture, _, _ in items for medium in row.media if medium == "picture"]
        sounds = [sound for row, _, sound, _ in items for medium in row.media if medium == "sound"]
        batch |= {f"picture_{key}": _stack([p[key] for p in pictures]) for key in PICTURE_KEYS
                  if pictures and key in pictures[0]}  # fmt: skip
        batch |= {f"sound_{key}": _stack([s[key] for s in sounds]) for key in SOUND_KEYS
                  if sounds and key in sounds[0]}  # fmt: skip
        if self.fact_weight != 1:
            batch["word_weight"] = torch.ones_like(batch["labels"], dtype=torch.float32)
            for item, offset in zip(items, offsets([item[0] for item in items]), strict=True):
                for _, start, facts in answer_facts(item[0], item[3], self.packer):
                    batch["word_weight"][0, [offset + start + i for i in facts]] = self.fact_weight
        if "sound_audio" in batch:
            batch["sound_frames"] = torch.tensor([len(s["audio"]) for s in sounds])
        return batch


def usual_length(rows: RowSet) -> int:
    """Tokens of a dialogue with its media that only every twentieth row goes beyond."""
    lengths = [max(rows[index][0].positions) + 1 for index in range(len(rows))]
    return int(np.percentile(lengths, 95))


def join(dialogues: list[list[dict[str, Any]]]) -> list[list[dict[str, Any]]]:
    """Dialogues about the same media as one talk, which shows the media once.

    A dialogue that brings more media comes last, as the others know nothing of them; a second one of that
    kind stays by itself.
    """
    adding = [dialogue for dialogue in dialogues if any(turn["media"] for turn in dialogue[1:])]
    talk, *rest = [dialogue for dialogue in dialogues if dialogue not in adding] + adding[:1]
    later = [turn for dialogue in rest for turn in ({**dialogue[0], "media": []}, *dialogue[1:])]
    return [[*talk, *later], *adding[1:]]


def _wanted(dialogue: list[dict[str, Any]], dialogues: str, kinds: frozenset[str] | None) -> bool:
    single = len(dialogue) == 2
    if (dialogues == "single" and not single) or (dialogues == "multi" and single):
        return False
    return kinds is None or (single and dialogue[1]["kind"] in kinds)


def _stack(values: list[np.ndarray]) -> Tensor:
    first = np.asarray(values[0])
    if first.ndim == 2 and len({len(v) for v in values}) > 1:  # frames of sounds differ in number
        longest = max(len(v) for v in values)
        values = [np.pad(v, ((0, longest - len(v)), (0, 0))) for v in values]
    stacked = np.stack(values)
    if stacked.dtype == np.float16:
        stacked = stacked.astype(np.float32)
    return torch.from_numpy(stacked)


def value_spans(turn: dict[str, Any]) -> list[tuple[int, int]]:
    """Character spans of an answer that carry its fact: they must be right for the answer to be right."""
    kind, answer, text = turn["kind"], turn["answer"], turn["text"]
    links = [(link["start"], link["end"]) for link in turn["links"]]
    if kind in ("presence", "presence_sound", "relation", "verdict"):
        return [(0, len(text.split(",")[0].split(":")[0]))]
    if kind == "when":
        return [(i, i + 1) for i, letter in enumerate(text) if letter.isdigit()]
    words: list[str] = []
    for key in ("value", "position"):
        value = (
            answer.get(key)
            if kind in ("position", "at_position", "colour", "size", "further", "source")
            else None
        )
        words += value if isinstance(value, list) else [value] if isinstance(value, str) else []
    find = text.rfind if kind == "further" else text.find  # where the two are comes before which is further
    spans = [(find(word), find(word) + len(word)) for word in words if word in text]
    return spans or links or [(0, len(text))]


def answer_facts(
    row: Row, group: list[list[dict[str, Any]]], packer: Packer
) -> Iterator[tuple[dict[str, Any], int, list[int]]]:
    """Each answer of a row: its turn, the position that predicts its first token, which tokens are facts."""
    turns = [turn for dialogue in group for turn in dialogue if turn["role"] == "assistant"]
    for (start, _), turn in zip(row.spans, turns, strict=True):
        ends = packer.encode(turn["text"])[1]
        spans = value_spans(turn)
        yield turn, start, [i for i, end in enumerate(ends) if any(low <= end < high for low, high in spans)]


def exact_by_kind(
    rows: list[tuple[Row, list[list[dict[str, Any]]]]], packer: Packer, guess: Tensor
) -> list[tuple[str, bool]]:
    """For each answer of a batch its kind and whether every fact token is the argmax; guess (1, T)."""
    found = []
    for (row, group), offset in zip(rows, offsets([row for row, _ in rows]), strict=True):
        for turn, start, facts in answer_facts(row, group, packer):
            ids = packer.encode(turn["text"])[0]
            found.append((turn["kind"], all(int(guess[0, offset + start + i]) == ids[i] for i in facts)))
    return found
