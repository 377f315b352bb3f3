"""The tools in their order, and gold answers on true findings."""

from threading import Thread

import numpy as np
import pytest
from fakes import VOCABULARY, FakeDetector, FakeListener, FakeSegmenter, FakeTagger

from bubo.data_tools.world.build import WorldSettings, make_record
from bubo.data_tools.world.vocabulary import to_dict
from bubo.geometry import rle_decode
from bubo.grounding.lexicon import Lexicon
from bubo.grounding.matcher import match
from bubo.grounding.pipeline import Grounder
from bubo.grounding.tokens import closed_length
from bubo.types import Picture, Regions, Spans, Tags

LEXICON = Lexicon.from_dict(VOCABULARY)
DOG, CAT = (10.0, 10.0, 30.0, 30.0), (50.0, 10.0, 70.0, 30.0)


class Tools:
    """The four fakes and a grounder over them."""

    def __init__(self, **tables):
        self.tagger = FakeTagger({"dog": 0.9, "cat": 0.2})
        self.detector = FakeDetector({"dog": [(DOG, 0.9)], "cat": [(CAT, 0.7)], "skateboard": [(CAT, 0.6)]})
        self.segmenter = FakeSegmenter()
        self.listener = FakeListener({"barking": [(0.2, 0.6, 0.9)]})
        self.grounder = Grounder(self.tagger, self.detector, self.segmenter, self.listener, LEXICON)


@pytest.fixture
def tools():
    return Tools()


def test_links_masks_and_seconds(tools, picture, sound):
    text = "I see a dog. I hear barking."
    entities, links, verdict = tools.grounder.ground(text, [picture], [sound])
    assert [(text[link.start : link.end], link.entity) for link in links] == [
        ("a dog", "e1"),
        ("barking", "e2"),
    ]
    assert entities[0].regions[0].mask.shape == picture.size_hw
    assert entities[0].regions[0].box == DOG
    assert entities[1].spans[0].end_s == pytest.approx(0.6)
    assert (verdict.value, set(verdict.entities)) == ("match", {"e1", "e2"})


def test_a_doubted_thing_stays_so_when_the_verdict_rests_on_it(tools, picture, sound):
    pixels = np.zeros_like(picture.pixels)
    pixels[..., 0] = 200  # all is red
    entities, _, verdict = tools.grounder.ground("I see a blue dog.", [Picture(pixels)], [sound])
    assert verdict.value == "match"
    assert [(entity.label, entity.status) for entity in entities][:1] == [("dog", "unsure")]
    assert entities[0].score < 0.5


def test_the_detector_is_asked_once_for_tags_and_once_for_each_other_noun(tools, picture):
    tools.grounder.ground("A dog, a cat and a skateboard.", [picture])
    tools.grounder.ground("No cat, a dog, two skateboards.", [picture])
    assert tools.tagger.calls == 1
    assert tools.detector.asked[0] == ("dog",)
    assert sorted(tools.detector.asked[1:]) == [("cat",), ("skateboard",)]


def test_what_one_text_asks_for_is_not_there_for_another(tools, picture):
    tools.grounder.ground("I see a skateboard.", [picture])
    perception, _ = tools.grounder.perceive("I see a dog.", [picture])
    assert {one.name for one in perception.instances} == {"dog"}


def test_a_source_in_an_earlier_picture_makes_no_match(tools, picture, sound):
    tools.tagger.enqueue({"dog": 0.9})
    tools.tagger.enqueue({"cat": 0.9})
    other = Picture(np.zeros((40, 40, 3), np.uint8))
    perception, _ = tools.grounder.perceive("", [picture, other], [sound], new_pictures=1)
    assert "dog" in perception.seen_scores and "dog" not in perception.shown_scores
    _, _, verdict = tools.grounder.ground("", [picture, other], [sound], new_pictures=1)
    assert verdict.value == "mismatch"


def test_a_noun_that_no_tag_covers_is_found_by_the_detector(tools, picture):
    entities, _, _ = tools.grounder.ground("I see a skateboard and a cat.", [picture])
    assert [(e.label, e.status) for e in entities] == [("skateboard", "seen"), ("cat", "seen")]


