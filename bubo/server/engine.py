"""What computes answers for the server: the Engine protocol, and the one that runs an Assistant of ours."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from bubo.errors import BuboError
from bubo.settings import Settings
from bubo.types import Answer, Entity, Link, Picture, Place, Region, Sound, Span, Turn, Verdict

if TYPE_CHECKING:  # the page is served before torch is there
    from bubo.assistant import Assistant, Event

__all__ = ["AssistantEngine", "Engine", "State", "There", "answer_above"]

State = Literal["loading", "ready", "failed"]
_log = logging.getLogger(__name__)


class There(NamedTuple):
    """The thing at a place of a picture, and what it is called; "" if that is not known."""

    region: Region
    label: str = ""


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

    @property
    def languages(self) -> Sequence[str]:
        """Tags of the languages that it understands; empty if that is not known."""
        ...

    def stream(
        self,
        turns: Sequence[Turn],
        settings: Settings,
        *,
        stop: threading.Event,
        grounding: bool = True,
        threshold: float | None = None,
    ) -> "Iterator[Event]":
        """Answers the last turn, step by step.

        Args:
            turns: The whole conversation.
            settings: How to answer.
            stop: Ends the work when it is set; the text so far and its links are the answer then.
            grounding: Whether phrases are tied to what is seen and heard.
            threshold: Regions and spans with a lower score are left out.

        Raises:
            BuboError: If it cannot be answered.
        """
        ...

    def ground(self, pictures: Sequence[Picture], sounds: Sequence[Sound], text: str) -> Answer:
        """Ties the phrases of a given text to pictures and sounds."""
        ...

    def segment(self, picture: Picture, place: Place) -> There | None:
        """The thing at points or in a box; None where nothing is."""
        ...

    def clear(self) -> None:
        """Forgets what it kept of media and talks, some of which were deleted."""
        ...


class AssistantEngine:
    """An assistant that is loaded in the background, so that the server can say meanwhile that it is coming.

    Args:
        load: Makes the assistant; called once, in a thread, from `start` on.
        name: What the model is called, also before it is loaded.
    """

    def __init__(self, load: "Callable[[], Assistant]", name: str = "nano"):
        self.name = name
        self._load = load
        self._assistant: Assistant | None = None
        self._failure = ""

    def start(self, done: Callable[[], None] = lambda: None) -> None:
        """Begins to load. The server does so when it can be reached: the page comes before the model.

        Args:
            done: Called, in the thread that loads, when it is ready or has failed.
        """

        def run() -> None:
            self._run()
            done()

        threading.Thread(target=run, name="load-model", daemon=True).start()

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
    def languages(self) -> Sequence[str]:
        """See `Engine`; nothing is known before the model is loaded."""
        return () if self._assistant is None else self._assistant.languages

    @property
    def assistant(self) -> "Assistant":
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
    ) -> "Iterator[Event]":
        """See `Engine`."""
        for event in self.assistant.stream(turns, settings, stop, grounding):
            yield _above(event, threshold)

    def ground(self, pictures: Sequence[Picture], sounds: Sequence[Sound], text: str) -> Answer:
        """See `Engine`."""
        grounder = self.assistant.grounder
        found: tuple[tuple[Entity, ...], tuple[Link, ...], Verdict | None] = ((), (), None)
        if grounder is not None:
            found = grounder.ground(text, pictures, sounds)
        return Answer(text, *found, pictures=tuple(pictures), sounds=tuple(sounds))

    def segment(self, picture: Picture, place: Place) -> There | None:
        """See `Engine`. Of negative points alone there is nothing."""
        grounder = self.assistant.grounder
        if grounder is None or place.only_negative:
            return None
        region = grounder.segment(picture, place)
        if region is None:
            return None
        label = grounder.name(picture, region)
        return There(region, "" if label is None else label.name)

    def clear(self) -> None:
        """See `Engine`."""
        if self._assistant is not None:
            self._assistant.clear()

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


def _above(event: "Event", threshold: float | None) -> "Event":
    """The event with the regions and spans of at least this score."""
    if threshold is None:
        return event
    if event.entity is not None:
        return replace(event, entity=_strong(event.entity, threshold))
    if event.answer is not None:
        return replace(event, answer=answer_above(event.answer, threshold))
    return event


def answer_above(answer: Answer, threshold: float | None) -> Answer:
    """The answer with the regions and spans of at least this score."""
    if threshold is None:
        return answer
    return replace(answer, entities=tuple(_strong(entity, threshold) for entity in answer.entities))


def _strong(entity: Entity, threshold: float) -> Entity:
    regions = tuple(region for region in entity.regions if region.score >= threshold)
    spans = tuple(span for span in entity.spans if span.score >= threshold)
    return replace(entity, status=_status(entity, regions, spans), regions=regions, spans=spans)


def _status(entity: Entity, regions: Sequence[Region], spans: Sequence[Span]) -> str:
    """What is said of an entity of which only these regions and spans are left."""
    if not (entity.regions or entity.spans):
        return entity.status
    if not (regions or spans):
        return "unsure"
    if entity.status == "both" and not (regions and spans):
        return "seen" if regions else "heard"
    return entity.status
