"""The matcher that asks a language model: what it may add, and all the ways in which it may fail."""

import threading
import time

import pytest
from fakes import VOCABULARY, FakeDetector, FakeListener, FakeSegmenter, FakeSpeaker, FakeTagger

from bubo.assistant import Assistant
from bubo.grounding import reasoning
from bubo.grounding.lexicon import Lexicon
from bubo.grounding.matcher import match
from bubo.grounding.perception import Heard, Instance, Perception
from bubo.grounding.pipeline import Grounder
from bubo.grounding.reasoning import ReasoningMatcher, occurrences, parse_pairs
from bubo.speaker import ask_with
from bubo.types import Region, Span, Turn, same

LEXICON = Lexicon.from_dict(VOCABULARY)
DOG = Instance("dog", Region(0, (0, 0, 20, 20), None, 0.9), (90, 90))
CAT = Instance("cat", Region(0, (40, 0, 60, 20), None, 0.8), (90, 90))
BARKING = Heard("barking", Span(0, 0.2, 0.6, 0.9))
SEEN = Perception((DOG, CAT), (BARKING,), pictures=(0,), sounds=(0,), num_pictures=1, num_sounds=1)
BLANK = Perception(pictures=(0,), num_pictures=1)
TAGS = ["dog", "cat", "barking (sound)"]


class Replies:
    """Gives one reply and remembers what it was asked."""

    def __init__(self, reply=""):
        self.reply = reply
        self.asked = []

    def __call__(self, system, shots, query, stop):
        self.asked.append((system, tuple(shots), query))
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply


def links(text, reply, perception=SEEN, **options):
    """Phrase -> (label, status) of every link, and the note."""
    matched = ReasoningMatcher(Replies(reply))(text, LEXICON, perception, **options)
    assert [link.start for link in matched.links] == sorted(link.start for link in matched.links)
    assert {link.entity for link in matched.links} == {entity.id for entity in matched.book.entities}
    rows = {}
    for link in matched.links:
        entity = matched.book[link.entity]
        rows.setdefault(text[link.start : link.end], (entity.label, entity.status))
    return rows, matched.note


def test_a_phrase_that_was_not_tied_is():
    text = "The corgi looks at a feline, and the noise is loud."
    assert links(text, "none")[0] == {"a feline": ("feline", "unsure")}
    tied, note = links(text, "The corgi -> dog\na feline -> cat\nnoise -> barking (sound)")
    assert tied == {"The corgi": ("dog", "seen"), "a feline": ("cat", "seen"), "noise": ("barking", "heard")}
    assert note == ""


def test_all_mentions_are_linked_and_one_thing_is_one_entity():
    text = "The corgi sits. A dog it is; the corgi is small, unlike corgis in category three."
    matched = ReasoningMatcher(Replies("corgi -> dog"))(text, LEXICON, SEEN)
    linked = [(text[link.start : link.end], link.start) for link in matched.links]
    assert [phrase for phrase, _ in linked] == ["corgi", "A dog", "corgi"]
    assert [start for _, start in linked] == [4, 16, 33]
    assert len({link.entity for link in matched.links}) == 1
    assert "by the language model: dog" in matched.links[0].reason
    assert "'dog' by name" in matched.links[1].reason


def test_what_was_tied_or_absent_stays():
    text = "I see a dog and a bus. There is no car, no poodle and not a single tiger."
    reply = "a dog -> cat\na bus -> dog\ncar -> dog\npoodle -> dog\ntiger -> cat"
    tied, _ = links(text, reply)
    assert tied == links(text, "none")[0]
    assert tied["a dog"] == ("dog", "both")
    assert tied["a bus"] == ("bus", "absent")


def test_longer_phrases_come_first():
    text = "the corgi pup next to the corgi"
    tied, _ = links(text, "corgi -> dog\ncorgi pup -> cat")
    assert tied == {"corgi pup": ("cat", "seen"), "corgi": ("dog", "seen")}


def test_the_query_holds_the_answer_and_what_was_found():
    speak = Replies("none")
    ReasoningMatcher(speak)("A corgi barks.", LEXICON, SEEN)
    ((system, shots, query),) = speak.asked
    assert query == "Tags:\ndog\ncat\nbarking (sound)\n\nText:\nA corgi barks."
    assert shots == reasoning.SHOTS and system == reasoning.SYSTEM
    for question, said in shots:  # the examples keep the rules
        listed, _, text = question.partition("\n\nText:\n")
        pairs = parse_pairs(said, text, listed.splitlines()[1:])
        assert len(pairs) == (0 if said == "none" else len(said.splitlines()))


def test_nothing_is_asked_where_nothing_was_found():
    speak = Replies("none")
    for text, perception in (("A corgi.", BLANK), ("", SEEN), ("A corgi.", Perception())):
        ReasoningMatcher(speak)(text, LEXICON, perception)
    assert speak.asked == []


TEXT = "The corgi and the category, a feline."


