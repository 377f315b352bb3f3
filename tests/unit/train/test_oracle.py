"""Truth tokens: names as bags of word pieces, things from left to right, sounds by their start."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tiny import tiny_tokenizer
from unit.train.small_world import BOXES, COLOURS, OBJECTS, SOUNDS

from bubo.train.oracle import (
    NUM_EVENTS,
    NUM_SLOTS,
    TruthTokens,
    name_ids,
    picture_truth,
    place_events,
    place_things,
    sound_truth,
)

WIDTH = 16


@pytest.fixture(scope="module")
def truth() -> TruthTokens:
    torch.manual_seed(0)
    tokenizer = tiny_tokenizer()
    names = (OBJECTS, SOUNDS, ("beach",), COLOURS)
    return TruthTokens(WIDTH, *(name_ids(tokenizer, group) for group in names)).eval()


@pytest.fixture(scope="module")
def embedding() -> torch.Tensor:
    return torch.randn(len(tiny_tokenizer()), WIDTH, generator=torch.Generator().manual_seed(1))


def picture(**changes: Any) -> dict[str, torch.Tensor]:
    """One picture with a dog (red) and an alarm clock (no colour), two slots of ten."""
    things = torch.full((1, NUM_SLOTS), -1)
    things[0, :2] = torch.tensor([0, 2])
    boxes = torch.zeros(1, NUM_SLOTS, 4)
    boxes[0, :2] = torch.tensor([[0.1, 0.1, 0.3, 0.4], [0.5, 0.5, 0.9, 0.9]])
    colours = torch.full((1, NUM_SLOTS), -1)
    colours[0, 0] = 0
    return {"things": things, "boxes": boxes, "colours": colours, "place": torch.tensor([0]), **changes}


def test_name_ids_are_those_inside_a_sentence() -> None:
    tokenizer = tiny_tokenizer()
    ids = name_ids(tokenizer, OBJECTS)
    for row, name in zip(ids.tolist(), OBJECTS, strict=True):
        assert tokenizer.decode([i for i in row if i >= 0]) == " " + name
    assert ids.shape == (3, max(len(tokenizer(" " + name)["input_ids"]) for name in OBJECTS))


@torch.no_grad()
def test_a_bag_is_the_mean_of_its_pieces(truth: TruthTokens, embedding: torch.Tensor) -> None:
    ids = [i for i in name_ids(tiny_tokenizer(), OBJECTS)[2].tolist() if i >= 0]
    assert len(ids) > 1
    bags = truth.bag("object", torch.tensor([2, -1]), embedding)
    torch.testing.assert_close(bags[0], embedding[ids].mean(0))
    assert bags[1].abs().sum() == 0


@torch.no_grad()
def test_picture_tokens(truth: TruthTokens, embedding: torch.Tensor) -> None:
    tokens = truth.picture(embedding, **picture())
    assert tokens.shape == (1, NUM_SLOTS + 2, WIDTH)
    for slot in range(2, NUM_SLOTS):
        torch.testing.assert_close(tokens[0, slot], truth.image_kinds[1])
    torch.testing.assert_close(tokens[0, NUM_SLOTS], truth.image_kinds[2])
    place = truth.bag("place", torch.tensor([0]), embedding)[0]
    torch.testing.assert_close(tokens[0, NUM_SLOTS + 1], place + truth.image_kinds[3])

    moved = picture()
    moved["boxes"][0, 0, [0, 2]] += 0.2
    changed = (truth.picture(embedding, **moved) - tokens).abs().sum(-1)[0] > 1e-6
    assert changed.tolist() == [True] + [False] * (NUM_SLOTS + 1)
    grey = picture(colours=torch.full((1, NUM_SLOTS), -1))
    difference = tokens[0, 0] - truth.picture(embedding, **grey)[0, 0]
    torch.testing.assert_close(difference, 0.5 * truth.bag("colour", torch.tensor([0]), embedding)[0])
    nowhere = truth.picture(embedding, **picture(place=torch.tensor([-1])))
    torch.testing.assert_close(nowhere[0, -1], truth.image_kinds[3])


@torch.no_grad()
def test_sound_tokens(truth: TruthTokens, embedding: torch.Tensor) -> None:
    events = torch.tensor([[1, 0, -1, -1]])
    times = torch.tensor([[[0.5, 1.0], [2.0, 3.0], [0, 0], [0, 0]]])
    tokens = truth.sound(embedding, events, times, torch.tensor([4.0]))
    assert tokens.shape == (1, NUM_EVENTS + 1, WIDTH)
    torch.testing.assert_close(tokens[0, 2], truth.audio_kinds[1])
    longer = truth.sound(embedding, events, times, torch.tensor([6.0]))
    changed = (longer - tokens).abs().sum(-1)[0] > 1e-6
    assert changed.tolist() == [False] * NUM_EVENTS + [True]
    later = truth.sound(
        embedding, events, times + torch.tensor([[[1.0], [0], [0], [0]]]), torch.tensor([4.0])
    )
    assert ((later - tokens).abs().sum(-1)[0] > 1e-6).tolist() == [True] + [False] * NUM_EVENTS


def test_no_names_of_a_kind_are_no_trouble(embedding: torch.Tensor) -> None:
    tokenizer = tiny_tokenizer()
    truth = TruthTokens(WIDTH, *(name_ids(tokenizer, names) for names in (OBJECTS, SOUNDS, (), ())))
    tokens = truth.picture(
        embedding, **picture(colours=torch.full((1, NUM_SLOTS), -1), place=torch.tensor([-1]))
    )
    assert tokens.isfinite().all()


def test_things_stand_from_left_to_right(small_arrays: Any) -> None:
    record = small_arrays.records[0]
    made, slots = picture_truth(small_arrays, 0, record)
    assert BOXES[0][0] > BOXES[1][0] and slots == {"t1": 0, "t0": 1}
    assert made["things"].tolist()[:3] == [*small_arrays.thing_class[0][[1, 0]], -1]
    np.testing.assert_allclose(made["boxes"][:2], small_arrays.thing_boxes[0][[1, 0]])
    assert made["colours"].tolist()[:3] == [1, 0, -1]
    assert int(made["place"]) == 0


def test_things_stand_where_they_are_put(small_arrays: Any) -> None:
    made = place_things(small_arrays, 0, small_arrays.records[0], [-1, 0, -1, 1])
    assert (made["things"] >= 0).nonzero()[0].tolist() == [1, 3]
    assert made["things"][1] == small_arrays.thing_class[0][0]
    assert made["boxes"][[0, 2]].sum() == 0


def test_events_stand_by_their_start(small_arrays: Any) -> None:
    record = {"truth": {"events": [{"id": "e0"}, {"id": "e1"}]}}
    made, slots = sound_truth(small_arrays, 0, record)
    assert slots == {"e0": 0, "e1": 1}
    assert made["events"].tolist() == [0, 1, -1, -1]
    assert float(made["duration"]) == pytest.approx(2.5)
    turned = place_events(small_arrays, 0, [1, -1, 0])
    assert turned["events"].tolist() == [1, -1, 0, -1]
    np.testing.assert_allclose(turned["times"][2], small_arrays.event_times[0, 0])
