"""Dialogues -> packed rows: one picture and sound in front, several independent dialogues behind it.

A row is ``<|begin|><|user|>`` + media placeholders + block 1 + block 2 + ...; every block is one dialogue,
sees the front and itself only, and its positions restart after the front. So the media are read once for many
questions, and each dialogue is computed exactly as if it stood alone.

Each answer position also gets the slots that the answer is about ("targets"): supervision for two heads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
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
NULLED = {"presence", "count", "at_position", "absent", "presence_sound", "source", "position", "unknown"}


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
    kinds: list[int] = field(default_factory=list)  # per answer, with its span in `spans`
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
            if turn["kind"] in LISTING:
                link = next((link for link in links if end < link[0]), None)
                if link is None:
                    continue
                about, compare = (link[1] or link[2]) if link[3] else null, link[2]
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


def collate_rows(rows: Sequence[Row], pad_id: int) -> dict[str, Tensor]:
    """Pads rows on the right.

    Returns:
        input_ids, labels, position_ids (B, L); attention_mask (B, 1, L, L) additive float; target_index
        (N, 4) long: row, head, query, key; target_weight (N,), with sum one for each query of a head.
    """
    length = max(len(row.ids) for row in rows)

    def pad(name: str, value: int) -> Tensor:
        return torch.tensor([getattr(row, name) + [value] * (length - len(row.ids)) for row in rows])

    blocks = pad("blocks", -1)
    same = (blocks[:, :, None] == blocks[:, None, :]) | ((blocks[:, None, :] == 0) & (blocks[:, :, None] > 0))
    steps = torch.arange(length)
    seen = same & (steps[:, None] >= steps[None, :]) & (blocks[:, None, :] >= 0)
    seen |= torch.eye(length, dtype=torch.bool)  # padding sees itself: no row of the softmax is empty
    mask = torch.zeros(seen.shape).masked_fill_(~seen, torch.finfo(torch.float32).min / 2)[:, None]
    index, weight = [], []
    for b, row in enumerate(rows):
        for head, query, keys in row.targets:
            index += [(b, head, query, key) for key in keys]
            weight += [1 / len(keys)] * len(keys)
    return {
        "input_ids": pad("ids", pad_id), "labels": pad("labels", IGNORE), "position_ids": pad("positions", 0),
        "attention_mask": mask, "target_index": torch.tensor(index, dtype=torch.long).view(-1, 4),
        "target_weight": torch.tensor(weight, dtype=torch.float32),
    }  # fmt: skip


def attention_loss(attention: Tensor, index: Tensor, weight: Tensor) -> Tensor:
    """Cross-entropy between attention rows and their targets.

    Args:
        attention: (B, heads, L, L) of the supervised layer, after the softmax.
        index: (N, 4) row, head, query, key.
        weight: (N,) share of the key in its target.
    """
    if len(index) == 0:
        return attention.sum() * 0
    picked = attention[index[:, 0], index[:, 1], index[:, 2], index[:, 3]].float().clamp_min(1e-5)
    return -(picked.log() * weight).sum() / weight.sum()


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
