"""What each phrase is tied to, given exactly what was found."""

import numpy as np
import pytest
from fakes import VOCABULARY

from bubo.grounding.lexicon import Lexicon
from bubo.grounding.matcher import match
from bubo.grounding.perception import Heard, Instance, Perception
from bubo.types import Region, Span

LEXICON = Lexicon.from_dict(VOCABULARY)
SIZE = (90, 90)
PLACES = {
    "top left": (5, 5), "top": (35, 5), "top right": (65, 5), "left": (5, 35), "centre": (35, 35),
    "right": (65, 35), "bottom left": (5, 65), "bottom": (35, 65), "bottom right": (65, 65),
}  # fmt: skip


def thing(name, place, colour="", side=20, picture=0, score=0.9):
    x, y = PLACES[place]
    region = Region(picture, (x, y, x + side, y + side), None, score)
    return Instance(name, region, SIZE, {colour: 1.0} if colour else {})


def found(*things, sounds=(), pictures=1, clips=0, **scores):
    """What was found: things, and sounds as (name, start, end)."""
    heard = tuple(Heard(name, Span(0, start, end, 0.9)) for name, start, end in sounds)
    clips = clips or (1 if sounds else 0)
    return Perception(
        tuple(things), heard, scores, {}, tuple(range(pictures)), tuple(range(clips)), pictures, clips
    )


def links(text, perception, known=(), **options):
    """Phrase -> (label, status, places of its regions, starts of its spans) of every link."""
    matched = match(text, LEXICON, perception, known, **options)
    names = {corner: place for place, corner in PLACES.items()}
    rows = []
    for link in matched.links:
        entity = matched.book[link.entity]
        places = sorted(names[(int(r.box[0]), int(r.box[1]))] for r in entity.regions)
        assert link.reason
        rows.append(
            (
                text[link.start : link.end],
                entity.label,
                entity.status,
                places,
                [s.start_s for s in entity.spans],
            )
        )
    return rows


def places(text, perception, **options):
    """The places of each link's regions."""
    return [row[3] for row in links(text, perception, **options)]


TWO_DOGS = found(
    thing("dog", "left", "brown"), thing("dog", "bottom right", "white", side=24), thing("cat", "top")
)


@pytest.mark.parametrize(
    ("text", "label", "where"),
    [
        ("the cat", "cat", ["top"]),
        ("the kitten", "cat", ["top"]),  # synonym
        ("two dogs", "dog", ["bottom right", "left"]),
        ("the dogs", "dog", ["bottom right", "left"]),
        ("The puppies", "dog", ["bottom right", "left"]),
        ("the animals", "animal", ["bottom right", "left", "top"]),  # hypernym
        ("three pets", "pet", ["bottom right", "left", "top"]),
        ("all cats", "cat", ["top"]),
        ("the left dog", "dog", ["left"]),
        ("the dog on the right", "dog", ["bottom right"]),
        ("the dog at the bottom right", "dog", ["bottom right"]),
        ("The dog is at the bottom.", "dog", ["bottom right"]),
        ("the brown dog", "dog", ["left"]),
        ("The dog is white.", "dog", ["bottom right"]),
        ("the bigger dog", "dog", None),
        ("the large dog", "dog", ["bottom right"]),
        ("a small dog", "dog", ["left"]),
        ("the first dog", "dog", ["left"]),
        ("the last dog", "dog", ["bottom right"]),
        ("the dog below the cat", "dog", None),
        ("the dog right of the cat", "dog", ["bottom right"]),
    ],
)
def test_instances_are_told_apart(text, label, where):
    row = links(text, TWO_DOGS)[0]
    assert row[1:3] == (label, "seen")
    if where is not None:
        assert row[3] == where


def test_exact_third_beats_the_outermost():
    dogs = found(thing("dog", "top"), thing("dog", "top right"), thing("dog", "left"))
    assert places("There is a dog at the top.", dogs) == [["top"]]
    assert places("the dog at the top right", dogs) == [["top right"]]


