"""Dialogues -> packed rows: one picture and sound in front, several independent dialogues behind it.

A row is ``<|begin|><|user|>`` + media placeholders + block 1 + block 2 + ...; every block is one dialogue,
sees the front and itself only, and its positions restart after the front. So the media are read once for many
questions, and each dialogue is computed exactly as if it stood alone.

Each answer position also gets the slots that the answer is about ("targets"): supervision for two heads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Any

import torch
from torch import Tensor

IGNORE = -100
SPECIALS = (
    "<|pad|>",
    "<|begin|>",
    "<|end|>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|image|>",
    "<|audio|>",
)
LISTING = {"describe_picture", "list_objects", "describe_sound", "describe_both", "verdict", "unknown"}
SOUND_KINDS = {"presence_sound", "describe_sound", "when"}
NULLED = {"presence", "at_position", "absent", "presence_sound", "source", "position", "unknown"}


@dataclass(frozen=True)
class Front:
    """How many soft tokens each medium has, and which of them stands for "nothing"."""

    num_image_tokens: int = 12
    num_audio_tokens: int = 5
    image_null: int = 10
    audio_null: int = 4


@dataclass
class Row:
    """One packed row before padding."""

    ids: list[int] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    blocks: list[int] = field(default_factory=list)
    spans: list[tuple[int, int]] = field(
        default_factory=list
    )  # positions whose next token belongs to the answer
    targets: list[tuple[int, int, tuple[int, ...]]] = field(default_factory=list)  # (head, query, keys)
    media: list[str] = field(default_factory=list)  # "picture"/"sound" in the order of their placeholders


class Packer:
    """Tokenizes dialogues and lays them out.

    Args:
        tokenizer: a fast tokenizer that knows SPECIALS.
        front: token counts of the media.
    """

    def __init__(self, tokenizer: Any, front: Front):
        self.tokenizer, self.front = tokenizer, front
        self.special = {name: tokenizer.convert_tokens_to_ids(name) for name in SPECIALS}
        self.cache: dict[str, tuple[list[int], list[int]]] = {}

    def encode(self, text: str) -> tuple[list[int], list[int]]:
        """Ids and, per id, the offset of its last character."""
        if text not in self.cache:
            found = self.tokenizer(
                text, add_special_tokens=False, return_offsets_mapping=True, split_special_tokens=True
            )
            if len(self.cache) > 200_000:
                self.cache.clear()
            self.cache[text] = (found["input_ids"], [end - 1 for _, end in found["offset_mapping"]])
        return self.cache[text]

    def pack(self, dialogues: Sequence[Sequence[dict[str, Any]]], slots: dict[str, int]) -> Row:
        """Lays out dialogues that begin with the same media.

        Args:
            dialogues: turns as in arrays.turn_dict.
            slots: "t3" / "e1" -> number of the slot (within its medium) that shows it; without unseen ones.
        """
        row = Row()
        first = list(dialogues[0][0]["media"])
        where = self._media(row, first, 0, [self.special["<|begin|>"], self.special["<|user|>"]])
        after_front = len(row.ids)
        for block, dialogue in enumerate(dialogues, start=1):
            here, position = dict(where), after_front
            for number, turn in enumerate(dialogue):
                if turn["role"] == "user":
                    if number:
                        here |= self._media(row, turn["media"], block, [self.special["<|user|>"]], position)
                        position = row.positions[-1] + 1
                    ids = [*self.encode(turn["text"])[0], self.special["<|assistant|>"]]
                    self._add(row, ids, [IGNORE] * len(ids), block, position)
                else:
                    self._answer(row, turn, block, position, here, slots)
                position = row.positions[-1] + 1
        return row

    def _media(
        self, row: Row, media: Sequence[str], block: int, lead: list[int], position: int = 0
    ) -> dict[str, int]:
        """Adds lead tokens and placeholders; returns where each medium's tokens begin."""
        where, ids = {}, list(lead)
        for name, token, count in (("picture", "<|image|>", self.front.num_image_tokens),
                                   ("sound", "<|audio|>", self.front.num_audio_tokens)):  # fmt: skip
            if name in media:
                where[name] = len(row.ids) + len(ids)
                ids += [self.special[token]] * count
                row.media.append(name)
        self._add(row, ids, [IGNORE] * len(ids), block, position)
        return where

    def _add(self, row: Row, ids: list[int], labels: list[int], block: int, position: int) -> None:
        row.ids += ids
        row.labels += labels
        row.blocks += [block] * len(ids)
        row.positions += range(position, position + len(ids))

    def _answer(self, row: Row, turn: dict[str, Any], block: int, position: int, where: dict[str, int],
                slots: dict[str, int]) -> None:  # fmt: skip
        ids, ends = self.encode(turn["text"])
        start = len(row.ids) - 1  # the position that predicts the first answer token
        self._add(row, [*ids, self.special["<|end|>"]], [*ids, self.special["<|end|>"]], block, position)
        row.spans.append((start, start + len(ids) + 1))
        keys = {name: self._keys(names, where, slots) for name, names in
                (("about", turn["about"]), ("compare", turn["compare"]))}  # fmt: skip
        null = self._null(turn["kind"], where)
        links = [
            (
                link["end"],
                self._keys(link["things"], where, slots),
                self._keys(link["events"], where, slots),
                bool(link["things"] or link["events"]),
            )
            for link in turn["links"]
        ]
        for i, end in enumerate(ends):
            about, compare = keys["about"], keys["compare"]
            if turn["kind"] == "verdict" and end < turn["text"].find(":"):
                # "Yes" looks at what makes the sound, "only partly" at that and at nothing, "no" at nothing
                if turn["answer"]["value"] != "match":
                    about = (*about, *null)
            elif turn["kind"] in LISTING:
                link = next((link for link in links if end < link[0]), None)
                if link is None:
                    continue
                about, compare = (link[1] or link[2]) if link[3] else null, link[2]
            elif turn["kind"] == "further" and end >= turn["text"].find(":"):
                if compare and links[-1][1] == compare:  # "...: the second is higher": head 0 points at it
                    about, compare = compare, about
            elif turn["kind"] == "count":
                about = (*about, *null)  # the share of the null token tells how many there are
            elif not turn["about"] and turn["kind"] in NULLED:
                about = null
            if about:
                row.targets.append((0, start + i, about))
            if compare:
                row.targets.append((1, start + i, compare))

    def _keys(self, names: Sequence[str], where: dict[str, int], slots: dict[str, int]) -> tuple[int, ...]:
        found = []
        for name in names:
            medium = "picture" if name[0] == "t" else "sound"
            if name in slots and medium in where:
                found.append(where[medium] + slots[name])
        return tuple(found)

    def _null(self, kind: str, where: dict[str, int]) -> tuple[int, ...]:
        if kind in SOUND_KINDS or "picture" not in where:
            return (where["sound"] + self.front.audio_null,) if "sound" in where else ()
        return (where["picture"] + self.front.image_null,)


