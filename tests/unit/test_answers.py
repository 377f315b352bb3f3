"""Facts read back out of answers, from our own wording and from others."""

from typing import Any

import pytest

from bubo.answers import Names, parse_answer, position_word

VOCABULARY: dict[str, Any] = {
    "objects": [
        {"name": "dog", "plural": "dogs", "synonyms": ["puppy", "hound"]},
        {"name": "police car", "plural": "police cars", "synonyms": []},
        {"name": "car", "plural": "cars", "synonyms": ["automobile"]},
        {"name": "bread", "plural": "loaves of bread", "synonyms": ["loaf"]},
        {"name": "train", "plural": "trains", "synonyms": []},
        {"name": "bell", "plural": "bells", "synonyms": []},
    ],
    "sounds": [
        {"name": "barking", "phrase": "a dog barking", "synonyms": ["bark"]},
        {"name": "train whistle", "phrase": "a train whistling", "synonyms": ["train"]},
        {"name": "bell ringing", "phrase": "a bell ringing", "synonyms": []},
    ],
    "places": [
        {"name": "beach", "phrase": "on a beach", "synonyms": ["seaside"]},
        {"name": "snow field", "phrase": "in a snow field", "synonyms": ["snow"]},
    ],
    "colours": ["red", "blue"],
}
NAMES = Names.from_vocabulary(VOCABULARY)


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("position", "The dog is at the bottom left.", {"name": "dog", "value": "bottom left"}),
        ("position", "The left dog is in the centre of the picture.", {"name": "dog", "value": "centre"}),
        ("position", "the puppy sits in the upper right corner", {"name": "dog", "value": "top right"}),
        ("position", "A dog.", None),
        ("count", "There are three dogs.", {"name": "dog", "value": 3}),
        ("count", "I see 2 police cars.", {"name": "police car", "value": 2}),
        ("count", "There is one loaf of bread.", {"name": "bread", "value": 1}),
        ("count", "There are no cars.", {"name": "car", "value": 0}),
        ("count", "None.", {"value": 0}),
        ("presence", "No, there is no dog in the picture.", {"name": "dog", "value": False}),
        ("presence", "Yes, I see two dogs.", {"name": "dog", "value": True}),
        ("presence", "A dog.", None),
        ("presence_sound", "Yes, I hear a train whistle.", {"name": "train whistle", "value": True}),
        ("at_position", "There is nothing at the top.", {"position": "top", "value": None}),
        ("at_position", "There is a car at the top left.", {"position": "top left", "value": "car"}),
        ("colour", "The car is red.", {"name": "car", "value": "red"}),
        ("size", "The dog is of medium size.", {"name": "dog", "value": "medium"}),
        ("size", "The dog is big.", {"name": "dog", "value": "large"}),
        (
            "relation",
            "No, the dog is right of the car.",
            {"a": "dog", "b": "car", "relation": "left of", "value": False},
        ),
        ("further", "The dog is higher.", {"direction": "up", "value": "dog"}),
        (
            "further",
            "The car is on the left and the dog at the bottom: the car is higher.",
            {"direction": "up", "value": "car"},
        ),
        (
            "source",
            "The dog at the top makes the barking.",
            {"sound": "barking", "value": "dog", "position": "top"},
        ),
        (
            "source",
            "Nothing in the picture makes the barking.",
            {"sound": "barking", "value": None, "position": None},
        ),
        (
            "when",
            "The barking is heard from about 1 to 3 seconds.",
            {"sound": "barking", "value": [1.0, 3.0]},
        ),
        ("when", "At about 2.5 seconds.", {"value": [2.5, 2.5]}),
        ("when", "I hear no barking.", None),
        ("verdict", "Only partly: the barking comes from the dog.", {"value": "partly"}),
        ("verdict", "No, they do not belong together.", {"value": "mismatch"}),
        ("verdict", "Yes, they belong together.", {"value": "match"}),
        ("verdict", "I cannot say: I hear nothing.", {"value": None}),
        ("place", "The scene is in a snow field.", {"value": "snow field"}),
        (
            "describe_picture",
            "I see a dog, two cars and a loaf of bread on a beach.",
            {"objects": {"dog": 1, "car": 2, "bread": 1}, "place": "beach"},
        ),
        ("describe_sound", "I hear barking, then a bell ringing.", {"sounds": ["barking", "bell ringing"]}),
        ("describe_sound", "I hear only noise.", {"sounds": []}),
        (
            "describe_both",
            "I see a train on a beach. I hear a train whistle.",
            {"objects": {"train": 1}, "place": "beach", "sounds": ["train whistle"]},
        ),
        ("absent", "There is no dog here, but the car is on the left.", {"names": ["dog"]}),
        ("absent", "I see no dog or bell in the picture.", {"names": ["dog", "bell"]}),
        ("absent", "The dog is on the left.", {"names": []}),
        ("talk", "I am Bubo.", None),
        ("position", "  ", None),
    ],
)
def test_parse_answer(kind: str, text: str, expected: dict[str, Any] | None) -> None:
    assert parse_answer(kind, text, NAMES) == expected


def test_longest_names_win_and_offsets_are_code_points() -> None:
    found = NAMES.mentions("🚓 A Police car, a dog barking?")
    assert [(mention.name, mention.is_sound) for mention in found] == [
        ("police car", False),
        ("barking", True),
    ]
    assert found[0].start == 4


def test_a_word_that_is_thing_and_sound_goes_by_the_question() -> None:
    assert [mention.is_sound for mention in NAMES.mentions("a train")] == [False]
    assert [mention.is_sound for mention in NAMES.mentions("a train", sounds_first=True)] == [True]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("on the right", "right"),
        ("in the middle", "centre"),
        ("at the lower-left", "bottom left"),
        ("left", None),
    ],
)
def test_position_word(text: str, word: str | None) -> None:
    assert position_word(text) == word