def test_the_other_one():
    assert places("The left dog is brown, the other dog is white.", TWO_DOGS) == [["left"], ["bottom right"]]
    assert places("A dog on the right and another dog.", TWO_DOGS) == [["bottom right"], ["left"]]
    one = found(thing("dog", "left"))
    assert links("The dog and the other dog.", one)[1][2] == "unsure"


def test_the_one_spoken_of_before():
    text = "There is a dog on the right. The dog sleeps. The two dogs are far apart."
    assert places(text, TWO_DOGS) == [["bottom right"], ["bottom right"], ["bottom right", "left"]]
    assert places("The dog is brown.", TWO_DOGS, question="What colour is the dog on the right?") == [
        ["bottom right"]
    ]
    answer = places("The other dog is here.", TWO_DOGS, question="And the other dog?")
    assert answer == places("The other dog is here.", TWO_DOGS)


def test_two_indefinite_phrases_are_two_things():
    assert sorted(places("I see a dog and a dog.", TWO_DOGS)) == [["bottom right"], ["left"]]


def test_fewer_than_named_costs_score():
    matched = match("four dogs", LEXICON, TWO_DOGS)
    assert matched.book.entities[0].score == pytest.approx(0.45)
    assert "2 regions for 4 named" in matched.links[0].reason


def test_more_than_named_takes_the_surest():
    dogs = found(thing("dog", "left", score=0.5), thing("dog", "top"), thing("dog", "right"))
    assert places("two dogs", dogs) == [["right", "top"]]


def test_every_mention_is_linked_to_one_entity():
    matched = match("A dog. The dog, the dog and DOG! *dog*", LEXICON, found(thing("dog", "left")))
    assert len(matched.links) == 5
    assert {link.entity for link in matched.links} == {"e1"}
    assert len(matched.book.entities) == 1


def test_sheep_are_one_or_several():
    sheep = found(thing("sheep", "left"), thing("sheep", "right"))
    assert [len(p) for p in places("The sheep are here.", sheep)] == [2]
    assert [len(p) for p in places("A sheep is here.", sheep)] == [1]
    assert [len(p) for p in places("The bleating comes from the sheep.", sheep)] == [2]


def test_a_word_for_a_class_and_a_group():
    assert places("the bird", found(thing("owl", "left"))) == [["left"]]
    assert places("the bird", found(thing("owl", "left"), thing("bird", "right"))) == [["right"]]
    assert places("the birds", found(thing("owl", "left"), thing("bird", "right"))) == [["left", "right"]]


@pytest.mark.parametrize(
    ("text", "status", "score"),
    [
        ("I see a car.", "absent", 0.8),
        ("There is no car.", "absent", 0.8),
        ("Perhaps there is a car.", "unsure", 0.8),
        ("I see a tree.", "unsure", 0.7),  # tagged, but found nowhere
        ("There is no tree.", "absent", 0.3),
        ("There is no cat.", "unsure", 0.9),  # denied, but clearly found
        ("I see a unicorn.", "unsure", 0.5),
        ("I see no unicorn.", "absent", 0.5),
        ("There are no vehicles.", "absent", 0.8),
    ],
)
def test_what_is_not_there(text, status, score):
    perception = found(thing("cat", "top"), car=0.2, tree=0.7)
    matched = match(text, LEXICON, perception)
    entity = matched.book.entities[0]
    assert (entity.status, entity.score) == (status, pytest.approx(score))
    assert bool(entity.regions) == (text == "There is no cat.")


def test_a_doubtful_find_does_not_contradict_a_denial():
    assert links("no cat", found(thing("cat", "top", score=0.6)))[0][2:4] == ("absent", [])


@pytest.mark.parametrize("text", ["the unicorn", "my machine", "a picture", "Bubo means an owl", "the beach"])
def test_some_phrases_are_not_linked(text):
    assert links(text, TWO_DOGS) == []


