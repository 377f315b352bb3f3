"""The phrases that are found in a text, and what the sentence says about each."""

import pytest
from fakes import VOCABULARY

from bubo.grounding.clauses import find_mentions
from bubo.grounding.lexicon import Lexicon
from bubo.grounding.tokens import closed_length, tokenise

LEXICON = Lexicon.from_dict(VOCABULARY)


def phrases(text: str) -> list[str]:
    mentions = find_mentions(text, LEXICON)
    for mention in mentions:
        assert text[mention.start : mention.end] == mention.text
    ends = [0] + [mention.end for mention in mentions]
    assert all(end <= mention.start for end, mention in zip(ends, mentions, strict=False)), (
        "overlapping phrases"
    )
    return [mention.text for mention in mentions]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # articles, numbers, adjectives; not what follows
        ("I see a dog, two cars and a tree on a beach.", ["a dog", "two cars", "a tree"]),
        ("The big red car is next to an old tree.", ["The big red car", "an old tree"]),
        ("a black and white dog", ["a black and white dog"]),
        ("a big, brown dog", ["a big, brown dog"]),
        ("a very fluffy little dog", ["a very fluffy little dog"]),
        ("3 dogs, dogs, both cats", ["3 dogs", "dogs", "both cats"]),
        ("one of the dogs and all of the cats", ["the dogs", "the cats"]),
        ("a pair of dogs and a small group of cats", ["a pair of dogs", "a small group of cats"]),
        ("the dog's bark", ["the dog", "bark"]),
        ("The dog at the top left of the picture", ["The dog"]),
        ("only dogs", ["dogs"]),
        # "no" is not a part of the phrase
        ("There is no dog and no police car.", ["dog", "police car"]),
        # substrings and parts of words
        ("A category of education, a hotdog, a catalogue.", ["a hotdog", "a catalogue"]),
        ("a dog-like thing, my_dog_2, @dog, dog.png and https://dog.com/cat", []),
        ("<dog> and ```a dog``` are skipped", []),
        # nested: the longest form only
        ("a police car and a car", ["a police car", "a car"]),
        ("I hear a dog barking and a puppy barking.", ["a dog barking", "a puppy barking"]),
        ("the barking dog", ["the barking dog"]),
        (
            "The sound of a piano and the noise of the engine",
            ["The sound of a piano", "the noise of the engine"],
        ),
        ("dog noises and an engine sound", ["dog noises", "an engine sound"]),
        ("the dog house", ["the dog house"]),
        # words that are no nouns here
        ("I saw a saw. It is present. We stay at home. Can you bear it?", ["a saw"]),
        ("The car is orange, the orange car.", ["The car", "the orange car"]),
        ("An orange is orange.", ["An orange"]),
        # places, pictures, time and abstract nouns
        ("A picture of a room with an idea, a colour and a moment of happiness.", []),
        ("There is a sunny beach at the left side for two seconds.", []),
        # pronouns
        ("It is there, they are not, and the other one too.", []),
        # punctuation, markdown, quotes, emoji, other scripts
        ("- **a dog**\n- _two cats_\n1. a car", ["a dog", "two cats", "a car"]),
        ("a **red** car (a dog!) \"the cat\" — 'a tree'?", ["a **red** car", "a dog", "the cat", "a tree"]),
        (
            "a **dog**, the _cat_ and a `tree`, **a dog, the cat**",
            ["a **dog**", "the _cat_", "a `tree`", "a dog", "the cat"],
        ),
        ("🐕🐕 a dog 👨‍👩‍👧 and the cat", ["a dog", "the cat"]),
        ("日本のdogです。これはa catです", ["dog", "a cat"]),
        ("собака a dog σκύλος", ["a dog"]),
        ("DOG, Dogs, tHe DoG", ["DOG", "Dogs", "tHe DoG"]),
        ("a dog\nthe cat", ["a dog", "the cat"]),
        ("", []),
        ("...!? 12.5 ** __", []),
    ],
)
def test_phrases(text, expected):
    assert phrases(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I see a unicorn and two dragons.", ["unicorn", "dragon"]),
        ("There is no unicorn here.", ["unicorn"]),
        ("A red unicorn sleeps.", ["unicorn"]),
        ("The unicorn of happiness, a slice of bread", []),
        ("a kindness, an education, a beautiful, any movement, a running", []),
    ],
)
def test_unknown_nouns_after_an_article_or_number(text, expected):
    assert [m.head for m in find_mentions(text, LEXICON) if not m.senses] == expected


