"""A stop at every stage: what was said is the answer, linked as far as that was quick."""

import threading
import time

import pytest
from fakes import VOCABULARY, FakeDetector, FakeListener, FakeSegmenter, FakeSpeaker, FakeTagger
from tiny import tiny_model, tiny_processor

from bubo.assistant import Assistant
from bubo.conversation import Conversation
from bubo.errors import InputError
from bubo.grounding.lexicon import Lexicon
from bubo.grounding.pipeline import Grounder
from bubo.recent import Shared
from bubo.speaker import ModelSpeaker, Settings, Stats
from bubo.stopping import Stopped, check_stop, stoppable
from bubo.types import Turn

TEXT = "I see a dog, and there is a cat. I hear barking. The dog is brown."


class ObedientSpeaker(FakeSpeaker):
    """Ends when it is told to, as real speakers do."""

    def stream(self, turns, settings=None, stop=None):
        for piece in super().stream(turns, settings, stop):
            if stop is not None and stop.is_set():
                return Stats(finish="stopped")
            yield piece
        return Stats(finish="stop")


def grounder(detector=None):
    return Grounder(
        FakeTagger({"dog": 0.9, "cat": 0.9}),
        detector or FakeDetector({"dog": [((10, 20, 30, 50), 0.9)], "cat": [((40, 20, 60, 50), 0.9)]}),
        FakeSegmenter(),
        FakeListener({"barking": [(0.2, 0.6, 0.9)]}),
        Lexicon.from_dict(VOCABULARY),
    )


def test_a_stop_keeps_the_text_and_links_it(picture):
    stop = threading.Event()
    conversation = Conversation(Assistant(ObedientSpeaker(TEXT), grounder()))
    text = ""
    for event in conversation.stream("What?", picture, stop=stop):
        text += event.text
        if "cat. I hear" in text:
            stop.set()
    answer = conversation.answers[-1]
    assert answer.metadata["finish"] == "stopped"
    assert answer.text == text and "cat. I hear" in text and text != TEXT
    assert [answer.text[link.start : link.end] for link in answer.links][:2] == ["a dog", "a cat"]


def test_a_stop_during_slow_grounding_ends_it_and_keeps_what_was_linked(picture):
    class Slow(FakeDetector):
        def detect(self, picture, phrases):
            if "car" in phrases or "bus" in phrases or "saw" in phrases:
                stop.set()
                time.sleep(0.25)
            return super().detect(picture, phrases)

    stop = threading.Event()
    detector = Slow({"dog": [((10, 20, 30, 50), 0.9)]})
    text = "I see a dog, and no car, no bus, no saw, no house, no gift, no owl and no sheep."
    assistant = Assistant(FakeSpeaker(text, piece=1000), grounder(detector))
    answer = assistant.reply([Turn("user", "What?", (picture,))], stop=stop)
    assert answer.text == text
    assert answer.metadata["finish"] == "stopped"
    assert len(detector.asked) < 6  # the rest was not looked for


def test_without_grounding_nothing_is_asked_of_the_tools(picture):
    tools = grounder()
    answer = Assistant(FakeSpeaker(TEXT), tools).reply([Turn("user", "What?", (picture,))], grounding=False)
    assert (answer.text, answer.links, answer.entities, tools.tagger.calls) == (TEXT, (), (), 0)


def test_work_is_over_for_its_own_thread_only():
    over = threading.Event()
    over.set()
    with pytest.raises(Stopped), stoppable(over.is_set):
        thread = threading.Thread(target=check_stop)
        thread.start()
        thread.join()
        check_stop()
    check_stop()


def test_an_answer_ends_at_the_callers_texts():
    speaker = ModelSpeaker(tiny_model(), tiny_processor())
    turns = [Turn("user", "What do you see?")]
    whole = "".join(speaker.stream(turns, Settings(max_new_tokens=30)))
    cut = whole[6:8]
    pieces = list(speaker.stream(turns, Settings(max_new_tokens=30, stop=("never said", cut))))
    assert "".join(pieces) == whole[: whole.index(cut)].rstrip()
    assert speaker.last.finish == "stop"
    assert Settings(stop=["a"]).stop == ("a",)
    for wrong in ("a", ("",), (1,)):
        with pytest.raises(InputError, match="stop must"):
            Settings(stop=wrong)


def test_a_value_wanted_by_several_is_made_once_and_a_failure_is_tried_again():
    kept: Shared[int] = Shared(2)
    made, started = [], threading.Barrier(4)

    def make():
        made.append(1)
        time.sleep(0.05)
        if len(made) == 1:
            raise MemoryError
        return 7

    results = []

    def get():
        started.wait(10)
        try:
            results.append(kept.get("a", make))
        except MemoryError:
            results.append(None)

    threads = [threading.Thread(target=get) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(results, key=str) == [7, 7, 7, None]
    assert len(made) == 2
