"""A conversation: turns, and questions with media."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bubo.assistant import Assistant, Event, load, settled_places
from bubo.conversation_file import read_conversation, write_conversation
from bubo.errors import BuboError, ConversationError, InputError, QuestionError
from bubo.media import PictureSource, SoundSource, load_picture, load_sound
from bubo.places import listed
from bubo.settings import Settings
from bubo.types import Answer, Entity, Picture, Place, Sound, Turn

__all__ = ["MAX_QUESTION", "Conversation"]

MAX_QUESTION = 8_000
# Asked of places without a word.
WHAT = "What is this?"


class Conversation:
    """Questions and answers in turn.

    Args:
        assistant: Who answers; None loads `model` at the first question.
        turns: Where it starts.
        model: Name or folder of the model to load; "" means that of the assistant, or nano.
        loader: How it is loaded, such as `bubo.load` with a speaker of your own; None is `bubo.load`.
    """

    def __init__(
        self,
        assistant: Assistant | None = None,
        turns: Sequence[Turn] = (),
        *,
        model: str = "",
        loader: Callable[[str], Assistant] | None = None,
    ):
        self._assistant = assistant
        self.loader = loader
        self._turns: tuple[Turn, ...] = tuple(turns)
        self.model = model or (assistant.name if assistant is not None else "") or "nano"

    @property
    def assistant(self) -> Assistant:
        """Who answers; loaded when it is first needed."""
        if self._assistant is None:
            self._assistant = (self.loader or load)(self.model)
        return self._assistant

    @property
    def turns(self) -> tuple[Turn, ...]:
        """All turns so far."""
        return self._turns

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """All pictures so far, as `Region.picture` counts them."""
        return tuple(picture for turn in self._turns for picture in turn.pictures)

    @property
    def sounds(self) -> tuple[Sound, ...]:
        """All sounds so far, as `Span.sound` counts them."""
        return tuple(sound for turn in self._turns for sound in turn.sounds)

    @property
    def answers(self) -> tuple[Answer, ...]:
        """All answers so far."""
        return tuple(turn.answer for turn in self._turns if turn.answer is not None)

    @property
    def entities(self) -> tuple[Entity, ...]:
        """All things spoken of so far, each as it was last, in the order in which they came up."""
        return tuple({entity.id: entity for answer in self.answers for entity in answer.entities}.values())

    def ask(
        self,
        question: str,
        picture: PictureSource | Sequence[PictureSource] | None = None,
        sound: SoundSource | Sequence[SoundSource] | None = None,
        *,
        at: Place | Sequence[Place] | None = None,
        settings: Settings | None = None,
        stop: threading.Event | None = None,
        grounding: bool = True,
        **options: Any,
    ) -> Answer:
        """Asks a question and waits for the answer. If anything goes wrong, the conversation stays as it was.

        Args:
            question: Up to 8,000 characters; "" together with places asks what is there.
            picture: A path, bytes, array, PIL image or `Picture`, or a list of them; new with this question.
            sound: A path, bytes, (rate, samples) or `Sound`, or a list of them.
            at: What the question points at: up to five places in pictures and sounds, or entities of earlier
                answers.
            settings: How to answer; None is greedy.
            stop: Ends the work when it is set; the answer is what was said till then.
            grounding: Whether the answer is linked.
            **options: Fields of `Settings` to change: max_new_tokens, temperature, top_p, seed.

        Raises:
            QuestionError: If the question is empty or too long.
            MediaError: If a picture or sound cannot be used.
            InputError: If an option is unknown or out of range, or a place is not there.
            ModelError: If the model cannot be loaded.
        """
        answer = None
        asked = self.stream(
            question,
            picture,
            sound,
            at=at,
            settings=settings,
            stop=stop,
            grounding=grounding,
            **options,
        )
        for event in asked:
            answer = event.answer
        if answer is None:
            raise BuboError("The assistant ended without an answer; ask again.")
        return answer

    def stream(
        self,
        question: str,
        picture: PictureSource | Sequence[PictureSource] | None = None,
        sound: SoundSource | Sequence[SoundSource] | None = None,
        *,
        at: Place | Sequence[Place] | None = None,
        settings: Settings | None = None,
        stop: threading.Event | None = None,
        grounding: bool = True,
        **options: Any,
    ) -> Iterator[Event]:
        """Asks a question; events come as the answer is written, the last one with what `ask` would give.

        The turns are added when the last event is out: a stream that is not read to its end leaves the
        conversation as it was. Arguments and errors are those of `ask`; the question and its media are
        checked at once.
        """
        chosen = _settings(settings, options)
        places = listed(at)
        turn = Turn(
            "user",
            _check_question(WHAT if not question and places else question),
            tuple(load_picture(source) for source in _listed(picture)),
            tuple(load_sound(source) for source in _listed(sound)),
            places=places,
        )
        turn = replace(turn, places=settled_places([*self._turns, turn]))
        return self._follow(self.assistant, turn, chosen, stop, grounding)

    def _follow(
        self,
        assistant: Assistant,
        turn: Turn,
        settings: Settings,
        stop: threading.Event | None,
        grounding: bool,
    ) -> Iterator[Event]:
        before = self._turns
        for event in assistant.stream([*before, turn], settings, stop, grounding):
            if event.answer is not None:
                if self._turns is not before:
                    raise ConversationError(
                        "Another question was asked while this one was answered; ask one after the other."
                    )
                self._turns = (*before, turn, Turn("assistant", event.answer.text, answer=event.answer))
            yield event

    def save(self, path: str | Path) -> None:
        """Writes the conversation with all its media into one file, whole or not at all.

        Raises:
            StorageError: If it cannot be written.
            ConversationError: If it is more than a file may hold, or the metadata of an answer is no JSON.
        """
        write_conversation(path, self.model, self._turns)

    @classmethod
    def load(
        cls,
        path: str | Path,
        assistant: Assistant | None = None,
        *,
        loader: Callable[[str], Assistant] | None = None,
    ) -> "Conversation":
        """Reads a saved conversation.

        Args:
            path: The file.
            assistant: Who goes on answering; None loads the model that the file names, when it is first
                asked.
            loader: How it is loaded; None is `bubo.load`.

        Raises:
            ConversationError: If the file is missing, damaged, or no conversation.
        """
        model, turns = read_conversation(path)
        name = model if assistant is None else assistant.name
        return cls(assistant, turns, model=name, loader=loader)


def _check_question(question: object) -> str:
    if not isinstance(question, str):
        raise QuestionError(f"A question must be a text, but got {type(question).__name__}.")
    if not question.strip():
        raise QuestionError("The question is empty; ask something, such as 'What do you see?'.")
    if len(question) > MAX_QUESTION:
        raise QuestionError(
            f"The question has {len(question):,} characters; at most {MAX_QUESTION:,} are read. Shorten it."
        )
    try:
        question.encode()
    except UnicodeEncodeError as error:
        raise QuestionError(
            f"The question holds a broken character at {error.start}; type it again."
        ) from None
    return question


def _settings(settings: Settings | None, options: Mapping[str, Any]) -> Settings:
    known = Settings.__dataclass_fields__
    unknown = [name for name in options if name not in known]
    if unknown:
        raise InputError(f"There is no option {', '.join(unknown)}; there are {', '.join(known)}.")
    try:
        return replace(settings or Settings(), **options)
    except TypeError as error:
        raise InputError(f"An option has a value of the wrong type: {error}.") from None


def _listed(media: Any) -> list[Any]:
    """One medium or several as a list; a pair of rate and samples is one sound."""
    if media is None:
        return []
    if isinstance(media, tuple) and len(media) == 2 and isinstance(media[0], int | np.integer):
        return [media]
    return list(media) if isinstance(media, list | tuple) else [media]
