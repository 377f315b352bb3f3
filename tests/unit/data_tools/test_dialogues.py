"""Dialogues from truth: links, facts that read back, phrasings of the splits, follow-ups."""

import random
from collections import Counter
from itertools import chain
from typing import Any

import numpy as np
import pytest

from bubo.answers import Names
from bubo.data_tools.check import check_record
from bubo.data_tools.world import answers, questions, sound_answers
from bubo.data_tools.world.asking import Asker
from bubo.data_tools.world.build import truth_dict
from bubo.data_tools.world.dialogues import make_dialogues
from bubo.data_tools.world.facts import Facts
from bubo.data_tools.world.pairs import pair_of, world_words
from bubo.data_tools.world.phrases import PHRASES
from bubo.data_tools.world.talk import TALK
from bubo.data_tools.world.truth import Clip, Event, Sample, Scene, Thing, position_word
from bubo.data_tools.world.vocabulary import OBJECTS, to_dict
from bubo.data_tools.world.wording import compose, indefinite, joined, pluralise, whole_seconds
from bubo.records import Record, RecordTurn

SIDE = 150
WORDS = world_words()
VOCABULARY = to_dict()
NAMES = Names.from_vocabulary(VOCABULARY)


def thing(number: int, name: str, x: float, y: float, colour: str | None = None) -> Thing:
    """Makes a thing of 20 x 20 pixels around the point given in shares of the side."""
    box = (x * SIDE - 10, y * SIDE - 10, x * SIDE + 10, y * SIDE + 10)
    mask = np.zeros((SIDE, SIDE), bool)
    mask[int(box[1]) : int(box[3]), int(box[0]) : int(box[2])] = True
    word = position_word(x * SIDE, y * SIDE, (SIDE, SIDE))
    return Thing(number, name, "", box, mask, 1.0, "small", word, colour, number)


def make_sample(
    things: list[Thing] | None, events: list[tuple[str, float, float]] | None, noise: str = ""
) -> Sample:
    """Makes a sample from lists of things and of (sound, start, end); None leaves the medium out."""
    scene = None if things is None else Scene(np.zeros((SIDE, SIDE, 3), np.uint8), tuple(things), "beach", 0)
    clip = None
    if events is not None:
        made = tuple(Event(number, *event) for number, event in enumerate(events))
        clip = Clip(np.zeros(80000, np.float32), made, noise)
    pair, sources = pair_of(scene, clip)
    return Sample("train-0-0", scene, clip, pair, sources)


FARM = [
    thing(0, "dog", 0.15, 0.8, "brown"),
    thing(1, "car", 0.5, 0.5, "red"),
    thing(2, "car", 0.85, 0.5, "blue"),
    thing(3, "tree", 0.85, 0.15, "green"),
]
BARKING = [("barking", 1.2, 3.4)]


def facts_of(sample: Sample) -> Facts:
    return Facts(sample, WORDS)


def phrases_of(reply: answers.Reply) -> list[tuple[str, str]]:
    return [(reply.text[link["start"] : link["end"]], link["status"]) for link in reply.links]


class First(random.Random):
    """Always takes the main variant."""

    def random(self) -> float:
        return 0.0


RNG = First(0)


def test_description_goes_from_left_to_right_and_groups_classes() -> None:
    said = answers.describe_picture(RNG, facts_of(make_sample(FARM, None)))
    assert said.text == "I see a dog, two cars and a tree on a beach."
    assert phrases_of(said) == [("a dog", "seen"), ("two cars", "seen"), ("a tree", "seen")]
    assert said.answer == {"objects": {"dog": 1, "car": 2, "tree": 1}, "place": "beach"}
    assert set(said.about) == {"t0", "t1", "t2", "t3"}


@pytest.mark.parametrize(
    ("events", "noise", "text"),
    [
        ([], "", "I hear nothing."),
        ([], "hum", "I hear only noise."),
        ([("siren", 0.5, 2.0)], "", "I hear a siren."),
        ([("barking", 0.0, 2.0), ("siren", 2.5, 4.0)], "", "I hear barking, then a siren."),
        ([("siren", 0.2, 4.0), ("rain", 0.3, 4.0)], "", "I hear a siren and rain."),
    ],
)
def test_sounds_are_described_in_order(events: list[Any], noise: str, text: str) -> None:
    assert sound_answers.describe_sound(RNG, facts_of(make_sample(None, events, noise))).text == text


