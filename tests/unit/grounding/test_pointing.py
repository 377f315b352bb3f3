"""What lies at a place, what it is called, and that phrases are tied to it and to no other of its kind."""

import numpy as np
import pytest
from fakes import VOCABULARY, FakeDetector, FakeListener, FakeSegmenter, FakeSpeaker, FakeTagger

from bubo.assistant import Assistant
from bubo.errors import InputError
from bubo.grounding.eyes import Look, NanoSegmenter
from bubo.grounding.lexicon import Lexicon
from bubo.grounding.pipeline import Grounder
from bubo.grounding.thresholds import Thresholds
from bubo.types import Entity, Picture, Place, Point, Region, Span

LEFT, RIGHT, CAT = (2.0, 10.0, 22.0, 50.0), (50.0, 10.0, 75.0, 50.0), (30.0, 2.0, 40.0, 12.0)


class Tools:
    """Two dogs and a cat, and a sound with a bark, a bark and a meow."""

    def __init__(self, *answers, plain=True, segmenter=None, dogs=(LEFT, RIGHT), **options):
        self.detector = FakeDetector({"dog": [(box, 0.9) for box in dogs], "cat": [(CAT, 0.7)]})
        stretches = {"barking": [(0.0, 0.2, 0.9), (0.6, 0.8, 0.9)], "meowing": [(0.3, 0.5, 0.8)]}
        self.grounder = Grounder(
            FakeTagger({"dog": 0.9, "cat": 0.8}),
            self.detector,
            segmenter,
            FakeListener(stretches),
            Lexicon.from_dict(VOCABULARY),
            **options,
        )
        self.speaker = FakeSpeaker(*answers)
        self.chat = Assistant(self.speaker, self.grounder, plain=plain).conversation()

    @property
    def asked(self):
        return self.speaker.asked[-1][-1].text


class PointSegmenter(FakeSegmenter):
    """Knows one figure more than the detector: the corner at the bottom right."""

    def segment_place(self, picture, place):
        from bubo.types import Regions

        point = place.points[0]
        if point.x < 70 or point.y < 52:
            return Regions.empty()
        mask = np.zeros((1, *picture.size_hw), bool)
        mask[0, 52:, 70:] = True
        return Regions(("",), np.array([[70, 52, 80, 60]], np.float32), np.array([0.6], np.float32), mask)


def boxes(answer):
    """Phrase -> boxes of its entity."""
    return {
        answer.text[link.start : link.end]: [one.box for one in answer.entity(link.entity).regions]
        for link in answer.links
    }


def test_without_a_segmenter_what_was_found_is_looked_through(picture):
    grounder = Tools().grounder
    assert grounder.segment(picture, Place.at(60, 30, picture=0)).box == RIGHT
    assert grounder.segment(picture, Place(box=(1, 9, 24, 48))).box == LEFT
    there = grounder.segment(picture, Place.at(60, 30, picture=2))  # of a later picture of a conversation
    assert (there.picture, there.box) == (2, RIGHT)
    assert grounder.segment(picture, Place((Point(60, 30), Point(70, 40, False)))) is None
    assert grounder.segment(picture, Place.at(79, 59)) is None
    assert grounder.segment(picture, Place(box=(60, 50, 79, 59))) is None


def test_names(picture, sound):
    grounder = Tools().grounder
    assert grounder.name(picture, Region(3, RIGHT, None, 1.0)) == ("dog", pytest.approx(0.9))
    assert grounder.name(picture, Region(0, (60, 50, 79, 59), None, 1.0)) is None
    assert grounder.name(sound, Span(4, 0.25, 0.6, 1.0)).name == "meowing"
    assert grounder.name(sound, Span(0, 0.85, 0.95, 1.0)) is None
    with pytest.raises(InputError, match="a sound a Span"):
        grounder.name(picture, Span(0, 0.1, 0.2, 1.0))


def test_a_tagger_of_many_names_looks_at_the_region_alone(picture):
    tools = Tools(open_vocabulary=True)
    tools.grounder.perceive("", [picture])
    tools.grounder.tagger.enqueue({"cup": 0.8, "dog": 0.2})
    assert tools.grounder.name(picture, Region(0, (60, 50, 79, 59), None, 1.0)) == ("cup", pytest.approx(0.8))
    tools.grounder.tagger.enqueue({"cup": 0.3})
    assert tools.grounder.name(picture, Region(0, (60, 50, 79, 59), None, 1.0)) is None