def test_tags_that_the_lexicon_does_not_know_become_words(picture):
    detector = FakeDetector({"red kite": [(DOG, 0.8)]})
    grounder = Grounder(FakeTagger({"red kite": 0.9}), detector, None, None, Lexicon())
    entities, links, _ = grounder.ground("Two red kites!", [picture])
    assert [(e.label, e.status, e.regions[0].mask) for e in entities] == [
        ("red kite", "unsure", None)
    ]  # one of two
    assert [(link.start, link.end) for link in links] == [(0, 13)]


def test_media_are_looked_at_once_and_forgotten_in_order(tools, picture, sound):
    grounder = Grounder(tools.tagger, tools.detector, None, tools.listener, LEXICON, num_media=1)
    other = Picture(255 - picture.pixels)
    for _ in range(2):
        grounder.ground("a dog", [picture], [sound])
    assert (tools.tagger.calls, tools.listener.calls) == (1, 1)
    grounder.ground("a dog", [other])
    grounder.ground("a dog", [picture])
    assert tools.tagger.calls == 3
    grounder.clear()
    grounder.ground("a dog", [picture], [sound])
    assert (tools.tagger.calls, tools.listener.calls) == (4, 2)


def test_regions_count_the_pictures_of_the_conversation(tools, picture):
    other = Picture(255 - picture.pixels)
    entities, _, _ = tools.grounder.ground("the dog", [other, picture], new_pictures=1)
    assert [region.picture for region in entities[0].regions] == [1]
    entities, _, _ = tools.grounder.ground("the dogs", [other, picture])
    assert [region.picture for region in entities[0].regions] == [0, 1]


def test_without_tools_or_media(picture, sound):
    bare = Grounder(None, None, None, None, LEXICON)
    assert bare.ground("I see a dog and hear barking.", [picture], [sound]) == ((), (), None)
    deaf = Grounder(None, FakeDetector(), None, None, LEXICON)
    assert [e.label for e in deaf.ground("I see a dog and hear barking.", [picture], [sound])[0]] == ["dog"]
    assert bare.ground("I see a dog.") == ((), (), None)


def test_timings_tell_the_steps(tools, picture, sound):
    tools.grounder.ground("a dog", [picture], [sound])
    assert set(tools.grounder.last) == {"tag_s", "detect_s", "segment_s", "listen_s", "match_s"}
    tools.grounder.ground("a dog", [picture], [sound])
    assert set(tools.grounder.last) == {"match_s"}


class Truth:
    """All four tools, answering with the truth of a record."""

    def __init__(self, truth, lexicon):
        self.truth = truth
        self.lexicon = lexicon

    def tag(self, picture):
        there = {thing["name"] for thing in self.truth["objects"]}
        names = tuple(word.name for word in self.lexicon.objects)
        return Tags(names, np.array([0.97 if name in there else 0.02 for name in names], np.float32))

    def detect(self, picture, phrases):
        things = [t for phrase in phrases for t in self.truth["objects"] if t["name"] == phrase]
        if not things:
            return Regions.empty()
        boxes = np.array([t["box"] for t in things], np.float32)
        masks = np.stack([rle_decode(t["mask"]) for t in things])
        return Regions(tuple(t["name"] for t in things), boxes, np.full(len(things), 0.95, np.float32), masks)

    def segment(self, picture, where):
        return where

    def listen(self, sound, phrases):
        rows = [(e["name"], e["start_s"], e["end_s"], 0.95) for e in self.truth["events"]]
        rows += [(name, 0.0, 0.0, 0.03) for name in phrases if name not in {row[0] for row in rows}]
        times = np.array([row[1:3] for row in rows], np.float32)
        return Spans(tuple(row[0] for row in rows), times, np.array([row[3] for row in rows], np.float32))