def test_no_media_no_links():
    assert match("I see a dog and hear a siren.", LEXICON, Perception()).links == ()


def test_no_other():
    assert links("I see the left dog and no other dogs.", TWO_DOGS)[1][2] == "unsure"
    cats = found(thing("cat", "top"))
    assert links("I see a cat and no other animals.", cats)[1][1:3] == ("animal", "absent")


BARKING = found(thing("dog", "left"), thing("cat", "top"), sounds=[("barking", 1, 2), ("barking", 4, 5)])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I hear barking.", [("barking", "barking", "both", ["left"], [1, 4])]),
        ("I hear a dog barking.", [("a dog barking", "barking", "both", ["left"], [1, 4])]),
        ("the sound of a dog", [("the sound of a dog", "barking", "both", ["left"], [1, 4])]),
        ("the second bark", [("the second bark", "barking", "both", ["left"], [4])]),
        ("the barking dog", [("the barking dog", "dog", "both", ["left"], [1, 4])]),
        ("I see a dog.", [("a dog", "dog", "both", ["left"], [1, 4])]),
        ("I hear no siren.", [("siren", "siren", "absent", [], [])]),
        ("I hear a siren.", [("a siren", "siren", "absent", [], [])]),
        ("I hear no barking.", [("barking", "barking", "unsure", [], [1, 4])]),
    ],
)
def test_sounds(text, expected):
    assert links(text, BARKING) == expected


def test_a_source_that_is_only_heard():
    only_sound = found(sounds=[("barking", 1, 2)], pictures=0)
    assert links("I hear a dog.", only_sound) == [("a dog", "dog", "heard", [], [1])]
    with_cat = found(thing("cat", "top"), sounds=[("barking", 1, 2)])
    assert links("I see no dog.", with_cat)[0][2] == "absent"
    assert links("The dog is not in the picture.", with_cat)[0][2] == "absent"
    assert links("The barking comes from a dog.", with_cat)[1] == ("a dog", "dog", "heard", [], [1])


def test_only_the_instance_that_the_sentence_names_makes_the_sound():
    dogs = found(thing("dog", "left"), thing("dog", "right"), sounds=[("barking", 1, 2)])
    rows = links("The left dog is old. The barking comes from the dog on the right.", dogs)
    assert [row[2:] for row in rows] == [
        ("seen", ["left"], []),
        ("both", ["right"], [1]),
        ("both", ["right"], [1]),
    ]


def test_two_possible_sources_are_not_guessed():
    road = found(thing("car", "left"), thing("bus", "right"), sounds=[("engine noise", 0, 3)])
    assert links("I hear an engine.", road) == [("an engine", "engine noise", "heard", [], [0])]
    assert links("I see a car.", road)[0][2] == "seen"
    assert links("The bus makes the engine noise.", road)[1] == (
        "the engine noise",
        "engine noise",
        "both",
        ["right"],
        [0],
    )


def test_a_word_for_two_sounds_means_the_one_whose_source_is_named():
    both = found(thing("telephone", "left"), sounds=[("alarm ringing", 0, 1), ("phone ringing", 2, 3)])
    assert links("The phone makes the ringing.", both)[1][1] == "phone ringing"


def test_a_noun_that_is_thing_and_sound():
    piano = found(thing("piano", "left"), sounds=[("piano music", 1, 2)])
    assert [row[1] for row in links("I see a piano. I hear a piano.", piano)] == ["piano", "piano music"]
    assert links("A piano.", found(sounds=[("piano music", 1, 2)], pictures=0))[0][1] == "piano music"