def collate_rows(rows: Sequence[Row]) -> dict[str, Tensor]:
    """Lays rows behind one another, as one sequence of T tokens without padding.

    Returns:
        input_ids, labels, position_ids (1, T); segments (S, 4) as in packed_attention.lay_out; targets (K, 3)
        head, query, key; target_weight (K,), with sum one for each query of a head.
    """
    segments, targets, weight = [], [], []
    for row, offset in zip(rows, offsets(rows), strict=True):
        front = row.blocks.count(0)
        borders = [0, *(i for i in range(1, len(row.blocks)) if row.blocks[i] != row.blocks[i - 1])]
        for begin, end in pairwise([*borders, len(row.blocks)]):
            seen = (offset, offset + front) if row.blocks[begin] else (offset, offset)
            segments.append((*seen, offset + begin, offset + end))
        for head, query, keys in row.targets:
            targets += [(head, offset + query, offset + key) for key in keys]
            weight += [1 / len(keys)] * len(keys)
    flat = {
        name: torch.tensor([[value for row in rows for value in getattr(row, field)]])
        for name, field in (("input_ids", "ids"), ("labels", "labels"), ("position_ids", "positions"))
    }
    return flat | {
        "segments": torch.tensor(segments, dtype=torch.long),
        "targets": torch.tensor(targets, dtype=torch.long).view(-1, 3),
        "target_weight": torch.tensor(weight, dtype=torch.float32),
    }


def offsets(rows: Sequence[Row]) -> list[int]:
    """Where each row begins in the sequence of collate_rows."""
    return [0, *accumulate(len(row.ids) for row in rows)][: len(rows)]


def attention_loss(picked: Tensor, weight: Tensor) -> Tensor:
    """Cross-entropy between attention and its targets.

    Args:
        picked: (K,) probabilities of the targets.
        weight: (K,) share of each key in its target, in the same order.
    """
    if len(picked) == 0:
        return picked.sum()
    return -(picked.float().clamp_min(1e-5).log() * weight).sum() / weight.sum()


def answer_loss(
    hidden: Tensor, labels: Tensor, head: Any, weight: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Next-token loss over answers only; the head is applied where it counts.

    Args:
        hidden: (B, L, H).
        labels: (B, L), not shifted.
        head: (..., H) -> (..., V).
        weight: (B, L) of the token that each position predicts; None weighs all alike.

    Returns:
        mean loss, argmax ids (B, L) with -1 where nothing is predicted, shifted labels (B, L).
    """
    shifted = torch.full_like(labels, IGNORE)
    shifted[:, :-1] = labels[:, 1:]
    kept = shifted != IGNORE
    logits = head(hidden[kept]).float()
    if weight is None:
        loss = torch.nn.functional.cross_entropy(logits, shifted[kept])
    else:
        each = torch.nn.functional.cross_entropy(logits, shifted[kept], reduction="none")
        loss = (each * weight[kept]).sum() / weight[kept].sum()
    guess = torch.full_like(labels, -1)
    guess[kept] = logits.detach().argmax(-1)
    return loss, guess, shifted


def group_by_media(record: dict[str, Any], front_limit: int = 12) -> list[list[list[dict[str, Any]]]]:
    """A record's dialogues by the media of their first turn, at most `front_limit` each."""
    groups: dict[tuple[str, ...], list[list[dict[str, Any]]]] = {}
    for dialogue in record["dialogues"]:
        media = tuple(m for m in ("picture", "sound") if m in dialogue[0]["media"])
        groups.setdefault(media, []).append(dialogue)
    return [group[:front_limit] for group in groups.values()]