def test_count_position_and_presence() -> None:
    facts = facts_of(make_sample(FARM, None))
    assert answers.count(RNG, facts, "car").text == "There are two cars."
    assert answers.count(RNG, facts, "dog").text == "There is one dog."
    none = answers.count(RNG, facts, "wolf")
    assert (none.text, none.answer["value"], none.about) == ("There are no wolves.", 0, ())
    assert phrases_of(none) == [("wolves", "absent")]
    where = answers.position(RNG, facts, FARM[0])
    assert (where.text, where.about) == ("The dog is at the bottom left.", ("t0",))
    assert answers.presence(RNG, facts, "owl").text == "No, there is no owl in the picture."


def test_source_links_thing_and_sound() -> None:
    said = sound_answers.source(RNG, facts_of(make_sample(FARM, BARKING)), "barking")
    assert said is not None
    assert said.text == "The dog at the bottom left makes the barking."
    assert phrases_of(said) == [("The dog", "both"), ("the barking", "heard")]
    assert said.links[0]["things"] == ["t0"] and said.links[0]["events"] == ["e0"]
    assert (said.about, said.compare) == (("t0",), ("e0",))
    nothing = sound_answers.source(RNG, facts_of(make_sample(FARM[1:], BARKING)), "barking")
    assert nothing is not None and nothing.text == "Nothing in the picture makes the barking."
    assert nothing.answer == {"sound": "barking", "value": None, "position": None}


@pytest.mark.parametrize(
    ("events", "value", "text"),
    [
        (BARKING, "match", "Yes, they belong together: the barking comes from the dog."),
        (
            [*BARKING, ("siren", 2.0, 4.0)],
            "partly",
            "Only partly: the barking comes from the dog, but nothing here makes the siren.",
        ),
        (
            [("siren", 2.0, 4.0)],
            "mismatch",
            "No, they do not belong together: I hear a siren, but I see no ambulance or fire engine.",
        ),
        ([("wind", 0.0, 4.0)], None, "I cannot say: I hear wind, which no thing that I know makes."),
        ([], None, "I cannot say: I hear nothing."),
    ],
)
def test_verdicts(events: list[Any], value: str | None, text: str) -> None:
    said = sound_answers.verdict(RNG, facts_of(make_sample(FARM, events)))
    assert said is not None and (said.text, said.answer["value"]) == (text, value)


def test_when_rounds_to_seconds() -> None:
    facts = facts_of(make_sample(None, [("barking", 1.2, 3.5), ("waves", 2.6, 3.4)]))
    barking, waves = sound_answers.when(RNG, facts, "barking"), sound_answers.when(RNG, facts, "waves")
    assert barking is not None and barking.text == "The barking is heard from about 1 to 4 seconds."
    assert waves is not None and waves.text == "The waves are heard at about 3 seconds."


def test_an_unknown_picture_gets_an_honest_answer() -> None:
    scene = Scene(np.zeros((SIDE, SIDE, 3), np.uint8), (), "", 0)
    facts = facts_of(Sample("train-0-0", scene, None, "none"))
    said = answers.describe_picture(RNG, facts)
    assert (said.kind, said.text) == ("unknown", answers.UNKNOWN_TEXT)


def check(sample: Sample, dialogues: tuple[tuple[RecordTurn, ...], ...]) -> list[str]:
    return check_record(Record("a", None, None, truth_dict(sample), dialogues), VOCABULARY, names=NAMES)


