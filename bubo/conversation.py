"""A conversation: turns, questions with media, and a file that holds all of it.

A saved conversation (.bubo) is a zip file: `conversation.json` beside each picture as PNG and each sound as
WAV of 32-bit floats, named by their ids. Nothing is lost: reading it gives equal turns, answers, masks and
ids.
"""

import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bubo.assistant import Assistant, Event, load
from bubo.errors import BuboError, ConversationError, InputError, QuestionError
from bubo.media import (
    PictureSource,
    SoundSource,
    encode_png,
    encode_wav,
    load_picture,
    load_sound,
    write_atomic,
)
from bubo.speaker import Settings
from bubo.types import Answer, Entity, Link, Picture, Sound, Turn

__all__ = ["MAX_QUESTION", "Conversation"]

MAX_QUESTION = 8_000
FORMAT = "bubo conversation"
VERSION = 1
# What a file may hold, so that a small hostile one cannot fill the memory.
MAX_MEMBERS = 2_000
MAX_JSON_BYTES = 2**28
MAX_MEDIUM_BYTES = 2**28
MAX_TOTAL_BYTES = 2**31
_TEXT = "conversation.json"
_DATE = (1980, 1, 1, 0, 0, 0)


class Conversation:
    """Questions and answers in turn.

    Args:
        assistant: Who answers; None loads `model` at the first question.
        turns: Where it starts.
        model: Name or folder of the model to load; "" means that of the assistant, or nano.
    """

    def __init__(self, assistant: Assistant | None = None, turns: Sequence[Turn] = (), *, model: str = ""):
        self._assistant = assistant
        self._turns: tuple[Turn, ...] = tuple(turns)
        self.model = model or (assistant.name if assistant is not None else "") or "nano"

    @property
    def assistant(self) -> Assistant:
        """Who answers; loaded when it is first needed."""
        if self._assistant is None:
            self._assistant = load(self.model)
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
        settings: Settings | None = None,
        **options: Any,
    ) -> Answer:
        """Asks a question and waits for the answer. If anything goes wrong, the conversation stays as it was.

        Args:
            question: Up to 8,000 characters.
            picture: A path, bytes, array, PIL image or `Picture`, or a list of them; new with this question.
            sound: A path, bytes, (rate, samples) or `Sound`, or a list of them.
            settings: How to answer; None is greedy.
            **options: Fields of `Settings` to change: max_new_tokens, temperature, top_p, seed.

        Raises:
            QuestionError: If the question is empty or too long.
            MediaError: If a picture or sound cannot be used.
            InputError: If an option is unknown or out of range.
            ModelError: If the model cannot be loaded.
        """
        answer = None
        for event in self.stream(question, picture, sound, settings=settings, **options):
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
        settings: Settings | None = None,
        **options: Any,
    ) -> Iterator[Event]:
        """Asks a question; events come as the answer is written, the last one with what `ask` would give.

        The turns are added when the last event is out: a stream that is not read to its end leaves the
        conversation as it was. Arguments and errors are those of `ask`; the question and its media are
        checked at once.
        """
        chosen = _settings(settings, options)
        turn = Turn(
            "user",
            _check_question(question),
            tuple(load_picture(source) for source in _listed(picture)),
            tuple(load_sound(source) for source in _listed(sound)),
        )
        return self._follow(self.assistant, turn, chosen)

    def _follow(self, assistant: Assistant, turn: Turn, settings: Settings) -> Iterator[Event]:
        before = self._turns
        for event in assistant.stream([*before, turn], settings):
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
        """
        media: dict[str, Picture | Sound] = {}
        turns = [_turn_to_dict(turn, media) for turn in self._turns]
        text = {"format": FORMAT, "version": VERSION, "model": self.model, "turns": turns}
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            _add(archive, _TEXT, json.dumps(text, ensure_ascii=False).encode(), zipfile.ZIP_DEFLATED)
            for name, medium in media.items():
                if isinstance(medium, Picture):
                    _add(archive, name, encode_png(medium), zipfile.ZIP_STORED)
                else:
                    _add(archive, name, encode_wav(medium), zipfile.ZIP_DEFLATED)
        write_atomic(path, buffer.getbuffer())

    @classmethod
    def load(cls, path: str | Path, assistant: Assistant | None = None) -> "Conversation":
        """Reads a saved conversation.

        Args:
            path: The file.
            assistant: Who goes on answering; None loads the model that the file names, when it is first
                asked.

        Raises:
            ConversationError: If the file is missing, damaged, or no conversation.
        """
        try:
            with zipfile.ZipFile(Path(path)) as archive:
                reader = _Reader(archive, path)
                data = reader.json()
                turns = [reader.turn(turn) for turn in data["turns"]]
        except ConversationError:
            raise
        except OSError as error:
            reason = error.strerror or str(error)
            raise ConversationError(f"Cannot read the conversation {str(path)!r}: {reason}.") from None
        except (InputError, zipfile.BadZipFile, ValueError, TypeError, OverflowError) as error:
            raise _broken(path, str(error) or type(error).__name__) from error
        except (RuntimeError, NotImplementedError, EOFError, LookupError, AttributeError) as error:
            raise _broken(
                path, str(error) or type(error).__name__
            ) from error  # encrypted, unknown compression
        return cls(assistant, turns, model=data["model"])


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
    if isinstance(media, tuple) and len(media) == 2 and isinstance(media[0], int):
        return [media]
    return list(media) if isinstance(media, list | tuple) else [media]


def _add(archive: zipfile.ZipFile, name: str, data: bytes, compression: int) -> None:
    archive.writestr(zipfile.ZipInfo(name, _DATE), data, compression)


def _broken(path: str | Path, reason: str) -> ConversationError:
    return ConversationError(
        f"{str(path)!r} is no conversation saved by this version of Bubo, or it is damaged: {reason[:300]}"
    )


def _names(
    pictures: Sequence[Picture], sounds: Sequence[Sound], media: dict[str, Picture | Sound]
) -> dict[str, Any]:
    """References to media as they stand in the file; the media are collected under their names."""
    found: dict[str, Any] = {"pictures": [], "sounds": []}
    named: list[tuple[str, str, Picture | Sound]] = [("pictures", "png", picture) for picture in pictures]
    named += [("sounds", "wav", sound) for sound in sounds]
    for key, ending, medium in named:
        name = f"media/{medium.id}.{ending}"
        media.setdefault(name, medium)
        found[key].append({"file": name, "source": medium.source})
    return found


def _turn_to_dict(turn: Turn, media: dict[str, Picture | Sound]) -> dict[str, Any]:
    data: dict[str, Any] = {"role": turn.role, "text": turn.text, **_names(turn.pictures, turn.sounds, media)}
    if turn.answer is not None:
        data["answer"] = {
            **turn.answer.to_dict(),
            "reasons": [link.reason for link in turn.answer.links],
            "metadata": turn.answer.metadata,
            **_names(turn.answer.pictures, turn.answer.sounds, media),
        }
    return data


class _Reader:
    """Reads one conversation file, within limits and checking every reference."""

    def __init__(self, archive: zipfile.ZipFile, path: str | Path):
        self.archive = archive
        self.path = path
        self.read_bytes = 0
        self.media: dict[str, Picture | Sound] = {}
        if len(archive.namelist()) > MAX_MEMBERS:
            raise _broken(path, f"it has {len(archive.namelist())} members, at most {MAX_MEMBERS} are read")

    def json(self) -> dict[str, Any]:
        """The text part, checked as far as its head goes."""
        try:
            data = json.loads(self._member(_TEXT, MAX_JSON_BYTES))
        except RecursionError:
            raise _broken(self.path, f"{_TEXT} is nested too deeply") from None
        if (
            not isinstance(data, dict)
            or data.get("format") != FORMAT
            or not isinstance(data.get("turns"), list)
        ):
            raise _broken(self.path, f"{_TEXT} does not describe a conversation")
        if data.get("version") != VERSION:
            raise _broken(self.path, f"its version is {data.get('version')!r}, this library reads {VERSION}")
        if not isinstance(data.get("model"), str):
            raise _broken(self.path, "it names no model")
        return data

    def turn(self, data: dict[str, Any]) -> Turn:
        """One turn with its media and answer."""
        pictures, sounds = self._media(data)
        answer = None if data.get("answer") is None else self._answer(data["answer"])
        return Turn(data["role"], data["text"], pictures, sounds, answer)

    def _answer(self, data: dict[str, Any]) -> Answer:
        answer = Answer.from_dict(data)
        pictures, sounds = self._media(data)
        links = tuple(
            Link(link.start, link.end, link.entity, reason)
            for link, reason in zip(answer.links, data["reasons"], strict=True)
        )
        for entity in answer.entities:
            for region in entity.regions:
                fits = region.picture < len(pictures)
                if fits and region.mask is not None:
                    fits = region.mask.shape == pictures[region.picture].size_hw
                if not fits:
                    raise _broken(self.path, f"a region of {entity.id} does not fit its picture")
            if any(span.sound >= len(sounds) for span in entity.spans):
                raise _broken(self.path, f"a span of {entity.id} belongs to no sound")
        return replace(answer, links=links, metadata=data["metadata"], pictures=pictures, sounds=sounds)

    def _media(self, data: dict[str, Any]) -> tuple[tuple[Picture, ...], tuple[Sound, ...]]:
        pictures = []
        for entry in data["pictures"]:
            medium = self._medium(entry["file"])
            if not isinstance(medium, Picture):
                raise _broken(self.path, f"{entry['file']} is no picture")
            pictures.append(replace(medium, source=entry["source"]))
        sounds = []
        for entry in data["sounds"]:
            medium = self._medium(entry["file"])
            if not isinstance(medium, Sound):
                raise _broken(self.path, f"{entry['file']} is no sound")
            sounds.append(replace(medium, source=entry["source"]))
        return tuple(pictures), tuple(sounds)

    def _medium(self, name: str) -> Picture | Sound:
        if name not in self.media:
            content = self._member(name, MAX_MEDIUM_BYTES)
            medium = load_picture(content) if name.endswith(".png") else load_sound(content)
            if name not in (f"media/{medium.id}.png", f"media/{medium.id}.wav"):
                raise _broken(self.path, f"the content of {name} was changed")
            self.media[name] = medium
        return self.media[name]

    def _member(self, name: str, limit: int) -> bytes:
        if name not in self.archive.namelist():
            raise _broken(self.path, f"{name} is missing")
        with self.archive.open(name) as stream:
            content = stream.read(limit + 1)
        self.read_bytes += len(content)
        if len(content) > limit or self.read_bytes > MAX_TOTAL_BYTES:
            raise _broken(
                self.path, f"{name} is larger than {limit:,} bytes, or all of it than {MAX_TOTAL_BYTES:,}"
            )
        return content