def test_pictures_in_order():
    two = found(thing("dog", "left"), thing("dog", "right", picture=1), pictures=2)
    assert places("In the first picture there is a dog, in the second picture a dog.", two) == [
        ["left"],
        ["right"],
    ]
    late = Perception(two.instances, (), {}, {}, (1,), (), 2, 0)
    assert places("The dog is here.", late) == [["right"]]
    assert places("The cat.", Perception((thing("cat", "top"),), (), {}, {}, (1,), (), 2, 0)) == [["top"]]


def test_identity_is_kept_over_turns():
    first = match("I see two dogs, a cat and no car. I hear barking.", LEXICON, BARKING)
    known = first.book.entities
    moved = Instance("cat", Region(0, (36, 5, 56, 25), None, 0.8), SIZE)
    later = found(thing("dog", "left"), moved, sounds=[("barking", 1.1, 2), ("barking", 4, 5)])
    text = "The cat is at the top, there is no car, the barking comes from the dog, and no bus."
    second = match(text, LEXICON, later, known)
    ids = {entity.label: entity.id for entity in known}
    assert [link.entity for link in second.links] == [
        ids["cat"],
        ids["car"],
        ids["barking"],
        ids["dog"],
        "e5",
    ]
    assert second.book["e5"].label == "bus"


def test_an_entity_grows_from_heard_to_both():
    first = match("I hear a dog.", LEXICON, found(sounds=[("barking", 1, 2)], pictures=0))
    second = match(
        "The dog is on the left.",
        LEXICON,
        found(thing("dog", "left"), sounds=[("barking", 1, 2)]),
        first.book.entities,
    )
    assert [(e.id, e.status) for e in second.book.entities] == [("e1", "both")]


def test_the_same_input_gives_the_same_links():
    text = "Two dogs, the left dog, a puppy and the animals. I hear barking."
    assert match(text, LEXICON, BARKING).links == match(text, LEXICON, BARKING).links


def test_any_text_is_survived():
    rng = np.random.default_rng(0)
    words = [
        "dog",
        "dogs",
        "the",
        "a",
        "no",
        "not",
        "I",
        "see",
        "hear",
        "barking",
        "left",
        "of",
        "is",
        "at",
        "top",
        "two",
        "other",
        "first",
        "picture",
    ]
    words += list(",.-<") + ["\n", "**", "犬", "🐕", "'s", "\u0301", "```"]
    for _ in range(400):
        text = " ".join(rng.choice(words, rng.integers(1, 25)))
        for link in match(text, LEXICON, BARKING).links:
            assert text[link.start : link.end].strip()


@pytest.mark.parametrize(
    "text", ["the white dog", "The dog is white.", "The white dog is on the left. The dog is at the left."]
)
def test_a_colour_that_a_thing_does_not_have_is_doubted(text):
    seen = found(thing("dog", "left", "brown"), thing("cat", "top"))
    assert {row[1:] for row in map(_frozen, links(text, seen))} == {("dog", "unsure", ("left",), ())}
    assert "hardly white" in match(text, LEXICON, seen).links[0].reason
    assert {row[2] for row in links(text.replace("white", "brown"), seen)} == {"seen"}
    assert {row[2] for row in links(text.replace("dog", "cat"), seen)} == {"seen"}  # of unknown colour


def test_a_colour_next_to_that_of_a_thing_is_believed():
    seen = found(thing("dog", "left", "yellow"))
    assert [links(f"the {colour} dog", seen)[0][2] for colour in ("orange", "blue")] == ["seen", "unsure"]


def test_a_doubt_ends_with_its_answer():
    seen = found(thing("dog", "left", "brown"))
    first = match("the white dog", LEXICON, seen)
    assert links("the dog", seen, first.book.entities)[0][2] == "seen"


def test_fewer_than_named_are_doubted():
    assert [row[2] for row in links("three dogs", TWO_DOGS)] == ["unsure"]
    assert [row[2] for row in links("two dogs", TWO_DOGS)] == ["seen"]


def _frozen(row):
    return tuple(tuple(part) if isinstance(part, list) else part for part in row)
