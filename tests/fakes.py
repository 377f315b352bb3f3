"""Stand-ins for the models: their answers are put in beforehand, and they count what they were asked."""

from collections.abc import Generator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bubo.speaker import Settings, Stats
from bubo.types import Picture, Regions, Sound, Spans, Tags, Turn

Box = tuple[float, float, float, float]


class FakeTagger:
    """Gives every picture the same tags, or those queued for it."""

    def __init__(self, scores: Mapping[str, float] | None = None):
        self.scores = dict(scores or {})
        self.queue: list[Mapping[str, float]] = []
        self.calls = 0

    def enqueue(self, scores: Mapping[str, float]) -> None:
        self.queue.append(scores)

    def tag(self, picture: Picture) -> Tags:
        self.calls += 1
        scores = self.queue.pop(0) if self.queue else self.scores
        return Tags(tuple(scores), np.array(list(scores.values()), np.float32))


class FakeDetector:
    """Finds the boxes that stand in its table: name -> (box, score) each."""

    def __init__(self, boxes: Mapping[str, Sequence[tuple[Box, float]]] | None = None):
        self.boxes = dict(boxes or {})
        self.asked: list[tuple[str, ...]] = []

    def detect(self, picture: Picture, phrases: Sequence[str]) -> Regions:
        self.asked.append(tuple(phrases))
        found = [(phrase, box, score) for phrase in phrases for box, score in self.boxes.get(phrase, ())]
        if not found:
            return Regions.empty()
        return Regions(
            tuple(name for name, _, _ in found),
            np.array([box for _, box, _ in found], np.float32),
            np.array([score for _, _, score in found], np.float32),
        )


class FakeSegmenter:
    """Fills each box, shrunk by a pixel at the far edges."""

    def __init__(self) -> None:
        self.calls = 0

    def segment(self, picture: Picture, where: Regions | NDArray[Any]) -> Regions:
        self.calls += 1
        assert isinstance(where, Regions)
        masks = np.zeros((len(where), *picture.size_hw), dtype=bool)
        for mask, (x0, y0, x1, y1) in zip(masks, where.boxes.astype(int), strict=True):
            mask[y0 : y1 - 1, x0 : x1 - 1] = True
        return Regions(where.labels, where.boxes, where.scores, masks)


class FakeListener:
    """Hears the stretches that stand in its table: name -> (start, end, score) each; others score .02."""

    def __init__(self, stretches: Mapping[str, Sequence[tuple[float, float, float]]] | None = None):
        self.stretches = dict(stretches or {})
        self.calls = 0

    def listen(self, sound: Sound, phrases: Sequence[str]) -> Spans:
        self.calls += 1
        rows = [
            (phrase, *stretch)
            for phrase in phrases
            for stretch in self.stretches.get(phrase, ((0.0, 0.0, 0.02),))
        ]
        return Spans(
            tuple(row[0] for row in rows),
            np.array([row[1:3] for row in rows], np.float32).reshape(-1, 2),
            np.array([row[3] for row in rows], np.float32),
        )


class FakeSpeaker:
    """Says the answers queued for it, a few characters at a time; a queued error is raised instead."""

    takes_sound = True

    def __init__(self, *answers: str, piece: int = 3):
        self.queue: list[str | Exception] = list(answers)
        self.piece = piece
        self.asked: list[tuple[Turn, ...]] = []
        self.settings: list[Settings | None] = []
        self.last = Stats()

    def enqueue(self, *answers: str | Exception) -> None:
        self.queue.extend(answers)

    def stream(
        self, turns: Sequence[Turn], settings: Settings | None = None, stop: Any = None
    ) -> Generator[str, None, Stats]:
        self.asked.append(tuple(turns))
        self.settings.append(settings)
        answer = self.queue.pop(0)
        if isinstance(answer, Exception):
            raise answer
        for start in range(0, len(answer), self.piece):
            yield answer[start : start + self.piece]
        self.last = Stats(tokens_fed=len(turns), finish="stop")
        return self.last


def _thing(name: str, plural: str = "", synonyms: str = "", hypernyms: str = "") -> dict[str, Any]:
    lists = {"synonyms": synonyms, "hypernyms": hypernyms}
    return {"name": name, "plural": plural or f"{name}s"} | {key: text.split() for key, text in lists.items()}


def _sound(name: str, phrase: str, synonyms: Sequence[str], *sources: str) -> dict[str, Any]:
    return {"name": name, "phrase": phrase, "synonyms": list(synonyms), "verb": "", "sources": list(sources)}


VOCABULARY: dict[str, Any] = {
    "objects": [
        _thing("dog", synonyms="puppy hound", hypernyms="pet animal"),
        _thing("cat", synonyms="kitten", hypernyms="pet animal"),
        _thing("sheep", "sheep", hypernyms="animal"),
        _thing("owl", hypernyms="bird animal"),
        _thing("bird", hypernyms="animal"),
        _thing("car", synonyms="automobile", hypernyms="vehicle"),
        _thing("bus", "buses", hypernyms="vehicle"),
        _thing("police car", hypernyms="vehicle"),
        _thing("tree", hypernyms="plant"),
        _thing("orange"),
        _thing("gift", synonyms="present"),
        _thing("house", synonyms="home"),
        _thing("saw"),
        _thing("piano"),
        _thing("alarm clock"),
        _thing("telephone", synonyms="phone"),
    ],
    "sounds": [
        _sound("barking", "a dog barking", ("bark", "barks"), "dog"),
        _sound("meowing", "a cat meowing", ("meow",), "cat"),
        _sound("siren", "a siren", ("sirens",), "police car"),
        _sound("engine noise", "an engine running", ("engine", "motor"), "car", "bus"),
        _sound("piano music", "a piano playing", ("piano",), "piano"),
        _sound("alarm ringing", "an alarm ringing", ("alarm", "ringing"), "alarm clock"),
        _sound("phone ringing", "a phone ringing", ("ringing",), "telephone"),
        _sound("waves", "waves", ("surf",)),
    ],
    "places": [
        {"name": "beach", "phrase": "on a beach", "synonyms": ["seaside"]},
        {"name": "living room", "phrase": "in a living room", "synonyms": ["room"]},
    ],
    "colours": ["red", "orange", "blue", "brown", "black", "white", "grey"],
}
