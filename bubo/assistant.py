"""A speaker and a grounder together: turns in, linked answers out. It keeps no state between calls."""

import contextlib
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bubo.errors import BuboError, InputError, ModelError, SoundRefusedError
from bubo.grounding.identity import known_entities
from bubo.grounding.pipeline import Grounder
from bubo.grounding.pointing import Pointed
from bubo.grounding.tokens import closed_length
from bubo.grounding.told_turns import settled_places, tell_places
from bubo.settings import Settings, Stats
from bubo.stopping import Stopped, stoppable
from bubo.types import Answer, Entity, Link, Picture, Sound, Turn, Verdict, same

if TYPE_CHECKING:
    from bubo.conversation import Conversation
    from bubo.speaker import Speaker

__all__ = ["Assistant", "Event", "load", "settled_places"]

#: Seconds that grounding may go on after a stop, so that what was said is still linked where that is quick.
GRACE_S = 0.3


@dataclass(frozen=True, eq=False)
class Event:
    """One step of a streamed answer; the field that `kind` names is set.

    Args:
        kind: "text", "entity", "link", "verdict", or "answer" at the end.
        text: The next piece of the answer.
        entity: An entity that is new or has changed; the same id replaces what was known of it.
        link: A phrase of the text so far; the same place replaces what was known of it.
        verdict: Whether sound and picture belong together.
        answer: The whole answer.
    """

    kind: Literal["text", "entity", "link", "verdict", "answer"]
    text: str = ""
    entity: Entity | None = None
    link: Link | None = None
    verdict: Verdict | None = None
    answer: Answer | None = None


class Assistant:
    """Answers the last turn of a conversation and links the answer to its media.

    A speaker that takes no sounds is told in words what the grounder's listener heard in them; the metadata
    of the answer have these words under "told".

    Args:
        speaker: Gives the text.
        grounder: Ties it to pictures and sounds; with None answers have no links.
        name: What it was loaded as; saved conversations name it.
        plain: The speaker knows only plain questions that name things, as nano does: what a question points
            at is written into it, and where nothing is found the speaker is not asked. Any other speaker is
            told in a sentence what is pointed at.
        languages: Tags of those that the speaker understands ("en"); empty if that is not known.
    """

    def __init__(
        self,
        speaker: "Speaker",
        grounder: Grounder | None = None,
        *,
        name: str = "",
        plain: bool = False,
        languages: Sequence[str] = (),
    ):
        self.speaker = speaker
        self.grounder = grounder
        self.name = name
        self.plain = plain
        self.languages = tuple(languages)

    def conversation(self, system: str = "") -> "Conversation":
        """A new conversation with this assistant; `system` is a text that stays before all turns."""
        from bubo.conversation import (
            Conversation,
        )  # the conversation knows its assistant, not the other way round

        return Conversation(self, [Turn("system", system)] if system else [])

    def clear(self) -> None:
        """Forget the media and talks that were kept for the next question; answers only take longer."""
        if (clear := getattr(self.speaker, "clear", None)) is not None:
            clear()
        if self.grounder is not None:
            self.grounder.clear()

    def reply(
        self,
        turns: Sequence[Turn],
        settings: Settings | None = None,
        stop: threading.Event | None = None,
        grounding: bool = True,
    ) -> Answer:
        """Answers the last turn. See `stream`, whose last event this is."""
        answer = None
        for event in self.stream(turns, settings, stop, grounding):
            answer = event.answer
        if answer is None:
            raise BuboError("The speaker ended without an answer; ask again.")
        return answer

    def stream(
        self,
        turns: Sequence[Turn],
        settings: Settings | None = None,
        stop: threading.Event | None = None,
        grounding: bool = True,
    ) -> Iterator[Event]:
        """Answers the last turn, step by step.

        Text comes as it is written. When a clause is finished, its entities and links follow; what comes
        after it may replace them. The verdict and the whole answer come last.

        Args:
            turns: The whole conversation; the last turn is the user's.
            settings: How to answer; None is greedy.
            stop: Ends the work when it is set: the text so far, with the links found so far, is the answer,
                and its metadata have "stopped" under "finish".
            grounding: Whether the answer is linked; a speaker that takes no sounds is told of them anyway.

        Raises:
            InputError: If there is nothing to answer, sounds that neither speaker nor grounder can hear, or
                a place that is not there.
            QuestionError: If the question does not fit into the model's context.
            SpeakerError: If a speaker elsewhere cannot be reached or refuses.
        """
        if not turns or turns[-1].role != "user":
            raise InputError("An assistant answers a user's turn; the last turn given is none.")
        stop = stop or threading.Event()
        work = _Grounding(self.grounder, turns, stop, grounding)
        started = time.perf_counter()
        text = ""
        stats = Stats()
        pieces = self._speak(work.point(turns, self.grounder, self.plain), settings, work, stop)
        try:
            while True:
                try:
                    piece = next(pieces)
                except StopIteration as end:
                    stats = end.value or stats
                    break
                text += piece
                yield Event("text", text=piece)
                yield from work.follow(text)
        finally:
            pieces.close()
        text_s = time.perf_counter() - started - work.spent_s
        verdict = work.finish(text)
        if work.stopped:
            stats.finish = "stopped"
        yield from work.news()
        if verdict is not None:
            yield Event("verdict", verdict=verdict)
        timings = _timings(stats, text_s, work, started)
        metadata: dict[str, Any] = {
            "finish": stats.finish,
            "turns_dropped": stats.turns_dropped,
            "sampled_s": stats.sampled_s,
            "tokens_fed": stats.tokens_fed,
            "tokens_reused": stats.tokens_reused,
            "tokens_generated": stats.tokens_generated,
            "encoder_calls": stats.encoder_calls,
        }
        notes = "; ".join(filter(None, (stats.note, work.note)))
        said = (("note", notes), ("told", work.told), ("asked", work.asked))
        metadata |= {name: text for name, text in said if text}
        answer = Answer(
            text,
            work.entities,
            work.links,
            verdict,
            timings,
            metadata,
            pictures=work.pictures,
            sounds=work.sounds,
        )
        yield Event("answer", answer=answer)

    def _speak(
        self, turns: Sequence[Turn], settings: Settings | None, work: "_Grounding", stop: threading.Event
    ) -> Generator[str, None, Stats]:
        """The pieces of the speaker's answer; a speaker that takes no sounds gets them as text."""
        if work.own_answer:
            yield work.own_answer
            return Stats(finish="stop")
        if not work.sounds or self.speaker.takes_sound:
            with contextlib.suppress(SoundRefusedError):
                return (yield from self.speaker.stream(turns, settings, stop))
        try:
            told = work.tell(turns)
        except Stopped:
            return Stats(finish="stopped")
        return (yield from self.speaker.stream(told, settings, stop))


