"""What computes answers for the server: the Engine protocol, and the one that runs an Assistant of ours."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Literal, Protocol

import numpy as np

from bubo.assistant import Assistant, Event
from bubo.errors import BuboError
from bubo.speaker import Settings
from bubo.types import Answer, Entity, Link, Picture, Region, Regions, Sound, Turn, Verdict

__all__ = ["AssistantEngine", "Box", "Engine", "PointAt", "State"]

State = Literal["loading", "ready", "failed"]
#: x, y in pixels of the picture, and whether it lies on the thing that is meant.
PointAt = tuple[float, float, bool]
#: x0, y0, x1, y1 in pixels of the picture.
Box = tuple[float, float, float, float]

_log = logging.getLogger(__name__)


class Engine(Protocol):
    """The seam between the server and what computes; tests put a scripted one here.

    Attributes:
        name: Name of the model, as clients ask for it.
    """

    name: str

    @property
    def state(self) -> State:
        """Whether it can be asked yet."""
        ...

    @property
    def message(self) -> str:
        """What a reader should know of the state; why it failed, if it did."""
        ...

    def stream(
        self,
        turns: Sequence[Turn],
        settings: Settings,
        *,
        stop: threading.Event,
        grounding: bool = True,
        threshold: float | None = None,
    ) -> Iterator[Event]:
        """Answers the last turn, step by step.

        Args:
            turns: The whole conversation.
            settings: How to answer.
            stop: Ends the work when it is set.
            grounding: Whether phrases are tied to what is seen and heard.
            threshold: Regions and spans with a lower score are left out.

        Raises:
            BuboError: If it cannot be answered.
        """
        ...

    def ground(self, pictures: Sequence[Picture], sounds: Sequence[Sound], text: str) -> Answer:
        """Ties the phrases of a given text to pictures and sounds."""
        ...

    def segment(self, picture: Picture, points: Sequence[PointAt], box: Box | None) -> Region | None:
        """The thing at points or in a box; None where nothing is."""
        ...


class AssistantEngine:
    """An assistant that is loaded in the background, so that the server can say meanwhile that it is coming.

    Args:
        load: Makes the assistant; called once, in a thread.
        name: What the model is called, also before it is loaded.
    """

    def __init__(self, load: Callable[[], Assistant], name: str = "nano"):
        self.name = name
        self._load = load
        self._assistant: Assistant | None = None
        self._failure = ""
        self._thread = threading.Thread(target=self._run, name="load-model", daemon=True)
        self._thread.start()

    @property
    def state(self) -> State:
        """Whether it can be asked yet."""
        if self._failure:
            return "failed"
        return "loading" if self._assistant is None else "ready"

    @property
    def message(self) -> str:
        """Why it failed, or that it is being loaded."""
        return self._failure or ("" if self._assistant else f"The model {self.name} is being loaded.")

    @property
    def assistant(self) -> Assistant:
        """The assistant.

        Raises:
            BuboError: If it is not loaded yet, or could not be.
        """
        if self._assistant is None:
            raise BuboError(self.message)
        return self._assistant

    def stream(
        self,
        turns: Sequence[Turn],
        settings: Settings,
        *,
        stop: threading.Event,
        grounding: bool = True,
        threshold: float | None = None,
    ) -> Iterator[Event]:
        """See `Engine`. The work ends at the first event after `stop` was set."""
        asked = self.assistant
        sounds = any(turn.sounds for turn in turns)
        if not grounding and (asked.speaker.takes_sound or not sounds):
            asked = Assistant(asked.speaker, None, name=asked.name)
        for event in asked.stream(turns, settings):
            if stop.is_set():
                return
            if grounding:
                yield _above(event, threshold)
            elif event.answer is not None:  # a listener told a deaf speaker what is heard, no more
                answer = event.answer
                yield Event("answer", answer=replace(answer, entities=(), links=(), verdict=None))
            elif event.kind == "text":
                yield event

    def ground(self, pictures: Sequence[Picture], sounds: Sequence[Sound], text: str) -> Answer:
        """See `Engine`."""
        grounder = self.assistant.grounder
        found: tuple[tuple[Entity, ...], tuple[Link, ...], Verdict | None] = ((), (), None)
        if grounder is not None:
            found = grounder.ground(text, pictures, sounds)
        return Answer(text, *found, pictures=tuple(pictures), sounds=tuple(sounds))

    def segment(self, picture: Picture, points: Sequence[PointAt], box: Box | None) -> Region | None:
        """See `Engine`. Of several points without a box, the first positive one is taken."""
        grounder = self.assistant.grounder
        segmenter = None if grounder is None else grounder.segmenter
        on = [point[:2] for point in points if point[2]]
        if segmenter is None or (box is None and not on):
            return None
        if box is not None:
            where = Regions(("",), np.array([box], np.float32), np.ones(1, np.float32))
            found = segmenter.segment(picture, where)
        else:
            found = segmenter.segment(picture, np.array(on[:1], np.float32))
        if not len(found) or found.masks is None or not found.masks[0].any():
            return None
        x0, y0, x1, y1 = (float(side) for side in found.boxes[0])
        return Region(0, (x0, y0, x1, y1), found.masks[0], float(found.scores[0]))

    def _run(self) -> None:
        try:
            loaded = self._load()
        except BuboError as error:
            self._failure = str(error)
        except Exception as error:  # libraries below raise what they like; the page must still say something
            _log.exception("The model %s cannot be loaded", self.name)
            self._failure = f"The model {self.name} cannot be loaded ({type(error).__name__}); see the log."
        else:
            self.name = loaded.name or self.name
            self._assistant = loaded


def _above(event: Event, threshold: float | None) -> Event:
    """The event with the regions and spans of at least this score."""
    if threshold is None:
        return event
    if event.entity is not None:
        return replace(event, entity=_strong(event.entity, threshold))
    if event.answer is not None:
        entities = tuple(_strong(entity, threshold) for entity in event.answer.entities)
        return replace(event, answer=replace(event.answer, entities=entities))
    return event


def _strong(entity: Entity, threshold: float) -> Entity:
    regions = tuple(region for region in entity.regions if region.score >= threshold)
    spans = tuple(span for span in entity.spans if span.score >= threshold)
    lost = (entity.regions or entity.spans) and not (regions or spans)
    return replace(entity, status="unsure" if lost else entity.status, regions=regions, spans=spans)
