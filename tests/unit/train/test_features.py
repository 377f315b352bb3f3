"""Which thing a slot shows."""

from __future__ import annotations

import torch

from bubo.train.features import match_things


def box_mask(x0: int, y0: int, x1: int, y1: int, side: int = 16) -> torch.Tensor:
    mask = torch.zeros(side, side)
    mask[y0:y1, x0:x1] = 1
    return mask


def match(
    masks: list[torch.Tensor], scores: list[float], instances: torch.Tensor, **kwargs: float
) -> list[int]:
    found = match_things(torch.stack(masks)[None], torch.tensor([scores]), instances[None], **kwargs)
    result: list[int] = found[0].tolist()
    return result


#: thing 0 at the upper left, thing 1 right of it, thing 2 below both
INSTANCES = (
    box_mask(0, 0, 6, 6) + 2 * box_mask(6, 0, 14, 6) + 3 * box_mask(0, 8, 16, 16)
).to(torch.uint8)  # fmt: skip


def test_each_slot_finds_its_thing() -> None:
    masks = [box_mask(0, 8, 16, 15), box_mask(0, 0, 6, 6), box_mask(6, 0, 13, 6)]
    assert match(masks, [0.9, 0.8, 0.7], INSTANCES) == [2, 0, 1]


def test_a_thing_belongs_to_the_slot_that_shows_it_best() -> None:
    masks = [box_mask(0, 0, 5, 5), box_mask(0, 0, 6, 6), box_mask(0, 0, 6, 5)]
    assert match(masks, [0.9, 0.9, 0.9], INSTANCES) == [-1, 0, -1]


def test_the_best_pair_goes_first() -> None:
    # the first slot overlaps both things, and better with thing 0; the second one shows thing 0 exactly
    masks = [box_mask(0, 0, 11, 6), box_mask(0, 0, 6, 6)]
    assert match(masks, [0.9, 0.9], INSTANCES) == [1, 0]


def test_empty_slots_and_poor_matches_show_nothing() -> None:
    masks = [box_mask(0, 0, 6, 6), box_mask(0, 0, 2, 2), torch.zeros(16, 16)]
    assert match(masks, [0.0, 0.9, 0.9], INSTANCES) == [-1, -1, -1]
    assert match(masks, [0.0, 0.9, 0.9], INSTANCES, lowest=0.1) == [-1, 0, -1]


def test_pictures_do_not_mix() -> None:
    masks = torch.stack([torch.stack([box_mask(0, 0, 6, 6)]), torch.stack([box_mask(0, 8, 16, 16)])])
    instances = torch.stack([INSTANCES, INSTANCES])
    assert match_things(masks, torch.ones(2, 1), instances).tolist() == [[0], [2]]
    assert match_things(masks, torch.ones(2, 1), torch.zeros_like(instances)).tolist() == [[-1], [-1]]
