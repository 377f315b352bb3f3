"""Rows of a world: which dialogues, which media, and which tokens carry an answer's fact."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tiny import tiny_tokenizer

from bubo.train.packing import IGNORE, Front, Packer, collate_rows, offsets
from bubo.train.rows import (
    RowSet,
    answer_facts,
    exact_by_kind,
    join,
    truth_reader,
    usual_length,
    value_spans,
)


@pytest.fixture(scope="module")
def packer() -> Packer:
    return Packer(tiny_tokenizer(), Front())


def answer(kind: str, text: str, links: Any = (), **facts: Any) -> dict[str, Any]:
    spans = [
        {"start": text.index(p), "end": text.index(p) + len(p), "things": [], "events": []} for p in links
    ]
    return {"role": "assistant", "kind": kind, "text": text, "links": spans, "answer": facts, "about": [],
            "compare": [], "media": []}  # fmt: skip


@pytest.mark.parametrize(
    ("turn", "facts"),
    [
        (answer("presence", "Yes, there is a dog.", ["a dog"], name="dog", value=True), ["Yes"]),
        (answer("verdict", "I cannot say: I hear nothing.", value=None), ["I cannot say"]),
        (answer("relation", "No.", value=False), ["No."]),
        (answer("when", "It barks from 1.5 to 20 s.", ["It barks"]), ["1", "5", "2", "0"]),
        (answer("position", "The dog is top left.", ["The dog"], value="top left"), ["top left"]),
        (answer("source", "The dog on the left.", value="dog", position="left"), ["dog", "left"]),
        (answer("at_position", "There is nothing.", value=None, position="left"), ["There is nothing."]),
        (answer("colour", "It has no colour.", value="grey"), ["It has no colour."]),
        (answer("further", "The cat, then.", ["The cat"], a="cat", value="cat"), ["cat"]),
        (answer("further", "The cat is left, a dog right: it is the cat.", value="cat"), ["cat"]),
        (answer("further", "Neither is.", value="cat"), ["Neither is."]),
        (answer("count", "I see two dogs.", ["two dogs"], value=2), ["two dogs"]),
        (answer("describe_picture", "A dog and a cat.", ["A dog", "a cat"]), ["A dog", "a cat"]),
        (answer("talk", "I am Bubo."), ["I am Bubo."]),
    ],
)  # fmt: skip
def test_the_fact_of_an_answer(turn: dict[str, Any], facts: list[str]) -> None:
    assert [turn["text"][start:end] for start, end in value_spans(turn)] == facts


def rows_of(world: Any, packer: Packer, **kwargs: Any) -> RowSet:
    return RowSet([world], packer, truth_reader, **kwargs)


def test_dialogues_are_chosen_by_turns_and_kinds(small_arrays: Any, packer: Packer) -> None:
    def texts(**kwargs: Any) -> set[str]:
        rows = rows_of(small_arrays, packer, **kwargs)
        return {turn["text"] for i in range(len(rows)) for dialogue in rows[i][3] for turn in dialogue[:1]}

    assert texts() == {
        "Where is it?",
        "When is it heard?",
        "What do you see?",
        "Who are you?",
        "What do you hear?",
    }
    assert texts(dialogues="multi") == {"What do you see?"}
    assert "What do you see?" not in texts(dialogues="single")
    assert texts(kinds=frozenset({"when"})) == {"When is it heard?"}
    assert texts(kinds=frozenset({"describe_picture"})) == set()  # only in a talk of several turns
    assert len(rows_of(small_arrays, packer, limit=2)) == 6  # both media, the picture alone, no media


def test_a_crowded_record_shows_other_dialogues_in_other_epochs(small_arrays: Any, packer: Packer) -> None:
    rows = rows_of(small_arrays, packer, per_row=1, seed=3)
    seen = []
    for epoch in range(8):
        rows.set_epoch(epoch)
        assert rows[0][3] == rows[0][3] and len(rows[0][3]) == 1
        seen.append(rows[0][3][0][0]["text"])
    assert set(seen) == {"Where is it?", "When is it heard?"}
    again = rows_of(small_arrays, packer, per_row=1, seed=3)
    again.set_epoch(7)
    assert again[0][3][0][0]["text"] == seen[7]


def test_media_stand_in_the_order_of_their_placeholders(small_arrays: Any, packer: Packer) -> None:
    rows = rows_of(small_arrays, packer)
    items = [rows[i] for i in range(len(rows))]
    batch = rows.collate(items)
    media = [name for row, *_ in items for name in row.media]
    assert (
        len(batch["picture_things"]) == media.count("picture") == 22
    )  # each picture: both media, picture alone
    assert len(batch["sound_events"]) == media.count("sound") == 23
    ids = batch["input_ids"]
    assert int((ids == packer.special["<|image|>"]).sum()) == 12 * 22
    assert int((ids == packer.special["<|audio|>"]).sum()) == 5 * 23
    wanted = [sound for row, _, sound, _ in items for name in row.media if name == "sound"]
    assert batch["sound_duration"].tolist() == [float(sound["duration"]) for sound in wanted]
    assert batch["picture_boxes"].shape == (22, 10, 4)
    assert "word_weight" not in batch and "sound_frames" not in batch


def test_frames_are_padded_and_counted(small_arrays: Any, packer: Packer) -> None:
    def reader(world: Any, record: Any) -> Any:
        picture, sound, slots = truth_reader(world, record)
        if sound is not None:
            sound["audio"] = np.ones((3 + record["sound"], 4), np.float16)
        return picture, sound, slots

    rows = RowSet([small_arrays], packer, reader, dialogues="multi")
    batch = rows.collate([rows[0], rows[2]])
    assert batch["sound_frames"].tolist() == [3, 5]
    assert batch["sound_audio"].dtype == torch.float32
    assert batch["sound_audio"].sum((1, 2)).tolist() == [12.0, 20.0]


def test_exactness_asks_for_the_fact_only(small_arrays: Any, packer: Packer) -> None:
    rows = rows_of(small_arrays, packer)
    items = [rows[i] for i in range(4)]
    labels = collate_rows([item[0] for item in items])["labels"]
    perfect = torch.full_like(labels, -1)
    perfect[:, :-1] = torch.where(labels[:, 1:] == IGNORE, -1, labels[:, 1:])
    pairs = [(item[0], item[3]) for item in items]
    found = exact_by_kind(pairs, packer, perfect)
    kinds = [turn["kind"] for _, group in pairs for dialogue in group for turn in dialogue if turn["kind"]]
    assert [kind for kind, _ in found] == kinds and all(right for _, right in found)

    for answer_number, (turn, start, facts) in enumerate(answer_facts(*pairs[0], packer)):
        count = len(packer.encode(turn["text"])[0])
        for i in range(count):
            guess = perfect.clone()
            guess[0, start + i] = 0
            right = [hit for _, hit in exact_by_kind(pairs, packer, guess)]
            assert right.pop(answer_number) == (i not in facts)
            assert all(right)
        assert 0 < len(facts) < count


def test_facts_weigh_more(small_arrays: Any, packer: Packer) -> None:
    rows = rows_of(small_arrays, packer, fact_weight=4.0)
    items = [rows[0], rows[1]]
    batch = rows.collate(items)
    heavy = {
        offset + start + i
        for item, offset in zip(items, offsets([item[0] for item in items]), strict=True)
        for _, start, facts in answer_facts(item[0], item[3], packer)
        for i in facts
    }
    assert {int(i) for i in (batch["word_weight"][0] == 4).nonzero()} == heavy
    assert set(batch["word_weight"].unique().tolist()) == {1.0, 4.0}


def user(text: str, *media: str) -> dict[str, Any]:
    return {"role": "user", "text": text, "media": list(media)}


def test_joined_dialogues_show_their_media_once() -> None:
    first = [user("Where?", "picture"), answer("position", "There.")]
    adding = [
        user("What?", "picture"),
        answer("place", "Here."),
        user("And?", "sound"),
        answer("when", "Now."),
    ]
    second = [user("How many?", "picture"), answer("count", "Two.")]
    talk, *alone = join([adding, first, adding, second])
    assert alone == [adding]
    assert [turn["text"] for turn in talk[::2]] == ["Where?", "How many?", "What?", "And?"]
    assert [turn["media"] for turn in talk[::2]] == [["picture"], [], [], ["sound"]]
    assert adding[0]["media"] == ["picture"]  # left as it was
    assert join([first]) == [first]


def test_a_share_of_the_rows_is_joined(small_arrays: Any, packer: Packer) -> None:
    apart, half, all_of_them = (rows_of(small_arrays, packer, joined=share) for share in (0.0, 0.5, 1.0))
    several = [i for i in range(len(apart)) if len(apart[i][3]) > 1]
    assert several
    for i in several:
        turns = sorted(turn["text"] for dialogue in apart[i][3] for turn in dialogue)
        assert sorted(turn["text"] for dialogue in all_of_them[i][3] for turn in dialogue) == turns
        assert len(all_of_them[i][3]) < len(apart[i][3])
    joined = set()
    for epoch in range(12):
        half.set_epoch(epoch)
        assert half[several[0]][3] == half[several[0]][3]
        joined.add(len(half[several[0]][3]) < len(apart[several[0]][3]))
    assert joined == {True, False}
    assert usual_length(all_of_them) > usual_length(apart)
