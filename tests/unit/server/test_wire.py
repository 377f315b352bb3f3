"""What clients get of entities and links."""

from dataclasses import replace

import pytest
from scripted import sample_masks

from bubo.geometry import mask_to_box
from bubo.server.wire import GroundingWriter, region_dict, slot_of
from bubo.types import Answer, Entity, Link, Region, Span, Verdict

MASK = sample_masks()["dog"]
REGION = Region(0, tuple(float(side) for side in mask_to_box(MASK)), MASK, 0.91234)  # type: ignore[arg-type]
DOG = Entity("e1", "dog", "both", 0.9, (REGION,), (Span(0, 0.5, 1.5, 0.8),))


def test_an_entity_comes_with_its_evidence_once() -> None:
    writer = GroundingWriter(["p"], ["s"])
    writer.add_entity(DOG)
    writer.add_link(Link(2, 5, "e1"))
    news = writer.news()
    region, span = news["regions"][0], news["spans"][0]
    assert news["entities"] == [
        {"id": "e1", "label": "dog", "slot": 0, "status": "both", "score": 0.9,
         "regions": [region["id"]], "spans": [span["id"]]}
    ]  # fmt: skip
    assert region["media"] == "p" and region["bbox"] == [70, 110, 220, 220] and region["score"] == 0.9123
    assert region["area"] == MASK.sum() and region["path"].startswith("M")
    assert (span["media"], span["t0"], span["t1"]) == ("s", 0.5, 1.5)
    assert news["links"] == [{"start": 2, "end": 5, "entity": "e1", "state": "ready"}]
    assert writer.news() == {}
    writer.add_entity(DOG)
    assert writer.news() == {}
    writer.add_entity(replace(DOG, score=0.5))
    assert list(writer.news()) == ["entities"]


def test_links_wait_for_their_text_and_their_masks() -> None:
    writer = GroundingWriter(["p"])
    writer.add_entity(replace(DOG, regions=(), spans=()))
    writer.add_link(Link(2, 5, "e1"))
    assert "links" not in writer.news(4)
    assert writer.news(5)["links"][0]["state"] == "pending"
    writer.add_entity(replace(DOG, spans=()))
    assert writer.news(5)["links"][0]["state"] == "ready"


@pytest.mark.parametrize(("status", "early"), [("absent", "none"), ("unsure", "pending")])
def test_what_is_not_found_is_no_link(status: str, early: str) -> None:
    writer = GroundingWriter(["p"])
    writer.add_entity(Entity("e1", "cat", status, 0.9))
    writer.add_link(Link(0, 3, "e1"))
    assert writer.links()[0]["state"] == early
    writer.finish()
    assert writer.links()[0]["state"] == "none"


def test_a_link_that_holds_no_more_is_taken_back() -> None:
    writer = GroundingWriter(["p"], ["s"])
    writer.add_entity(DOG)
    writer.add_link(Link(0, 3, "e1"))
    writer.news()
    writer.finish(Answer("a dog", (DOG,), (Link(2, 5, "e1"),), Verdict("match", 0.5, ("e1",), "It fits.")))
    news = writer.news()
    assert [(link["start"], link["state"]) for link in news["links"]] == [(0, "none"), (2, "ready")]
    assert news["verdict"] == {"kind": "match", "score": 0.5, "entities": ["e1"], "text": "It fits."}
    assert [link["start"] for link in writer.whole()["links"]] == [2]


def test_regions_of_unknown_pictures_are_left_out() -> None:
    writer = GroundingWriter()
    writer.add_entity(DOG)
    assert writer.whole()["regions"] == [] and writer.whole()["entities"][0]["regions"] == []


def test_a_region_without_a_mask_is_its_box() -> None:
    found = region_dict(replace(REGION, mask=None), "p")
    assert found["path"] == "M70,110L290,110L290,330L70,330Z" and found["area"] == 220 * 220


def test_the_same_region_is_known_again_and_another_is_not() -> None:
    ids = {region_dict(REGION, "p")["id"], region_dict(replace(REGION, score=0.1), "p")["id"]}
    assert len(ids) == 1
    other = {region_dict(REGION, "q")["id"], region_dict(replace(REGION, mask=~MASK), "p")["id"]}
    assert len(ids | other) == 3


def test_slots_go_by_number() -> None:
    assert [slot_of(f"e{number}") for number in (1, 2, 12, 13, 25)] == [0, 1, 11, 0, 0]
    assert all(0 <= slot_of(odd) < 12 for odd in ("", "dog", "e", "e٣", "e" + "9" * 50))