@pytest.mark.parametrize(("x", "box", "word"), [(10, LEFT, "left"), (60, RIGHT, "right")])
def test_the_phrase_is_tied_to_the_one_that_is_pointed_at(picture, x, box, word):
    tools = Tools("The dog is brown.")
    answer = tools.chat.ask("What colour is it?", picture, at=Place.at(x, 30))
    assert tools.asked == f"What colour is the {word} dog?" == answer.metadata["asked"]
    assert boxes(answer) == {"The dog": [box]}


def test_the_same_thing_keeps_its_id_in_later_turns(picture):
    tools = Tools("There is a dog on the right.", "The dog is brown.", "The other dog is white.", "The dog.")
    first = tools.chat.ask("What is this?", picture, at=Place.at(60, 30))
    second = tools.chat.ask("What colour is it?")
    assert boxes(second) == {"The dog": [RIGHT]} and second.links[0].entity == first.links[0].entity
    assert [turn.text for turn in tools.speaker.asked[-1] if turn.role == "user"] == [
        "What is on the right?",
        "What colour is it?",
    ]
    assert boxes(tools.chat.ask("And the other one?")) == {"The other dog": [LEFT]}
    fourth = tools.chat.ask("Where is it?", at=Place(entity=first.links[0].entity))
    assert tools.asked == "Where is the right dog?" and fourth.links[0].entity == first.links[0].entity


def test_a_side_in_the_phrase_may_mean_the_other_one(picture):
    tools = Tools("The left dog is larger than the right dog.")
    answer = tools.chat.ask("Is it the larger one?", picture, at=Place.at(60, 30))
    assert boxes(answer) == {"The left dog": [LEFT], "the right dog": [RIGHT]}


def test_what_is_pointed_at_stays_itself_when_the_text_denies_it(picture):
    tools = Tools("There is no cat here.")  # found with 0.7 only
    answer = tools.chat.ask("How large is it?", picture, at=Place.at(35, 5))
    (entity,) = answer.entities
    assert (entity.status, boxes(answer)) == ("unsure", {"cat": [CAT]})


def test_nothing_there_is_said_and_the_speaker_is_not_asked(picture, sound):
    tools = Tools()
    answer = tools.chat.ask("What is this?", picture, sound, at=Place.at(79, 59))
    assert answer.text == "I see nothing that I know at that place."
    assert answer.links == () and tools.speaker.asked == []
    heard = tools.chat.ask("What is this?", at=Place(seconds=(0.85, 0.95)))
    assert heard.text.startswith("I hear nothing that I know from 0.8 to ")


def test_seconds_mean_the_sound_that_is_heard_in_them(sound):
    tools = Tools("The barking is heard from about 1 to 2 seconds.")
    answer = tools.chat.ask("What is this?", sound=sound, at=Place(seconds=(0.55, 0.9)))
    assert tools.asked == "When do you hear the barking?"
    (entity,) = answer.entities
    assert [span.start_s for span in entity.spans] == [pytest.approx(0.6)]  # not the first bark


def test_another_speaker_is_told_in_a_sentence_and_it_is_linked(picture):
    tools = Tools("It is brown.", "Nothing much.", plain=False)
    answer = tools.chat.ask("What colour is it?", picture, at=Place.at(60, 30))
    assert tools.asked == (
        "I point at the right dog on the right of the picture (x 50 to 75, y 10 to 50 of 80 x 60 pixels). "
        "What colour is it?"
    )
    assert boxes(answer) == {"It": [RIGHT]}
    tools.chat.ask("What is this?", at=Place.at(79, 59))
    assert tools.asked.startswith("I point at a place at the bottom right of the picture (x 79, y 59")


def test_what_no_tool_has_a_name_for_is_tied_to_the_word_of_the_speaker(picture):
    tools = Tools("This is a mug.", plain=False, segmenter=PointSegmenter())
    answer = tools.chat.ask("What is this?", picture, at=Place.at(75, 55))
    assert "something at the bottom right" in tools.asked
    assert boxes(answer)["a mug"] == boxes(answer)["This"] == [(70, 52, 80, 60)]
    assert answer.entity(answer.links[-1].entity).label == "mug"


def test_a_plain_speaker_is_not_asked_what_the_nameless_is(picture):
    tools = Tools(segmenter=PointSegmenter())
    answer = tools.chat.ask("What is this?", picture, at=Place.at(75, 55))
    assert answer.text == "I see something at the bottom right, but I have no name for it."


