"""Evaluation: who knows the truth gets full marks, who guesses gets the baselines, and tallies add up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from unit.train.oracle_assistant import Guesser, Oracle, Yes

from bubo import cli
from bubo.errors import ModelError, RecordError
from bubo.geometry import rle_encode
from bubo.records import Record, RecordTurn
from bubo.train import evaluate as evaluation
from bubo.train.evaluate import evaluate, generate, main, reading_of
from bubo.train.evaluate_answers import best_fixed_list, is_right
from bubo.train.evaluate_links import LinkTally
from bubo.train.evaluate_plan import plan_questions
from bubo.train.evaluate_report import MAIN
from bubo.train.evaluate_truth import Truth
from bubo.train.figures import intervals_iou, map_figure, paired, ratio_figure
from bubo.types import Answer, Entity, Link, Region

NONE_IS_BEST = {"absent_mask_rate", "identity_switches"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, emoji_font: None) -> Path:
    """A small held-out data set, made as `bubo eval` makes it."""
    folder = tmp_path_factory.mktemp("eval") / "world"
    generate(folder, "heldout", 5, 16)
    return folder


def test_the_truth_gets_full_marks(world: Path) -> None:
    report = evaluate(Oracle(world), world, per_kind=1000)
    assert report.plan.scenes >= 16 and report.plan.sounds >= 16
    wrong = {
        name: figure
        for name, figure in report.figures.items()
        if not figure.n or abs(figure.value - (name.removesuffix("_new_glyph") not in NONE_IS_BEST)) > 1e-6
    }
    assert not {name for name in wrong if wrong[name].n}, wrong
    assert not set(MAIN) & set(wrong), wrong
    assert all(report.figures[name].baseline < 1 for name in set(MAIN) - NONE_IS_BEST)


def test_guesses_get_the_baselines(world: Path) -> None:
    figures = evaluate(Guesser(world), world, per_kind=1000).figures
    for name in ("tags_map", "region_recall50", "region_miou", "sound_map", "span_f1", "link_f1", "absent_f1",
                 "absent_mask_rate", "verdict_acc"):  # fmt: skip
        assert figures[name].value == pytest.approx(figures[name].baseline, abs=1e-6), name
    assert figures["absent_f1"].baseline == pytest.approx(2 / 3)
    assert figures["link_phrase_f1"].value == 1 and figures["count_acc"].value == 1


def test_always_yes_and_no_memory_get_the_baselines(world: Path) -> None:
    figures = evaluate(Yes(world), world, per_kind=1000).figures
    assert figures["presence_acc"].value == figures["presence_acc"].baseline == 0.5
    assert figures["presence_sound_acc"].value == 0.5
    assert figures["identity_switches"].value == figures["identity_switches"].baseline > 0


def record(index: int, *answers: tuple[str, Any], new_glyph: bool = False) -> Record:
    """A record without media: one question per (kind, value)."""
    thing = {"id": "t0", "name": "dog", "new_glyph": new_glyph}
    truth = {"objects": [thing], "events": [], "place": "beach", "duration_s": 2.0, "pair": "match"}
    user = RecordTurn("user", "?", media=("picture", "sound"))
    dialogues = tuple(
        (user, RecordTurn("assistant", "!", kind=kind, answer={"value": value})) for kind, value in answers
    )
    return Record(f"r{index}", None, None, truth, dialogues)


def test_the_plan_caps_and_balances() -> None:
    asked = (("presence", True), ("presence", True), ("presence", False), ("count", 2), ("talk", None))
    records = [record(i, *asked, new_glyph=i % 4 == 3) for i in range(40)]
    plan = plan_questions(records, 8, 20)
    assert (plan.scenes, plan.sounds, len(plan.asked)) == (20, 26, 26)
    assert plan == plan_questions(iter(records), 8, 20)
    turns = [
        (records[i].dialogues[number][1], i % 4 == 3)
        for i in range(26)
        for number in plan.asked[f"r{i}"].questions
    ]
    kinds = [(turn.kind, turn.answer["value"]) for turn, new in turns if not new]
    assert sorted(map(str, kinds)) == sorted(
        map(str, [("presence", True)] * 4 + [("presence", False)] * 4 + [("count", 2)] * 8)
    )
    assert len([turn for turn, new in turns if new]) == 4  # a quarter of 8, for two kinds
    assert not any(asked.questions for asked in plan_questions(records, 0).asked.values())


@pytest.mark.parametrize(
    ("kind", "truth", "read", "right"),
    [
        ("count", {"name": "dog", "value": 2}, {"name": "dog", "value": 2}, True),
        ("count", {"name": "dog", "value": 2}, {"value": 2}, True),
        ("count", {"name": "dog", "value": 2}, {"name": "cat", "value": 2}, False),
        ("count", {"name": "dog", "value": 2}, None, False),
        ("source", {"sound": "siren", "value": None, "position": None}, {"sound": "siren"}, False),
        (
            "source",
            {"sound": "siren", "value": "car", "position": "left"},
            {"value": "car", "position": "top"},
            False,
        ),
        ("when", {"sound": "rain", "value": [1.2, 4.4]}, {"sound": "rain", "value": [2, 4]}, True),
        ("when", {"sound": "rain", "value": [1.2, 4.4]}, {"sound": "rain", "value": [1, 6]}, False),
    ],
)
def test_right_and_wrong(kind: str, truth: dict[str, Any], read: dict[str, Any] | None, right: bool) -> None:
    turn = RecordTurn("assistant", "!", kind=kind, answer=truth)
    assert is_right(turn, read) is right
    assert turn.answer == truth


VOCABULARY = {
    "objects": [{"name": "dog", "plural": "dogs", "synonyms": ["puppy"]}, {"name": "cat", "plural": "cats"}],
    "sounds": [{"name": "barking", "phrase": "a dog barking"}], "places": [], "colours": [],
}  # fmt: skip


@pytest.mark.parametrize(
    ("phrase", "box", "hits", "named"),
    [
        ("Two puppies", (0, 0, 8, 10), 0, 0),
        ("A puppy", (0, 0, 8, 10), 1, 1),
        ("The dogs", (0, 0, 8, 10), 1, 1),
        ("The dogs", (0, 0, 4, 10), 0, 1),
        ("The cat", (0, 0, 8, 10), 0, 0),
        ("The dog and the cat", (0, 0, 8, 10), 0, 0),
    ],
)
def test_a_link_needs_its_phrase_and_its_place(
    phrase: str, box: tuple[float, float, float, float], hits: int, named: int
) -> None:
    mask = np.zeros((10, 10), bool)
    mask[:, :9] = True
    truth = record(0).truth
    truth["objects"][0]["mask"] = rle_encode(mask)
    links = ({"start": 0, "end": 5, "things": ["t0"], "events": [], "status": "seen"},)
    turn = RecordTurn(
        "assistant", "A dog is here.", links, kind="position", answer={"name": "dog", "value": "left"}
    )
    entity = Entity("e1", "dog", "seen", 1.0, (Region(0, box, None, 1.0),))
    tally = LinkTally(reading_of(VOCABULARY))
    tally.add(
        Truth(Record("r", None, None, truth, ())),
        turn,
        Answer(f"{phrase} there.", (entity,), (Link(0, len(phrase), "e1"),)),
    )
    figures = tally.figures()
    assert (figures["link_f1"].value, figures["link_phrase_f1"].value) == (hits, named)
    assert figures["link_f1"].baseline == 1 and figures["link_f1"].n == 1


def test_small_sums() -> None:
    assert paired([(0, 2), (0, 2.1)], [(0, 2), (5, 6)]) == 1
    assert intervals_iou([(0, 1), (0.5, 2)], [(1, 2), (3, 4)]) == pytest.approx(1 / 3)
    assert intervals_iou([], []) == 0
    assert best_fixed_list([frozenset("ab"), frozenset("a"), frozenset("c")]) == pytest.approx(8 / 13)
    figure = ratio_figure([1, 0, 1, 1], [1, 1, 1, 1], ["a", "a", "b", "b"], 0.25)
    assert (figure.value, figure.baseline, figure.n) == (0.75, 0.25, 4)
    assert figure.ci95[0] == 0.5 and figure.ci95[1] == 1
    assert ratio_figure([], [], [], 0.5).to_dict() == {
        "value": None,
        "baseline": None,
        "ci95": [None, None],
        "n": 0,
    }
    truth = np.array([[True, False], [False, False], [True, False], [False, False]])
    scores = np.array([[0.9, 0.1], [0.8, 0.1], [0.8, 0.1], [0.1, 0.1]])
    assert map_figure(scores, truth).value == pytest.approx((1 + 2 / 3) / 2)  # equals count together
    assert map_figure(np.ones((4, 2)), truth).value == map_figure(scores, truth).baseline == 0.5


def test_the_command_prints_the_promised_json(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bubo.assistant.load", lambda name: Oracle(world))
    log = tmp_path / "answers.jsonl"
    words = ["world", "--data", str(world), "--count", "4", "--per-kind", "4", "--answers", str(log)]
    assert main([*words, "--json"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert {key: found[key] for key in ("split", "seed", "count", "model")} == {
        "split": "heldout", "seed": 5, "count": 4, "model": "nano",
    }  # fmt: skip
    assert set(found) == {"split", "seed", "count", "model", "figures"} and set(MAIN) <= set(found["figures"])
    assert set(found["figures"]["tags_map"]) == {"value", "baseline", "ci95", "n"}
    assert "s in all" in err
    assert {"question", "said", "right"} <= set(json.loads(log.read_text().splitlines()[0]))
    assert main(words[:3]) == 0
    assert "region_recall50" in capsys.readouterr().out


def test_mistakes_are_one_line_and_exit_two(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def load(name: str) -> Oracle:
        if name != "nano":
            raise ModelError(f"No model is called {name!r}.")
        return Oracle(world)

    def refuse(*_: Any) -> None:
        raise RecordError("not made")

    monkeypatch.setattr("bubo.assistant.load", load)
    monkeypatch.setattr(evaluation, "generate", refuse)
    for words, message in [
        (["--count", "0"], "--count is 0"),
        (["--per-kind", "-1"], "--per-kind -1"),
        (["--model", "nona"], "No model is called 'nona'"),
        (["--data", str(tmp_path / "none")], "holds no shards"),
        (["--data", str(world), "--split", "train"], "--split is train"),
        (["--answers", str(tmp_path / "none" / "log")], "no such folder"),
        ([], "not made"),
    ]:
        assert cli.main(["eval", "world", *words]) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: ") and message in error and error.count("\n") == 1