@pytest.mark.parametrize("split", ["train", "heldout"])
@pytest.mark.parametrize(
    ("things", "events"),
    [
        (FARM, BARKING),
        (FARM, [("siren", 0.2, 3.0), ("wind", 1.0, 3.0)]),
        (FARM, None),
        (None, BARKING),
        (FARM, []),
        ([], []),
    ],
)
def test_all_turns_pass_the_check(split: str, things: list[Thing] | None, events: list[Any] | None) -> None:
    sample = make_sample(things, events)
    for seed in range(15):
        dialogues = make_dialogues(sample, WORDS, np.random.default_rng(seed), split)
        assert 1 <= len(dialogues) <= 9
        assert all(len(dialogue) == 2 for dialogue in dialogues[:-1])
        assert 2 <= len(dialogues[-1]) // 2 <= 5
        assert check(sample, dialogues) == []


def test_every_object_class_can_be_asked_about_grammatically() -> None:
    for item in OBJECTS:
        sample = make_sample([thing(0, item.name, 0.15, 0.15), thing(1, item.name, 0.85, 0.85)], None)
        for seed in range(1):
            assert check(sample, make_dialogues(sample, WORDS, np.random.default_rng(seed), "train")) == []
    assert indefinite("umbrella") == "an umbrella" and indefinite("unicorn") == "a unicorn"
    assert pluralise("fire truck") == "fire trucks" and pluralise("pony") == "ponies"


def test_the_same_seed_gives_the_same_dialogues() -> None:
    sample = make_sample(FARM, BARKING)
    first, second, other = (
        make_dialogues(sample, WORDS, np.random.default_rng(s), "train") for s in (1, 1, 2)
    )
    assert first == second != other


def test_phrasings_are_rich_and_splits_share_none() -> None:
    for key, ways in PHRASES.items():
        assert len(ways.train) >= 6 and 2 <= len(ways.heldout) <= 3, key
        assert not set(ways.train) & set(ways.heldout), key
    assert len(TALK) == 20
    for subject in TALK.values():
        assert len(subject.train) >= 6 and len(subject.heldout) >= 2 and subject.answers
        assert not set(subject.train) & set(subject.heldout)
    train = {way for ways in PHRASES.values() for way in ways.train}
    assert not train & {way for ways in PHRASES.values() for way in ways.heldout}


def test_kinds_come_with_sensible_shares() -> None:
    sample = make_sample(FARM, BARKING)
    kinds: Counter[str] = Counter()
    counted: Counter[int] = Counter()
    for seed in range(150):
        for exchange in questions.single_questions(random.Random(seed), facts_of(sample), "train", 8):
            kinds[exchange.reply.kind] += 1
            if exchange.reply.kind == "count":
                counted[exchange.reply.answer["value"]] += 1
    assert kinds["position"] > 80 and kinds["count"] > 80 and kinds["verdict"] > 50 and kinds["talk"] < 80
    assert counted[2] > counted[1] and counted[0] > 0


def test_follow_ups_use_what_was_said() -> None:
    sample = make_sample(FARM, BARKING)
    turns = list(
        chain.from_iterable(
            dialogue[2:]
            for seed in range(500)
            for dialogue in make_dialogues(sample, WORDS, np.random.default_rng(seed), "train", num_single=0)
        )
    )
    asked = " ".join(turn.text.lower() for turn in turns if turn.role == "user")
    for word in ("it", "the other one", "what about", "here is a sound", "why"):
        assert word in asked
    assert all("it " not in turn.text for turn in turns if turn.kind == "position")
    assert {turn.media for turn in turns if turn.role == "user"} == {(), ("sound",)}


def test_a_police_car_makes_questions_about_cars_unsafe() -> None:
    facts = facts_of(make_sample([thing(0, "police car", 0.5, 0.5)], None))
    assert not facts.is_plain("car")
    rng = random.Random(0)
    assert all(facts.absent_object(rng) != "car" for _ in range(500))


def test_synonyms_in_questions_keep_canonical_answers() -> None:
    asker = Asker(random.Random(0), WORDS, "train")
    asked = {asker.thing("dog")["the"] for _ in range(200)}
    assert {"the dog", "the puppy"} <= asked


def test_words() -> None:
    assert joined(["a", "b", "c"]) == ["a", ", ", "b", " and ", "c"]
    assert [whole_seconds(time) for time in (0.4, 0.5, 1.5, 2.49)] == [0, 1, 2, 2]
    assert compose("{x}. {x}.", {"x": "so"}) == ("So. So.", ())
