"""Pointing measured: who knows the truth gets full marks, who gives the largest thing gets the baseline."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bubo import cli
from bubo.grounding.perception import Instance
from bubo.records import read_shards
from bubo.train.evaluate import evaluate_places, generate
from bubo.train.evaluate_places import QUESTIONS, grown, inside_point
from bubo.train.evaluate_truth import Truth
from bubo.types import Answer, Entity, Link, Picture, Place, Region


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, emoji_font: None) -> Path:
    """A few validation pictures, made as `bubo eval places` makes them."""
    folder = tmp_path_factory.mktemp("places") / "world"
    generate(folder, "validation", 3, 4, "picture")
    return folder


class Seer:
    """Grounder, assistant and conversation of one who knows the pictures."""

    def __init__(self, folder: Path):
        self.records = {record.picture.id: record for record in read_shards(folder) if record.picture}
        self.grounder = self
        self.asked: list[str] = []

    def regions(self, picture: Picture) -> dict[str, Region]:
        truth = Truth(self.records[picture.id])
        boxes = {entry["id"]: entry["box"] for entry in self.records[picture.id].truth["objects"]}
        return {id_: Region(0, tuple(boxes[id_]), truth.mask(id_), 1.0) for id_ in truth.things}

    def segment(self, picture: Picture, place: Place) -> Region | None:
        x, y = int(place.points[0].x), int(place.points[0].y)
        return next((one for one in self.regions(picture).values() if one.mask[y, x]), None)

    def name(self, picture: Picture, region: Region) -> Any:
        names = Truth(self.records[picture.id]).names
        found = [names[id_] for id_, one in self.regions(picture).items() if one.box == region.box]
        return SimpleNamespace(name=found[0], score=1.0)

    def perceive(self, text: str, pictures: list[Picture]) -> Any:
        regions = self.regions(pictures[0]).values()
        things = tuple(Instance("thing", one, pictures[0].size_hw) for one in regions)
        return SimpleNamespace(instances=things), None

    def conversation(self) -> Seer:
        return self

    def ask(self, question: str, picture: Picture, *, at: Place) -> Answer:
        self.asked.append(question)
        region = self.segment(picture, at)
        assert region is not None
        return Answer("This.", (Entity("e1", "thing", "seen", 1.0, (region,)),), (Link(0, 4, "e1"),))


class Guesser(Seer):
    """Gives the largest thing whatever is pointed at."""

    def segment(self, picture: Picture, place: Place) -> Region | None:
        return max(self.regions(picture).values(), key=lambda one: int(one.mask.sum()), default=None)


def test_the_truth_gets_full_marks(world: Path) -> None:
    seer = Seer(world)
    tally = evaluate_places(seer, world, count=7)
    figures = tally.figures()
    assert {name: one.value for name, one in figures.items() if one.n} == {
        name: 1.0 for name, one in figures.items() if one.n
    }
    assert figures["place_iou50"].n == len(seer.asked) == 7 and set(seer.asked[:3]) == set(QUESTIONS)
    assert figures["place_iou50"].baseline < 1 and figures["place_name"].baseline < 1
    assert (
        max(sum(row["record"] == key for row in tally.rows) for key in {r["record"] for r in tally.rows}) == 2
    )


def test_who_gives_the_largest_gets_the_baseline(world: Path) -> None:
    figures = evaluate_places(Guesser(world), world, count=7).figures()
    for name in ("place_iou50", "place_link"):
        assert figures[name].value == pytest.approx(figures[name].baseline)
    assert figures["place_nothing"].value == 0


def test_points_lie_inside_and_margins_outside() -> None:
    mask = np.zeros((20, 30), bool)
    mask[5:9, 10:12] = True
    for seed in range(20):
        x, y = inside_point(mask, np.random.default_rng(seed))
        assert mask[int(y), int(x)]
    wide = np.zeros_like(mask)
    wide[2:12, 7:15] = True
    np.testing.assert_array_equal(grown(mask, 3), wide)
    np.testing.assert_array_equal(grown(mask, 0), mask)


def test_the_verb_prints_figures(
    world: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("bubo.assistant.load", lambda name: Seer(world))
    words = ["eval", "places", "--data", str(world), "--count", "4", "--answers", str(tmp_path / "a.jsonl")]
    assert cli.main([*words, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["split"], said["seed"], said["count"]) == ("validation", 3, 4)
    assert said["figures"]["place_link"]["value"] == 1.0
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 4
    assert cli.main(words) == 0
    assert "place_nothing" in capsys.readouterr().out
    assert cli.main(["eval", "places", "--count", "0"]) == 2