def _timings(stats: Stats, text_s: float, work: "_Grounding", started: float) -> dict[str, float]:
    timings = {
        "encode_s": stats.encode_s,
        "prefill_s": stats.prefill_s,
        "first_token_s": stats.first_token_s,
        "text_s": text_s,
        **work.steps,
        "grounding_s": work.spent_s,
        "total_s": time.perf_counter() - started,
    }
    return {name: round(seconds, 5) for name, seconds in timings.items()}


class _Grounding:
    """Follows one answer while it is written."""

    def __init__(
        self, grounder: Grounder | None, turns: Sequence[Turn], stop: threading.Event, links: bool = True
    ):
        self.grounder = grounder
        self.stopped = False
        self._stop = stop
        self._stopped_at: float | None = None
        self._links = links
        self.pictures: tuple[Picture, ...] = tuple(picture for turn in turns for picture in turn.pictures)
        self.sounds: tuple[Sound, ...] = tuple(sound for turn in turns for sound in turn.sounds)
        self.new_pictures = next((len(turn.pictures) for turn in reversed(turns) if turn.pictures), 0)
        self.new_sounds = next((len(turn.sounds) for turn in reversed(turns) if turn.sounds), 0)
        self.known = known_entities(turns[:-1])
        self.question = turns[-1].text
        self.entities: tuple[Entity, ...] = ()
        self.links: tuple[Link, ...] = ()
        self.steps: dict[str, float] = {}
        self.spent_s = 0.0
        self.told = ""
        self.asked = ""
        self.own_answer = ""
        self.pointed: tuple[Pointed, ...] = ()
        self.note = ""
        self._closed = 0
        self._shown: dict[str, Entity] = {}
        self._given: dict[tuple[int, int], str] = {}

    def point(self, turns: Sequence[Turn], grounder: Grounder | None, plain: bool) -> Sequence[Turn]:
        """The turns with words for the places that they point at, from what this grounder finds there.

        Raises:
            InputError: If a place is not there.
        """
        if not any(turn.places for turn in turns):
            return turns
        started = time.perf_counter()
        try:
            with stoppable(self._stop.is_set):
                told = tell_places(turns, grounder, plain)
        except Stopped:  # the speaker is stopped, too
            return turns
        self.pointed, self.question, self.own_answer = told.pointed, told.question, told.own_answer
        if told.turns[-1].text != turns[-1].text:
            self.asked = told.turns[-1].text
        self._add_steps(started)
        return told.turns

    def tell(self, turns: Sequence[Turn]) -> list[Turn]:
        """The turns with words for their sounds: what is heard in them stands before what was asked.

        Raises:
            InputError: If there is no listener.
        """
        if self.grounder is None or self.grounder.listener is None:
            raise InputError(
                "This speaker takes no sounds, and there is no listener that could tell it what is heard; "
                "ask without sounds or choose another model."
            )
        started = time.perf_counter()
        with stoppable(self._stop.is_set):
            captions = self.grounder.caption(self.sounds)
        self._add_steps(started)
        self.told = " ".join(captions)
        rest = iter(captions)
        told = []
        for turn in turns:
            heard = " ".join(next(rest) for _ in turn.sounds)
            told.append(replace(turn, text=f"{heard}\n\n{turn.text}", sounds=()) if heard else turn)
        return told

    def follow(self, text: str) -> Iterator[Event]:
        """The news of the clauses that have been finished since the last call."""
        if self.grounder is None or not self._links:
            return
        closed = closed_length(text)
        if closed > self._closed:
            self._closed = closed
            self._ground(text[:closed], finished=False)
            yield from self.news()

    def finish(self, text: str) -> Verdict | None:
        """Grounds the whole text."""
        return self._ground(text, finished=True)

    def news(self) -> Iterator[Event]:
        """Entities that are new or changed, then new links."""
        for entity in self.entities:
            if entity.id not in self._shown or not same(entity, self._shown[entity.id]):
                self._shown[entity.id] = entity
                yield Event("entity", entity=entity)
        for link in self.links:
            if self._given.get((link.start, link.end)) != link.entity:
                self._given[link.start, link.end] = link.entity
                yield Event("link", link=link)

    def _ground(self, text: str, finished: bool) -> Verdict | None:
        if self.grounder is None or not self._links:
            return None
        started = time.perf_counter()
        verdict = None
        try:
            with stoppable(self._is_over):
                self.entities, self.links, verdict = self.grounder.ground(
                    text,
                    self.pictures,
                    self.sounds,
                    self.known,
                    question=self.question,
                    new_pictures=self.new_pictures,
                    new_sounds=self.new_sounds,
                    finished=finished,
                    pointed=self.pointed,
                )
            self.note = self.grounder.note
        except Stopped:  # what was found for the clauses before stays
            self.stopped = True
        self._add_steps(started)
        return verdict

    def _is_over(self) -> bool:
        """Whether grounding is to end: some moments after the stop."""
        if not self._stop.is_set():
            return False
        now = time.monotonic()
        self._stopped_at = self._stopped_at or now
        return now - self._stopped_at > GRACE_S

    def _add_steps(self, started: float) -> None:
        """Counts the time since `started` as the grounder's."""
        if self.grounder is not None:
            for name, seconds in self.grounder.last.items():
                self.steps[name] = self.steps.get(name, 0.0) + seconds
        self.spent_s += time.perf_counter() - started


