"""Recorded conversations and the events that they gave: what makes grounding quicker must not change them.

`python tests/recorded.py` writes them anew; it is run on a version whose events are known to be right.
"""
# ruff: noqa: E501  (answers stand in one line)

import json
from pathlib import Path

import numpy as np
from fakes import VOCABULARY, FakeDetector, FakeListener, FakeSegmenter, FakeSpeaker, FakeTagger

from bubo.assistant import Assistant
from bubo.grounding.lexicon import Lexicon
from bubo.grounding.pipeline import Grounder
from bubo.types import Picture, Sound, Turn

PATH = Path(__file__).with_name("recorded_events.json")
PIECES = (1, 4, 1000)
#: Conversations: (question, pictures, sounds, answer) of each turn.
CONVERSATIONS = (
    (
        (
            "What do you see and hear?",
            1,
            1,
            "I see a dog, a brown cat and two cars on a beach. I hear barking, then a siren.",
        ),
        ("Where is the dog?", 0, 0, "The dog is at the bottom left; it is left of the cat."),
        (
            "And the other animals?",
            0,
            0,
            "There is no sheep, but the cat is near a **piano**. No owl can be heard.",
        ),
    ),
    (
        (
            "Tell me about dog.png and http://dogs.org/cat. Is there a unicorn?",
            1,
            0,
            "See `dog`, mail cat@dogs.org, www.cat.com/dog. A dog, e.g. the small one, sits <b>there</b>.",
        ),
        (
            "And in the second picture?",
            1,
            1,
            "The second picture shows a cat: it is grey; the first one, a dog and 2 cars! Is it an alarm clock? I hear ringing.",
        ),
        (
            "What makes the sound?",
            0,
            1,
            "The phone and the dog's bark.\nThe bird, three birds and the vehicles\nare gone. ```the dog``` A saw, the saw.",
        ),
    ),
    (
        (
            "Ist da ein Hund?",
            0,
            1,
            "犬。A dog? The dogs… “a cat” and the cat, but not the black dog, and the bus is not there",
        ),
        ("Why?", 1, 0, ""),
        (
            "What?",
            0,
            0,
            "a dog a dog a cat, the other cat, the first dog, the last cat and all the dogs and an orange and the orange car. ",
        ),
    ),
)


def recorded_assistant() -> Assistant:
    """Fakes that find two dogs, a cat, cars and sounds in every medium."""
    grounder = Grounder(
        FakeTagger({"dog": 0.9, "cat": 0.8, "car": 0.7, "piano": 0.3, "owl": 0.2, "bird": 0.05}),
        FakeDetector(
            {
                "dog": [((2, 40, 20, 58), 0.9), ((50, 2, 70, 20), 0.6)],
                "cat": [((30, 30, 50, 50), 0.8)],
                "car": [((5, 5, 15, 15), 0.7), ((60, 40, 78, 55), 0.65)],
                "piano": [((20, 10, 45, 28), 0.55)],
                "unicorn": [((0, 0, 9, 9), 0.5)],
            }
        ),
        FakeSegmenter(),
        FakeListener({"barking": [(0.1, 0.4, 0.9), (0.6, 0.8, 0.7)], "siren": [(0.5, 0.9, 0.4)]}),
        Lexicon.from_dict(VOCABULARY),
    )
    return Assistant(FakeSpeaker(), grounder)


def picture(number: int) -> Picture:
    """A picture of its own."""
    return Picture(np.random.default_rng(number).integers(0, 256, (60, 80, 3), dtype=np.uint8))


def sound(number: int) -> Sound:
    """A sound of its own."""
    return Sound(np.random.default_rng(number).uniform(-0.5, 0.5, 16_000).astype(np.float32), 16_000)


def events_of(conversation: int, piece: int, assistant: Assistant | None = None) -> list[list[object]]:
    """The events of each turn in JSON form, without the times they took."""
    assistant = assistant or recorded_assistant()
    assistant.speaker.piece = piece
    turns: list[Turn] = []
    recorded: list[list[object]] = []
    media = 0
    for question, pictures, sounds, text in CONVERSATIONS[conversation]:
        seeds = range(media, media + max(pictures, sounds))
        media = seeds.stop
        turns.append(
            Turn("user", question, tuple(map(picture, seeds[:pictures])), tuple(map(sound, seeds[:sounds])))
        )
        assistant.speaker.enqueue(text)
        lines: list[object] = []
        for event in assistant.stream(turns):
            value = getattr(event, event.kind)
            line = value if isinstance(value, str) else value.to_dict()
            if event.kind == "answer":
                line["timings"] = {}
                turns.append(Turn("assistant", text, answer=event.answer))
            if event.kind != "text":
                lines.append([event.kind, line])
        recorded.append(lines)
    return recorded


def digest(events: list[list[object]]) -> str:
    """Of masks only what tells them apart, as there are many."""
    import hashlib

    return hashlib.sha256(json.dumps(events, sort_keys=True).encode()).hexdigest()


def summary(events: list[list[object]]) -> list[list[str]]:
    """What a person can read of the events: kinds, and what links and verdicts say."""
    return [
        [
            kind if kind not in ("link", "verdict") else f"{kind} {json.dumps(line, sort_keys=True)}"
            for kind, line in turn
        ]
        for turn in events
    ]


def main() -> None:
    """Write the file."""
    record = {}
    for number in range(len(CONVERSATIONS)):
        for piece in PIECES:
            events = events_of(number, piece)
            record[f"{number}/{piece}"] = {"sha256": digest(events), "summary": summary(events)}
    PATH.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
