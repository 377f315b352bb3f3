"""Whether a sound belongs to a picture."""

from dataclasses import replace

import pytest
from fakes import VOCABULARY

from bubo.grounding.identity import EntityBook
from bubo.grounding.lexicon import Lexicon
from bubo.grounding.perception import Heard, Instance, Perception
from bubo.grounding.verdict import judge
from bubo.types import Region, Span

LEXICON = Lexicon.from_dict(VOCABULARY)


def perception(things, sounds, pictures=(0,), clips=(0,), **scores):
    instances = tuple(
        Instance(name, Region(0, (10.0 * i, 0, 10.0 * i + 9, 9), None, 0.9), (100, 100))
        for i, name in enumerate(things)
    )
    heard = tuple(Heard(name, Span(0, 1.0 * i, 1.0 * i + 1, 0.8)) for i, name in enumerate(sounds))
    return Perception(instances, heard, scores, {}, pictures, clips, 1, 1, shown_scores=scores)


@pytest.mark.parametrize(
    ("things", "sounds", "value", "score"),
    [
        (["dog"], ["barking"], "match", 0.72),
        (["dog", "cat"], ["barking", "meowing"], "match", 0.72**2),
        (["dog"], ["barking", "meowing"], "partly", 0.72 * 0.8),
        (["cat"], ["barking"], "mismatch", 0.8),
        ([], ["barking", "siren"], "mismatch", 0.64),
        (["dog"], ["barking", "waves"], "match", 0.72),  # waves have no source: they say nothing
        (["bus"], ["engine noise"], "match", 0.72),
    ],
)
def test_values(things, sounds, value, score):
    book = EntityBook()
    verdict = judge(perception(things, sounds), LEXICON, book)
    assert (verdict.value, verdict.score) == (value, pytest.approx(score, abs=1e-3))
    assert all(book[id_].regions or book[id_].spans for id_ in verdict.entities)
    assert len(verdict.entities) == len(set(verdict.entities)) >= len([s for s in sounds if s != "waves"])


@pytest.mark.parametrize(
    ("things", "sounds", "pictures", "clips"),
    [
        (["dog"], [], (0,), (0,)),
        (["dog"], ["waves"], (0,), (0,)),
        ([], ["barking"], (), (0,)),
        (["dog"], ["barking"], (0,), ()),
    ],
)
def test_nothing_to_judge(things, sounds, pictures, clips):
    book = EntityBook()
    assert judge(perception(things, sounds, pictures, clips), LEXICON, book) is None
    assert book.entities == ()


def test_a_source_that_might_be_there_lowers_the_score():
    verdict = judge(perception(["cat"], ["barking"], dog=0.1), LEXICON, EntityBook())
    assert (verdict.value, verdict.score) == ("mismatch", pytest.approx(0.8 * 0.9))


def test_what_is_heard_backs_what_is_faintly_seen():
    found = perception(["cat"], ["barking"], dog=0.4)
    verdict = judge(found, LEXICON, EntityBook())
    assert (verdict.value, verdict.score) == ("match", pytest.approx(0.8 * 0.4))
    assert verdict.reason == "barking goes with dog."
    dog = Instance("dog", Region(0, (50, 50, 60, 60), None, 0.6), (100, 100))
    book = EntityBook()
    verdict = judge(replace(found, faint_instances=(dog,)), LEXICON, book)
    assert (verdict.value, verdict.score) == ("match", pytest.approx(0.8 * 0.6))
    assert any(book[id_].regions == (dog.region,) for id_ in verdict.entities)


@pytest.mark.parametrize(("sure", "value"), [(0.75, "partly"), (0.6, "match")])
def test_an_unsure_sound_does_not_speak_against_a_match(sure, value):
    found = perception(["dog"], ["barking"])
    other = Heard("meowing", Span(0, 2, 3, sure))
    verdict = judge(replace(found, heard=(*found.heard, other)), LEXICON, EntityBook())
    assert verdict.value == value
    assert ("meowing" in verdict.reason) == (value == "partly")
    assert verdict.score == pytest.approx(0.8 * 0.9 * (sure if value == "partly" else 1))


def test_the_likeliest_faint_sound_is_judged_if_there_is_no_other():
    faint = tuple(Heard(name, Span(0, 0, 1, s)) for name, s in (("barking", 0.3), ("meowing", 0.4)))
    found = replace(perception(["dog"], ["waves"]), faint_heard=faint)
    assert judge(found, LEXICON, EntityBook()).reason == "meowing is heard, but no cat is seen."
    clear = Heard("barking", Span(0, 0, 1, 0.9))
    assert judge(replace(found, heard=(clear,)), LEXICON, EntityBook()).value == "match"


def test_what_an_earlier_picture_showed_is_no_source():
    found = replace(perception(["cat"], ["barking"], pictures=(1,), dog=0.9), shown_scores={"cat": 0.9})
    assert judge(found, LEXICON, EntityBook()).value == "mismatch"


def test_it_rests_on_the_entities_that_the_text_named():
    found = perception(["dog"], ["barking"])
    book = EntityBook()
    named = book.enter("dog", "seen", 0.9, [found.instances[0].region])
    verdict = judge(found, LEXICON, book)
    assert named in verdict.entities
    assert len(book.entities) == 2
    assert verdict.reason == "barking goes with dog."
    assert "no dog is seen" in judge(perception(["cat"], ["barking"]), LEXICON, EntityBook()).reason
