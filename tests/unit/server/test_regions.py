"""Regions put right by points: what is kept, in both databases and over HTTP, and what later answers show."""

import time

import numpy as np
import pytest
import serving
from scripted import ScriptedEngine, sample_masks, sample_picture

from bubo.geometry import mask_to_box
from bubo.media import encode_png
from bubo.server.app import create_app
from bubo.server.corrections import corrected, corrections, restored
from bubo.server.problems import NotFoundError, Problem
from bubo.server.settings import ServerSettings
from bubo.server.wire import GroundingWriter, region_dict
from bubo.types import Answer, Entity, Region

MASKS = sample_masks()
TENT = {"points": [{"x": 480, "y": 320}]}


def region(name, picture=0, score=0.9):
    mask = MASKS[name]
    return Region(picture, tuple(float(side) for side in mask_to_box(mask)), mask, score)


def grounding_of(*names, picture=0):
    """What is stored of an answer about these things, all of them one entity."""
    entity = Entity("e1", "thing", "seen", 0.9, tuple(region(name, picture) for name in names))
    writer = GroundingWriter([f"p{number}" for number in range(picture + 1)])
    writer.add_entity(entity)
    return writer.whole() | {"answer": Answer("thing", (entity,)).to_dict()}


@pytest.fixture
def answered(visitor):
    """A conversation about the sample picture: its address, the answer's address and the dog's region."""
    picture = serving.upload(visitor, encode_png(sample_picture())).json()
    whole, _ = serving.asked(visitor, media=[picture["id"]])
    answer = whole["messages"][1]
    return f"/api/conversations/{whole['id']}", f"/api/messages/{answer['id']}/regions", dog_of(answer)


def dog_of(message):
    entity = next(one for one in message["grounding"]["entities"] if one["label"] == "dog")
    assert len(entity["regions"]) == 1
    return next(one for one in message["grounding"]["regions"] if one["id"] == entity["regions"][0])


def test_a_corrected_region_keeps_its_id_and_gets_its_new_outline():
    stored = grounding_of("dog", "ball", picture=2)
    dog, ball = stored["regions"]
    changed = corrected(stored, dog["id"], region("tent", score=0.7))
    there = region_dict(region("tent", score=0.7), "p2")
    assert changed["regions"] == [there | {"id": dog["id"], "corrected": there["id"]}, ball]
    assert stored == grounding_of("dog", "ball", picture=2)
    kept = Answer.from_dict(changed["answer"]).entities[0].regions
    assert [one.picture for one in kept] == [2, 2]
    assert np.array_equal(kept[0].mask, MASKS["tent"]) and np.array_equal(kept[1].mask, MASKS["ball"])
    again = corrected(changed, dog["id"], region("ball"))
    assert again["regions"][0]["path"] == ball["path"]
    assert np.array_equal(Answer.from_dict(again["answer"]).entities[0].regions[0].mask, MASKS["ball"])


def test_what_is_found_again_is_shown_as_corrected_whatever_it_is_called():
    changed = corrected(grounding_of("dog"), grounding_of("dog")["regions"][0]["id"], region("tent"))
    known = corrections([None, {}, grounding_of("ball"), changed])
    for name in ("dog", "tent"):
        writer = GroundingWriter(["p0"], corrected=known)
        writer.add_entity(Entity("e1", "thing", "seen", 0.9, (region(name),)))
        assert writer.whole()["regions"] == changed["regions"]
        assert writer.whole()["entities"][0]["regions"] == [changed["regions"][0]["id"]]


def test_what_was_corrected_is_brought_back_as_it_was_found():
    stored = grounding_of("dog", "ball", picture=2)
    id = stored["regions"][0]["id"]
    assert restored(stored, id, [stored]) == stored
    twice = corrected(corrected(stored, id, region("tent")), id, region("ball"))
    assert restored(twice, id, [None, twice]) == stored | {"found": {}}
    # a later answer that has it only as corrected
    writer = GroundingWriter(["p0", "p1", "p2"], corrected=corrections([twice]))
    entity = Entity("e1", "thing", "seen", 0.9, (region("dog", 2),))
    writer.add_entity(entity)
    later = writer.whole() | {"answer": Answer("thing", (entity,)).to_dict()}
    assert later["regions"] == [twice["regions"][0]]
    assert restored(later, id, [later, twice])["regions"] == [stored["regions"][0]]
    # one that shows a part of its regions cannot tell which of them it is; another can
    partly = stored | {
        "entities": [stored["entities"][0] | {"regions": [id]}],
        "regions": stored["regions"][:1],
    }
    both = [corrected(one, id, region("tent")) for one in (partly, stored)]
    assert restored(both[1], id, both) == stored | {"found": {}}
    assert restored(both[1] | {"found": {}}, id, both) == stored | {"found": {}}
    without = {name: value for name, value in stored.items() if name != "answer"}  # as of a stopped answer
    changed = corrected(without, id, region("tent"))
    assert restored(changed, id, [changed]) == without | {"found": {}}