def test_without_a_grounder_the_place_itself_is_told(picture):
    speaker = FakeSpeaker("A dog.")
    answer = Assistant(speaker).conversation().ask("What is this?", picture, at=Place.at(3, 5))
    assert "x 3, y 5 of 80 x 60 pixels" in speaker.asked[-1][-1].text and answer.links == ()


def test_several_places(picture):
    tools = Tools("No, the left dog is left of the cat.")
    tools.chat.ask("Is this right of that?", picture, at=[Place.at(10, 30), Place.at(35, 5)])
    assert tools.asked == "Is the left dog right of the cat?"
    named = tools.chat.ask("What are these?", at=[Place.at(10, 30), Place.at(60, 30)])
    assert named.text == "I see the left dog on the left and the right dog on the right."
    assert boxes(named) == {"the left dog": [LEFT], "the right dog": [RIGHT]}


def test_wrong_places_are_refused_before_anything_is_asked(picture):
    tools = Tools()
    for places, said in (
        (Place.at(500, 5), "outside of picture 0"),
        (Place.at(5, 5, picture=1), "in picture 1, but the conversation has 1"),
        (Place(entity="e1"), "no entity 'e1'"),
        ([Place.at(1, 1)] * 6, "5 places, but 6"),
    ):
        with pytest.raises(InputError, match=said):
            tools.chat.stream("What is this?", picture, at=places)
    assert tools.speaker.asked == [] and tools.chat.turns == ()


def test_without_a_word_it_is_asked_what_is_there(picture):
    tools = Tools("There is a dog on the right.")
    tools.chat.ask("", picture, at=Place.at(60, 30))
    assert tools.asked == "What is on the right?" and tools.chat.turns[0].text == "What is this?"
    with pytest.raises(InputError, match="empty"):
        tools.chat.ask("")


def test_a_saved_conversation_keeps_its_places(picture, tmp_path):
    tools = Tools("There is a dog on the right.")
    tools.chat.ask("What is this?", picture, at=Place.at(60, 30))
    tools.chat.save(tmp_path / "talk.bubo")
    loaded = type(tools.chat).load(tmp_path / "talk.bubo")
    assert loaded.turns[0].places == (Place.at(60, 30, picture=0),)


def test_a_known_entity_gives_its_name_to_its_place(picture):
    grounder = Tools(segmenter=PointSegmenter()).grounder
    mug = Entity("e7", "mug", "seen", 0.6, (Region(0, (70, 52, 80, 60), None, 0.6),))
    (found,), _ = grounder.point([Place.at(75, 55, picture=0)], [picture], [], [mug])
    assert found.name == "mug"


class Eyes:
    """Saw two figures on a map of 8 x 8: the left half faintly, and a block at the right."""

    thresholds = Thresholds(mask=0.5)

    def look(self, picture):
        masks = np.zeros((2, 8, 8), np.float32)
        masks[0, :, :3], masks[0, :, 3] = 0.9, 0.3
        masks[1, 2:5, 5:7] = 0.8
        none = np.zeros((0,), np.float32)
        return Look(None, none, none, masks, np.array([0.9, 0.7], np.float32), none, none)


@pytest.mark.parametrize(
    ("place", "slot"),
    [
        (Place.at(10, 10), 0),
        (Place.at(28, 40), 0),  # beside the mask, where its probability is still 0.3
        (Place.at(48, 28), 1),
        (Place.at(48, 41), 1),  # a pixel below it
        (Place.at(48, 60), None),
        (Place((Point(10, 10), Point(12, 50, False))), None),
        (Place((Point(10, 10), Point(48, 28, False))), 0),
        (Place(box=(38, 14, 58, 42)), 1),
        (Place(box=(2, 30, 8, 38)), 0),  # a part of it
        (Place(box=(44, 50, 60, 62)), None),
        (Place((Point(10, 10),), (0, 0, 26, 64)), 0),
    ],
)
def test_nano_knows_the_objects_at_a_place(place, slot):
    picture = Picture(np.zeros((64, 64, 3), np.uint8))
    found = NanoSegmenter(Eyes()).segment_place(picture, place)
    assert [round(float(score), 1) for score in found.scores] == ([] if slot is None else [[0.9, 0.7][slot]])
    if slot is not None:
        assert found.masks.any()