@pytest.mark.parametrize(
    ("text", "denied"),
    [
        ("I do not see a cat.", ["a cat"]),
        ("I don't see any dog, cat or tree.", ["any dog", "cat", "tree"]),
        ("There is no dog or cat, but I see a car.", ["dog", "cat"]),
        ("There isn't a dog; the cat is here.", ["a dog"]),
        ("No, there is a dog.", []),
        ("No dogs, no cats.", ["dogs", "cats"]),
        ("I see neither a dog nor a cat.", ["a dog", "a cat"]),
        ("A tree without a bird.", ["a bird"]),
        ("The dog is not in the picture, I see a cat.", ["The dog"]),
        ("The cat cannot be seen.", ["The cat"]),
        ("The dog is missing and there is no sign of a cat.", ["The dog", "a cat"]),
        ("The picture does not show a car.", ["a car"]),
        ("I hear no siren and no barking.", ["siren", "barking"]),
        # these deny something else
        ("No, the dog is not left of the tree.", []),
        ("The dog does not make the siren.", []),
        ("The dog is not brown. The dog is not at the top.", []),
        ("They do not belong together: the siren comes from no car.", ["car"]),
        ("I see no dog next to the tree.", ["dog"]),
    ],
)
def test_negation(text, denied):
    assert [m.text for m in find_mentions(text, LEXICON) if m.negated] == denied


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("the left dog", ("left",)),
        ("the dog on the left", ("left",)),
        ("The dog is at the bottom left of the picture.", ("bottom", "left")),
        ("the dog in the upper right corner", ("top", "right")),
        ("the dog that is in the middle", ("centre",)),
        ("At the top there is a dog.", ("top",)),
        ("From left to right: a dog.", ()),
        ("The dog is not at the top.", ()),
        ("The dog is left of the tree.", ()),
    ],
)
def test_place_words(text, where):
    assert find_mentions(text, LEXICON)[0].where == where


@pytest.mark.parametrize(
    ("text", "relation"),
    [
        ("The dog is left of the tree.", "left"),
        ("The dog to the right of the tree", "right"),
        ("The dog is above the tree.", "above"),
        ("The dog is lower than the tree.", "below"),
        ("the dog next to the tree", "near"),
    ],
)
def test_relations(text, relation):
    assert find_mentions(text, LEXICON)[0].relation == (relation, 1)


def test_what_the_words_say():
    text = "I hear a piano. Two other dogs, the second cat in the first picture; maybe a bird. "
    text += "The car is small and red."
    piano, dogs, cat, bird, car = find_mentions(text, LEXICON)
    assert piano.sense == "heard"
    assert (dogs.number, dogs.plural, dogs.other) == (2, True, True)
    assert (cat.ordinal, cat.medium, cat.determiner) == (1, 0, "definite")
    assert bird.hedged
    assert car.said == ("small", "red")


def test_talk_about_bubo_is_marked():
    text = "Bubo is the Latin name of the eagle owls, which see and hear well. I see a kind of owl."
    assert [m.talk for m in find_mentions(text, LEXICON) if m.senses] == [True, False]


def test_words_of_finished_sentences_never_change():
    text = "I see 2.5 dogs, e.g. a cat... There is **no** car! A `bird`?\n- a tree. See www.dog.com. "
    text += "```x\na dog. \n``` End"
    whole = tokenise(text)
    for length in range(len(text)):
        closed = closed_length(text[:length])
        part = tokenise(text[:closed])
        assert part == whole[: len(part)]
        assert all(token.start >= closed for token in whole[len(part) :])
