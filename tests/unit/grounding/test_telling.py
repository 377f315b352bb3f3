"""What a speaker is told of what is pointed at: plain questions, or a sentence."""

import pytest
from fakes import VOCABULARY

from bubo.grounding.lexicon import Lexicon
from bubo.grounding.referents import Referent
from bubo.grounding.telling import asks_what, own_answer, plain_question, sentence

LEXICON = Lexicon.from_dict(VOCABULARY)
DOG = Referent(
    "dog", "the left dog", "at the top left", "x 1 to 9, y 2 to 8 of 80 x 60 pixels", "the picture"
)
CAT = Referent("cat", "the cat", "on the right", "x 40 to 60, y 20 to 50 of 80 x 60 pixels", "the picture")
CROWDED = Referent("dog", "the left dog", "at the top left", "x 1, y 2", "the picture", alone=False)
BARK = Referent("barking", "the barking", "from 1.0 to 2.0 s", "", "the sound", sound=True)
EMPTY = Referent(
    "", "the thing on the left", "on the left", "x 3, y 4 of 80 x 60 pixels", "the picture", nothing=True
)
THING = Referent("", "the thing on the left", "on the left", "x 3 to 5, y 4 to 9", "the picture")


@pytest.mark.parametrize(
    "question",
    [
        "What is this?", "what's that", "What is it", "What do you see here?", "Who is this?",
        "Name this thing.",
        "Can you tell me what this is?", "Tell me about this one", "Is this a cat?", "this?", "?",
        "What kind of animal is this?", "Describe it please", "what am I pointing at?",
        "What\u2019s this thing here?",
    ],
)  # fmt: skip
def test_questions_that_only_ask_what_it_is(question):
    assert asks_what(question)


@pytest.mark.parametrize(
    "question",
    ["What colour is it?", "Where is this?", "What is this dog doing?", "How many are there?", "Is it left?"],
)
def test_questions_that_ask_more(question):
    assert not asks_what(question)


def test_what_is_this():
    assert plain_question("What is this?", [DOG], LEXICON) == "What is at the top left?"
    assert plain_question("What is this?", [CROWDED], LEXICON) == "Where is the left dog?"
    assert plain_question("What is this?", [BARK], LEXICON) == "What do you hear?"


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("What colour is it?", "What colour is the left dog?"),
        ("Is it bigger than the cat?", "Is the left dog bigger than the cat?"),
        ("It is red, isn't it?", "The left dog is red, isn't the left dog?"),
        ("What is its colour?", "What is the left dog's colour?"),
        ("Where is this dog?", "Where is the left dog?"),
        ("Where is that thing?", "Where is the left dog?"),
        ("How big is the dog?", "How big is the left dog?"),
        ("Is it true that it is red?", "Is it true that the left dog is red?"),
        ("Do you think that this is red?", "Do you think that the left dog is red?"),
        ("Is this in this picture?", "Is the left dog in this picture?"),
        ("Which colour?", "The left dog: which colour?"),
        ("How many cats are there?", "How many cats are there?"),
    ],
)
def test_pronouns_become_the_thing(question, told):
    assert plain_question(question, [DOG], LEXICON) == told


def test_several_places_in_their_order():
    assert plain_question("Is this left of that?", [DOG, CAT], LEXICON) == "Is the left dog left of the cat?"
    assert plain_question("What colour are these?", [DOG, CAT], LEXICON) == (
        "What colour are the left dog and the cat?"
    )


def test_a_sound_is_named():
    assert plain_question("What makes this sound?", [BARK], LEXICON) == "What makes the barking?"
    assert plain_question("When is it heard?", [BARK], LEXICON) == "When is the barking heard?"


def test_a_sentence_for_those_who_read():
    assert sentence([DOG]) == (
        "I point at the left dog at the top left of the picture (x 1 to 9, y 2 to 8 of 80 x 60 pixels)."
    )
    assert sentence([BARK]) == "I point at the barking from 1.0 to 2.0 s of the sound."
    assert sentence([EMPTY]) == (
        "I point at a place on the left of the picture (x 3, y 4 of 80 x 60 pixels)."
    )
    assert sentence([DOG, CAT]).startswith("I point at 2 places: (1) the left dog at the top left")


def test_nothing_there_is_said_without_asking():
    assert own_answer("What colour is it?", [EMPTY]) == "I see nothing that I know at that place."
    assert own_answer("What is this?", [DOG, EMPTY]) == (
        "I see the left dog at the top left. I know of nothing at place 2."
    )
    assert "no name" in own_answer("What is this?", [THING])
    assert own_answer("What colour is it?", [THING]) == own_answer("What is this?", [DOG]) == ""
    assert own_answer("What are these?", [DOG, CAT]) == (
        "I see the left dog at the top left and the cat on the right."
    )
