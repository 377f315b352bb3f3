"""What words can mean."""

import json

import pytest
from fakes import VOCABULARY

from bubo.errors import ModelError
from bubo.grounding.lexicon import Lexicon
from bubo.grounding.words import plural_of, singular_of

LEXICON = Lexicon.from_dict(VOCABULARY)


def senses(text: str) -> list[tuple[str, tuple[str, ...], bool | None, str]]:
    found = LEXICON.find(text.split(), 0)
    return [] if found is None else [(s.kind, s.names, s.plural, s.via) for s in found[1]]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("dog", ("object", ("dog",), False, "name")),
        ("dogs", ("object", ("dog",), True, "name")),
        ("puppies", ("object", ("dog",), True, "synonym")),
        ("sheep", ("object", ("sheep",), None, "name")),
        ("vehicles", ("group", ("car", "bus", "police car"), True, "hypernym")),
        ("dog barking", ("sound", ("barking",), None, "synonym")),
        ("ringing", ("sound", ("alarm ringing", "phone ringing"), None, "synonym")),
        ("seaside", ("place", ("beach",), None, "synonym")),
    ],
)
def test_a_form_leads_to_its_sense(form, expected):
    assert expected in senses(form)


@pytest.mark.parametrize(
    ("phrase", "name"),
    [("dog", "dog"), ("a dog", "dog"), ("two small dogs", "dog"), ("the police car", "police car")],
)
def test_a_whole_phrase_is_read_behind_its_article(phrase, name):
    assert name in {name for sense in LEXICON.senses_of(phrase) for name in sense.names}


@pytest.mark.parametrize("phrase", ["", "the", "a unicorn", "dog food", "dog and cat"])
def test_a_phrase_that_is_more_or_less_than_a_name_has_no_sense(phrase):
    assert LEXICON.senses_of(phrase) == ()


def test_the_longest_form_wins():
    assert LEXICON.find(["police", "cars", "and", "cars"], 0)[0] == 2
    assert LEXICON.find(["police", "cars"], 0, limit=1) is None


def test_one_form_can_have_several_senses():
    assert {s[0] for s in senses("bird")} == {"object", "group"}
    assert {s[0] for s in senses("piano")} == {"object", "sound"}


def test_unknown_words_have_none():
    assert LEXICON.find(["category"], 0) is None
    assert LEXICON.find([], 0) is None


def test_extended_adds_only_what_is_new():
    assert LEXICON.extended(["dog", "puppy", "police car"]) is LEXICON
    more = LEXICON.extended(["skateboard", "dog house", ""])
    assert more.object_names - LEXICON.object_names == {"skateboard", "dog house"}
    assert more.find(["skateboards"], 0) is not None
    assert LEXICON.extended(["", "dog house", "skateboard"]) is more  # kept, in whatever order they come
    assert LEXICON.extended(["lamp"]).object_names - LEXICON.object_names == {"lamp"}


def test_synonyms_lead_to_their_object():
    more = LEXICON.with_synonyms({"dog": ("mongrel", "puppy"), "sofa": ("couch",), "zebra": ()})
    assert more.object_names - LEXICON.object_names == {"sofa", "zebra"}
    for form, name in (("mongrels", "dog"), ("puppy", "dog"), ("couch", "sofa"), ("zebras", "zebra")):
        assert [sense.names for sense in more.senses_of(form)] == [(name,)], form
    assert LEXICON.senses_of("mongrel") == ()


def test_sounds_and_sources_are_known_from_either_side():
    assert LEXICON.sources_by_sound["engine noise"] == ("car", "bus")
    assert LEXICON.sounds_by_object["bus"] == ("engine noise",)


def test_loading_errors_say_what_is_wrong(tmp_path):
    path = tmp_path / "vocabulary.json"
    with pytest.raises(ModelError, match="Cannot read the vocabulary"):
        Lexicon.load(path)
    path.write_text("{")
    with pytest.raises(ModelError, match="Cannot read the vocabulary"):
        Lexicon.load(path)
    path.write_text("[]")
    with pytest.raises(ModelError, match="must be a JSON object"):
        Lexicon.load(path)
    for broken in ({}, {**VOCABULARY, "objects": [{"plural": "x"}]}, {**VOCABULARY, "colours": "red"}):
        path.write_text(json.dumps(broken))
        with pytest.raises(ModelError, match="A vocabulary needs"):
            Lexicon.load(path)
    path.write_text(json.dumps(VOCABULARY))
    assert Lexicon.load(path) == LEXICON


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("dog", "dogs"), ("bus", "buses"), ("fire engine", "fire engines"), ("wolf", "wolves"),
        ("sheep", "sheep"), ("cherry", "cherries"), ("monkey", "monkeys"), ("snowman", "snowmen"),
        ("horse", "horses"), ("box", "boxes"),
    ],
)  # fmt: skip
def test_plurals_and_back(one, many):
    assert plural_of(one) == many
    assert singular_of(many) == one
    assert singular_of(one) == one