@pytest.mark.parametrize("split", ["train", "heldout"])
def test_gold_answers_on_true_findings_get_the_gold_links(split):
    """Whatever the models find, the matcher itself loses next to nothing; and a text may come in pieces."""
    lexicon = Lexicon.from_dict(to_dict())
    settings = WorldSettings(split=split, seed=1, count=12)
    right = wrong = missed = 0
    for index in range(settings.count):
        record = make_record(settings, index)
        tools = Truth(record.truth, lexicon)
        grounder = Grounder(tools, tools, tools, tools, lexicon)
        for dialogue in record.dialogues:
            pictures, sounds, known, question = [], [], {}, ""
            for turn in dialogue:
                if turn.role == "user":
                    question = turn.text
                    pictures += [record.picture] if "picture" in turn.media else []
                    sounds += [record.sound] if "sound" in turn.media else []
                    continue
                entities, links, _ = grounder.ground(
                    turn.text, pictures, sounds, list(known.values()), question=question
                )
                part = turn.text[: closed_length(turn.text[: len(turn.text) * 2 // 3])]
                early = grounder.ground(
                    part, pictures, sounds, list(known.values()), question=question, finished=False
                )
                assert set(early[1]) <= set(links)
                known |= {entity.id: entity for entity in entities}
                gold = {gold_link(link, record.truth) for link in turn.links}
                mine = {own_link(link, {e.id: e for e in entities}) for link in links}
                hits = {m for m in mine for g in gold if m[:2] == g[:2] and (m[2] == g[2] or m[3] == g[3])}
                right, wrong, missed = (
                    right + len(hits),
                    wrong + len(mine) - len(hits),
                    missed + len(gold) - len(hits),
                )
    assert right > 100
    assert 2 * right / (2 * right + wrong + missed) > 0.98


def gold_link(link, truth):
    boxes = {t["id"]: tuple(round(v) for v in t["box"]) for t in truth["objects"]}
    starts = {e["id"]: round(e["start_s"], 1) for e in truth["events"]}
    things = frozenset(boxes[f"t{i}" if isinstance(i, int) else i] for i in link["things"])
    events = frozenset(starts[f"e{i}" if isinstance(i, int) else i] for i in link["events"])
    if link["status"] == "absent":
        return link["start"], link["end"], "absent", "absent"
    return link["start"], link["end"], things or None, events or None


def own_link(link, entities):
    entity = entities[link.entity]
    if entity.status == "absent":
        return link.start, link.end, "absent", "absent"
    boxes = frozenset(tuple(round(v) for v in region.box) for region in entity.regions)
    return (
        link.start,
        link.end,
        boxes or "none",
        frozenset(round(s.start_s, 1) for s in entity.spans) or "none",
    )


class TellingDetector(FakeDetector):
    """Gives phrases that are not in its table an empty box with a low score."""

    def detect(self, picture, phrases):
        found = super().detect(picture, phrases)
        misses = [phrase for phrase in phrases if phrase not in self.boxes]
        empty = Regions(tuple(misses), np.zeros((len(misses), 4)), np.full(len(misses), 0.1, np.float32))
        return Regions.merge([found, empty])


def test_what_a_detector_tells_to_be_missing_is_absent(tools, picture):
    text = "There is a unicorn. There is no griffin."
    tools.grounder.detector = FakeDetector({})
    vague, _, _ = tools.grounder.ground(text, [picture])
    assert [(one.label, one.status) for one in vague] == [("unicorn", "unsure"), ("griffin", "absent")]
    tools.grounder = Grounder(None, TellingDetector({}), tools.segmenter, None, LEXICON, open_vocabulary=True)
    sure, _, _ = tools.grounder.ground(text, [picture])
    assert [(one.label, one.status, one.score) for one in sure] == [
        ("unicorn", "absent", pytest.approx(0.9)),
        ("griffin", "absent", pytest.approx(0.9)),
    ]
    assert tools.segmenter.calls == 0  # an empty box needs no mask


def test_sounds_that_only_the_text_names_are_listened_for_in_an_open_vocabulary(tools, sound):
    tools.listener = FakeListener({"barking": [(0.2, 0.6, 0.9)], "theremin": [(0.1, 0.3, 0.8)]})
    for open_vocabulary in (False, True):
        grounder = Grounder(None, None, None, tools.listener, LEXICON, open_vocabulary=open_vocabulary)
        entities, links, _ = grounder.ground("I hear a theremin.", [], [sound])
        heard = [(one.label, one.status, len(one.spans)) for one in entities]
        assert heard == ([("theremin", "heard", 1)] if open_vocabulary else [])
        assert len(links) == len(heard)
    _, first = grounder.perceive("I hear a theremin.", [], [sound])
    _, second = grounder.perceive("I hear a theremin. It is loud.", [], [sound])
    assert first is second  # with thousands of tags it is costly to make
    other, _ = grounder.perceive("I hear barking.", [], [sound])
    assert {one.name for one in other.heard} == {"barking"}  # another text did not ask for it


def test_what_makes_a_sound_is_looked_for_even_if_the_tagger_has_no_word_for_it(picture, sound):
    listener = FakeListener({"barking": [(0.2, 0.6, 0.9)]})
    for open_vocabulary, value in ((False, "mismatch"), (True, "match")):
        detector = FakeDetector({"dog": [(DOG, 0.9)]})
        grounder = Grounder(
            FakeTagger({"cat": 0.9}), detector, None, listener, LEXICON, open_vocabulary=open_vocabulary
        )
        _, _, verdict = grounder.ground("", [picture], [sound])
        assert verdict.value == value


def test_each_thread_reads_what_its_own_call_left(tools, picture):
    def noted(text, *parts, **options):
        matched = match(text, *parts, **options)
        matched.note = f"about {text}"
        return matched

    tools.grounder.matcher = noted
    tools.grounder.ground("a dog", [picture])
    elsewhere = []

    def other():
        elsewhere.append((tools.grounder.note, tools.grounder.last))
        tools.grounder.ground("a cat", [picture])
        elsewhere.append((tools.grounder.note, set(tools.grounder.last)))

    thread = Thread(target=other)
    thread.start()
    thread.join()
    assert elsewhere[0] == ("", {})
    assert elsewhere[1][0] == "about a cat" and "tag_s" not in elsewhere[1][1]  # the picture was known
    assert tools.grounder.note == "about a dog" and {"tag_s", "match_s"} <= set(tools.grounder.last)


def test_the_nouns_of_a_text_are_one_question_in_an_open_vocabulary(tools, picture):
    tools.grounder.open_vocabulary = True
    text = "A cat, a skateboard, a theremin and a dog."
    tools.grounder.ground(text, [picture])
    assert tools.detector.asked == [("dog",), ("cat", "skateboard", "theremin")]
    tools.grounder.ground(text + " And a kettle.", [picture])
    assert tools.detector.asked[2:] == [("kettle",)]


def test_masks_are_made_in_blocks_and_large_ones_kept_small(monkeypatch):
    large = Picture(np.zeros((1200, 1000, 3), np.uint8))
    monkeypatch.setattr("bubo.grounding.pipeline.BLOCK_BYTES", 3 * 1_200_000)
    boxes = [((10.0 * n, 20.0, 10.0 * n + 8, 40.0), 0.9) for n in range(10)]
    sizes = []

    class Counting(FakeSegmenter):
        def segment(self, picture, where):
            sizes.append(len(where))
            return super().segment(picture, where)

    grounder = Grounder(None, FakeDetector({"dog": boxes}), Counting(), None, LEXICON)
    entities, _, _ = grounder.ground("There are dogs.", [large])
    assert sizes == [3, 3, 3, 1]
    regions = entities[0].regions
    assert len(regions) == 10 and sum(region.mask_bytes for region in regions) < 1000
    for region, (box, _) in zip(regions, boxes, strict=True):
        assert region.mask.shape == large.size_hw and region.mask.sum() == 7 * 19
        assert region.mask[20:39, int(box[0]) : int(box[2]) - 1].all()


def test_nothing_is_locked_while_a_matcher_thinks(tools, picture):
    from threading import Event

    thinking, done = Event(), Event()

    def slow(*args, **options):
        thinking.set()
        assert done.wait(30)
        return match(*args, **options)

    tools.grounder.matcher = slow
    results = []
    thread = Thread(target=lambda: results.append(tools.grounder.ground("I see a dog.", [picture])))
    thread.start()
    assert thinking.wait(30)
    entities, _, _ = tools.grounder.ground("A cat", [picture], finished=False)  # another conversation
    assert [entity.label for entity in entities] == ["cat"]
    assert not results
    done.set()
    thread.join()
    assert [entity.label for entity in results[0][0]] == ["dog"]