def load(
    name_or_path: str | Path = "nano",
    *,
    dtype: str | None = None,
    quantization: str | None = None,
    device: str | None = None,
    grounder: str | None = None,
    speaker: "Speaker | None" = None,
) -> Assistant:
    """Loads an assistant, ready to talk.

    Args:
        name_or_path: "nano", the model that comes with the library; another preset (`bubo models` lists
            them); or a folder laid out like nano's: model/ (a `BuboForConditionalGeneration` with its
            processor), vocabulary.json and, if there are thresholds of its own, grounding.json.
        dtype: "fp32", "fp16" or "bf16" instead of the preset's.
        quantization: "8bit" or "4bit" for the language model, or "none", instead of the preset's.
        device: "cpu", "cuda", "cuda:1", ...; by default a GPU if there is one.
        grounder: Another preset's grounder instead of its own.
        speaker: Who speaks instead of this model, of which only what grounds is loaded; then `name_or_path`
            may also be a grounder's preset.

    Raises:
        ModelError: If the name is unknown, the preset is not ready (the message has the command that makes it
            so), there is too little memory, or a file or tensor is missing or wrong.
    """
    from bubo.loading import Wish, languages_of, load_parts, load_tools, speaks_plainly

    if not isinstance(name_or_path, str | Path):
        raise ModelError(
            f"A model is given by its name or the path of its folder, but got {name_or_path!r}; "
            "`bubo models` lists names."
        )
    wish = Wish(dtype, quantization, device, grounder)
    plain = speaker is None and speaks_plainly(name_or_path)
    languages = languages_of(name_or_path) if speaker is None else ()
    if speaker is None:
        speaker, tools, name = load_parts(name_or_path, wish)
    else:
        tools, name = load_tools(name_or_path, wish)
    return Assistant(speaker, tools, name=name, plain=plain, languages=languages)