def test_all_answers_of_a_conversation_are_changed_alike(stores):
    store = stores[0]
    talk = store.create("ana")
    question = store.add_question("ana", talk.id, parent=None, text="What?")
    answers = [
        store.add_answer("ana", talk.id, parent=question.id, run_id=f"run_{n}", model="nano")
        for n in range(3)
    ]
    id = grounding_of("dog")["regions"][0]["id"]
    for answer, stored in zip(answers, (grounding_of("dog"), grounding_of("dog", "ball"), None), strict=True):
        with pytest.raises(Problem, match="being written"):
            store.correct("ana", answers[0].id, id, region("tent"))
        store.update_answer(answer.id, text="thing", grounding=stored, status="complete")
    made = store.correct("ana", answers[0].id, id, region("tent"))
    assert made["id"] == id and made["path"] == region_dict(region("tent"), "p0")["path"]
    first, second, none = (store.message("ana", one.id).grounding for one in answers)
    assert first["regions"] == [made] and second["regions"] == [made, grounding_of("ball")["regions"][0]]
    assert none is None
    assert store.corrections("ana", talk.id) == {id: made, made["corrected"]: made}
    for owner, message, wrong in (
        ("ben", answers[0].id, id),
        ("ana", question.id, id),
        ("ana", answers[2].id, id),
        ("ana", answers[0].id, "r0"),
    ):
        with pytest.raises(NotFoundError):
            store.correct(owner, message, wrong, region("ball"))
        with pytest.raises(NotFoundError):
            store.uncorrect(owner, message, wrong)
    assert store.message("ana", answers[0].id).grounding == first
    dog, ball = grounding_of("dog")["regions"][0], grounding_of("ball")["regions"][0]
    assert store.uncorrect("ana", answers[1].id, id) == dog
    first, second, none = (store.message("ana", one.id).grounding for one in answers)
    assert first["regions"] == [dog] and second["regions"] == [dog, ball] and none is None
    assert store.corrections("ana", talk.id) == {}


def test_a_correction_stays_and_the_next_answer_has_it(visitor, answered):
    talk, regions, dog = answered
    preview = visitor.post(f"/api/media/{dog['media']}/segment", json=TENT).json()["region"]
    answer = visitor.put(f"{regions}/{dog['id']}", json=TENT)
    assert answer.status_code == 200, answer.text
    made = answer.json()
    assert made == preview | {"id": dog["id"], "corrected": preview["id"]}
    assert dog_of(visitor.get(talk).json()["messages"][1]) == made
    assert dog_of(visitor.get(f"{talk}/export").json()["messages"][1]) == made
    more = {"text": "More?", "parent": visitor.get(talk).json()["leaf"]}
    assert visitor.post(f"{talk}/runs", json=more).status_code == 202
    until = time.monotonic() + 20
    while (whole := visitor.get(talk).json())["running"] and time.monotonic() < until:
        time.sleep(0.02)
    assert len(whole["messages"]) == 4
    assert dog_of(whole["messages"][3]) == made
    back = {"points": [{"x": 150, "y": 200}]}
    assert visitor.put(f"{regions}/{dog['id']}", json=back).json()["path"] == dog["path"]
    assert all(dog_of(visitor.get(talk).json()["messages"][n])["path"] == dog["path"] for n in (1, 3))


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "no_place"),
        ({"points": [{"x": 10, "y": 10}]}, 400, "nothing_there"),
        ({"points": [{"x": 640.5, "y": 10}]}, 400, "outside"),
        ({"box": [700, 0, 10, 10]}, 400, "outside"),
        ({"points": [{"x": 1, "y": 1, "path": "M0 0Z"}]}, 422, "invalid_request"),
        ({"points": [{"x": 480, "y": 320}], "path": "M0 0L9 9Z"}, 422, "invalid_request"),
        ({"points": [{"x": "480", "y": 320}]}, 422, "invalid_request"),
    ],
)
def test_what_is_no_correction_changes_nothing(visitor, answered, body, status, code):
    talk, regions, dog = answered
    answer = visitor.put(f"{regions}/{dog['id']}", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert dog_of(visitor.get(talk).json()["messages"][1]) == dog


def test_unknown_messages_and_regions_are_not_found(visitor, answered):
    talk, regions, dog = answered
    question = visitor.get(talk).json()["messages"][0]["id"]
    for address in (
        f"{regions}/r0",
        f"{regions}/%00",
        f"/api/messages/{question}/regions/{dog['id']}",
        f"/api/messages/nothing/regions/{dog['id']}",
    ):
        answer = visitor.put(address, json=TENT)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found"), address


def test_a_correction_is_taken_back(visitor, answered):
    talk, regions, dog = answered
    message = visitor.get(talk).json()["messages"][1]
    assert visitor.put(f"{regions}/{dog['id']}", json=TENT).json()["path"] != dog["path"]
    whole = visitor.get(talk).json()["messages"][1]["grounding"]
    assert set(whole) == set(message["grounding"])  # clients are not told what it was
    for _ in range(2):
        answer = visitor.delete(f"{regions}/{dog['id']}/correction")
        assert (answer.status_code, answer.json()) == (200, dog)
    assert visitor.get(talk).json()["messages"][1] == message
    assert visitor.delete(f"{regions}/r0/correction").status_code == 404


def test_a_model_that_is_not_there_yet_is_waited_for(tmp_path):
    engine = ScriptedEngine()
    with serving.visitor(create_app(ServerSettings(data=tmp_path / "data"), engine)) as visitor:
        picture = serving.upload(visitor, encode_png(sample_picture())).json()
        whole, _ = serving.asked(visitor, media=[picture["id"]])
        dog = dog_of(whole["messages"][1])
        engine.state = "loading"
        answer = visitor.put(f"/api/messages/{whole['messages'][1]['id']}/regions/{dog['id']}", json=TENT)
        assert answer.status_code == 503 and answer.headers["Retry-After"]