@pytest.mark.parametrize(
    ("reply", "pairs"),
    [
        ("The corgi -> dog", [("The corgi", "dog")]),
        ("the CORGI -> DOG", [("the CORGI", "dog")]),
        ("- The corgi -> dog\n2. a feline -> cat", [("The corgi", "dog"), ("a feline", "cat")]),
        ("* \"The corgi\" → 'dog'.", [("The corgi", "dog")]),
        ("Here are the pairs:\ncorgi->dog\nI hope that helps!", [("corgi", "dog")]),
        ("corgi -> dog\ncorgi -> cat", [("corgi", "dog")]),
        ("corgi -> dog -> cat", None),
        ("corgi -> wolf", None),
        ("poodle -> dog", None),
        ("cat -> cat", None),  # only inside "category"
        ("-> dog\ncorgi ->\n->", None),
        ("the -> dog\nand -> cat", None),
        ("dog", None),
        ("", None),
        ("none", []),
        ("None.", []),
        ("none\ncorgi -> dog", [("corgi", "dog")]),
        ("corgi -> dog\x00\n" * 3, None),
        ("x" * 50_000 + "\ncorgi -> dog", None),
        ("(.*) -> dog\n.+ -> cat\n[ -> dog", None),
    ],
)
def test_replies_are_read_strictly(reply, pairs):
    assert parse_pairs(reply, TEXT, TAGS) == pairs


def test_occurrences_are_whole_words():
    assert list(occurrences("cat", "Cat, category, cat's bobcat cat")) == [(0, 3), (15, 18), (28, 31)]
    assert list(occurrences("a  dog", "A dog a\ndog")) == [(0, 5), (6, 11)]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (RuntimeError("the server\nis away"), "the server is away"),
        (KeyError(), "KeyError"),
        ("I think the corgi is the dog.", "no line of its reply was valid"),
        (None, "object"),
    ],
)
def test_a_failure_leaves_the_deterministic_result(reply, reason):
    text = "The corgi and a feline, a dog."
    matched = ReasoningMatcher(Replies(reply))(text, LEXICON, SEEN)
    plain = match(text, LEXICON, SEEN)
    assert matched.links == plain.links
    assert same(matched.book.entities, plain.book.entities)
    assert matched.note.startswith("phrases were matched without the language model: ")
    assert reason in matched.note


def test_a_slow_model_is_not_waited_for():
    stopped = threading.Event()

    def slow(system, shots, query, stop):
        if stop.wait(60):
            stopped.set()
        return "The corgi -> dog"

    started = time.perf_counter()
    matched = ReasoningMatcher(slow, timeout_s=0.05)("The corgi.", LEXICON, SEEN)
    assert time.perf_counter() - started < 20
    assert "longer than 0.05 s" in matched.note
    assert matched.links == ()
    assert stopped.wait(2)


def test_too_much_is_not_asked():
    speak = Replies("none")
    matched = ReasoningMatcher(speak)("It is quite so. " * 600, LEXICON, SEEN)
    assert "too much to ask" in matched.note and speak.asked == []


@pytest.fixture
def grounder():
    return Grounder(
        FakeTagger({"dog": 0.9}),
        FakeDetector({"dog": [((10, 20, 30, 50), 0.9)]}),
        FakeSegmenter(),
        FakeListener({"barking": [(0.2, 0.6, 0.9)]}),
        LEXICON,
    )


def test_in_a_streamed_answer_it_is_asked_once(grounder, picture, sound):
    text = "I see the corgi. It is a retriever, and a dog! I hear it."
    turns = [Turn("user", "What?", (picture,), (sound,))]
    plain = Assistant(FakeSpeaker(text), grounder).reply(turns)
    model = FakeSpeaker("the corgi -> dog\na retriever -> dog")
    grounder.matcher = ReasoningMatcher(ask_with(model))
    events = list(Assistant(FakeSpeaker(text), grounder).stream(turns))
    assert len(model.asked) == 1
    assert model.asked[0][-1].text.endswith(text)
    answer = events[-1].answer
    linked = {text[link.start : link.end]: answer.entity(link.entity) for link in answer.links}
    assert list(linked) == ["the corgi", "a retriever", "a dog"]
    assert {entity.label for entity in linked.values()} == {"dog"}
    assert len({entity.id for entity in linked.values()}) == 1
    assert {event.link.entity for event in events[-6:] if event.link} == {linked["a dog"].id}
    assert answer.verdict.value == plain.verdict.value == "match"
    assert "note" not in answer.metadata


def test_its_failure_is_noted_in_the_answer(grounder, picture):
    grounder.matcher = ReasoningMatcher(Replies(TimeoutError("too late")))
    turns = [Turn("user", "What?", (picture,))]
    answer = Assistant(FakeSpeaker("A dog."), grounder).reply(turns)
    assert len(answer.links) == 1
    assert answer.metadata["note"] == "phrases were matched without the language model: too late"
