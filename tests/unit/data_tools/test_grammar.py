"""Composed wordings: slots, splits that share no part, and nothing of the held-out split."""

import random
import string

import pytest

from bubo.data_tools.world.asking import Asker, holds_heldout
from bubo.data_tools.world.build import world_words
from bubo.data_tools.world.grammar import FORMS, GRAMMAR, compose_question, select_entries
from bubo.data_tools.world.phrases import PHRASES
from bubo.data_tools.world.talk import TOPICS
from bubo.data_tools.world.talk_wordings import TALK_WORDINGS

WORDS = world_words()
FAMILIES = ({"the", "a", "name", "names"}, {"the2", "a2", "name2", "names2"}, {"sound", "asound"})
GIVEN_ONE_FORM = ("list_kind", "what_about_a")


def slots_of(way: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(way) if name}


def test_every_kind_of_question_and_talk_has_parts() -> None:
    assert set(GRAMMAR) == set(PHRASES)
    assert set(TALK_WORDINGS) == set(TOPICS)


@pytest.mark.parametrize("key", sorted(GRAMMAR))
def test_composed_wordings_use_the_slots_of_their_kind(key: str) -> None:
    allowed = set().union(*(slots_of(way) for way in (*PHRASES[key].train, *PHRASES[key].heldout)))
    for family in FAMILIES:
        if key not in GIVEN_ONE_FORM and allowed & family:
            allowed |= family
    rng = random.Random(0)
    ways = {compose_question(rng, key, unseen=unseen) for unseen in (False, True) for _ in range(150)}
    assert len(ways) > 60
    for way in ways:
        assert slots_of(way) <= allowed, way
        assert way == " ".join(way.split()) and not set(way) & set("@%|*()"), way
        assert ".?" not in way and "??" not in way and " ?" not in way, way


def test_training_and_validation_share_no_part() -> None:
    for parts in GRAMMAR.values():
        for form, _ in FORMS:
            entries = getattr(parts, form)
            seen, unseen = (select_entries(entries, unseen=choice) for choice in (False, True))
            assert not set(seen) & set(unseen)
            assert len(seen) + len(unseen) == len(entries)
    for entries in TALK_WORDINGS.values():
        assert len(select_entries(entries, unseen=True)) >= 4


@pytest.mark.parametrize("split", ["train", "validation"])
def test_no_question_is_a_held_out_one(split: str) -> None:
    asker = Asker(random.Random(1), WORDS, split)
    names = {slot for phrasings in PHRASES.values() for way in phrasings.train for slot in slots_of(way)}
    marked = {slot: "{" + slot + "}" for slot in names.union(*FAMILIES)}
    for key in PHRASES:
        for _ in range(120):
            assert not holds_heldout(asker.ask(key, **marked))
    for topic in TOPICS:
        for _ in range(40):
            assert not holds_heldout(asker.bring_up(topic))


def test_the_held_out_split_asks_with_its_own_wordings_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Asker, "typed", lambda self, text: text)  # no slips of the fingers
    asker = Asker(random.Random(2), WORDS, "heldout")
    for key in PHRASES:
        marked = {slot: "{" + slot + "}" for way in PHRASES[key].heldout for slot in slots_of(way)}
        assert all(holds_heldout(asker.ask(key, **marked)) for _ in range(10))


def test_a_wording_that_contains_a_held_out_one_is_noticed() -> None:
    held = PHRASES["position"].heldout[0]
    assert holds_heldout(held) and holds_heldout(f"Hey, {held[0].lower()}{held[1:-1]}, please?")
    assert not holds_heldout("Where is {the}?")


def test_questions_are_typed_as_people_do() -> None:
    asker = Asker(random.Random(3), WORDS, "train")
    text = "Where is the elephant in the picture?"
    typed = [asker.typed(text) for _ in range(2000)]
    assert 0.6 < typed.count(text) / 2000 < 0.75
    assert text.upper() in typed and "Where Is The Elephant In The Picture?" in typed
    slips = {way for way in typed if way.lower().rstrip("?") != text.lower().rstrip("?")}
    assert len(slips) > 20 and all(abs(len(way) - len(text)) <= 2 for way in slips)
