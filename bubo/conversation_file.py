"""The file of a conversation (.bubo): turns, answers, masks and media, nothing lost.

A zip file: `conversation.json` beside each picture as PNG and each sound as WAV of 32-bit floats, named by
their ids. Reading it gives equal turns, answers, masks and ids.
"""

import io
import json
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bubo.errors import ConversationError, InputError
from bubo.evidence import kept_mask
from bubo.geometry import Cutout, rle_decode
from bubo.media import encode_png, encode_wav, load_picture, load_sound, write_atomic
from bubo.types import Answer, Link, Picture, Place, Sound, Turn

FORMAT = "bubo conversation"
VERSION = 1
# What a file may hold, so that a small hostile one cannot fill the memory: as it is stored, and unpacked.
MAX_MEMBERS = 2_000
MAX_JSON_BYTES = 2**25  # parsed it can take thirty times as much; the masks of an answer take about 10 kB
MAX_MEDIUM_BYTES = 2**28
MAX_TOTAL_BYTES = 2**31
MAX_UNPACKED_BYTES = 2**31
_TEXT = "conversation.json"
_DATE = (1980, 1, 1, 0, 0, 0)


def write_conversation(path: str | Path, model: str, turns: Sequence[Turn]) -> None:
    """Writes a conversation with all its media into one file, whole or not at all.

    Args:
        path: The file.
        model: Name of the model that answered.
        turns: All turns.

    Raises:
        StorageError: If it cannot be written.
        ConversationError: If it is more than a file may hold, or the metadata of an answer is no JSON.
        InputError: If a medium was made by hand and would not be the same when it is read again.
    """
    media: dict[str, Picture | Sound] = {}
    said = [_turn_to_dict(turn, media) for turn in turns]
    text = {"format": FORMAT, "version": VERSION, "model": model, "turns": said}
    try:
        content = json.dumps(text).encode()  # ASCII: a name of a file may hold what UTF-8 cannot
    except (TypeError, ValueError) as error:
        raise ConversationError(f"The conversation cannot be written as JSON: {error}.") from error
    _check_room("its text and masks", len(content), MAX_JSON_BYTES)
    _check_room("its number of media", len(media) + 1, MAX_MEMBERS)
    unpacked = sum(_pixels_or_samples(medium).nbytes for medium in media.values())
    _check_room("its media, unpacked,", unpacked + _mask_bytes(turns), MAX_UNPACKED_BYTES)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        _add(archive, _TEXT, content, zipfile.ZIP_DEFLATED)
        for name, medium in media.items():
            _check_loaded(medium)
            if isinstance(medium, Picture):
                data, compression = encode_png(medium), zipfile.ZIP_STORED
            else:
                data, compression = encode_wav(medium), zipfile.ZIP_DEFLATED
            _check_room(name, len(data), MAX_MEDIUM_BYTES)
            _add(archive, name, data, compression)
    write_atomic(path, buffer.getbuffer())


def _check_loaded(medium: Picture | Sound) -> None:
    """Refuse a medium made by hand that would not be the same when it is read again."""
    load: Callable[[Any], Picture | Sound] = load_picture if isinstance(medium, Picture) else load_sound
    if load(medium).id != medium.id:
        kind = "picture" if isinstance(medium, Picture) else "sound"
        raise InputError(
            f"A {kind} of this conversation was made by hand and is not as Bubo reads it (sounds at 16 kHz); "
            f"pass it through bubo.load_{kind} first, then save."
        )


def read_conversation(path: str | Path) -> tuple[str, list[Turn]]:
    """Reads the name of the model and the turns.

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
    except (InputError, zipfile.BadZipFile, zlib.error, ValueError, TypeError, OverflowError) as error:
        raise _broken(path, str(error) or type(error).__name__) from error
    except (RuntimeError, NotImplementedError, EOFError, LookupError, AttributeError) as error:
        raise _broken(path, str(error) or type(error).__name__) from error  # encrypted, unknown compression
    return data["model"], turns


def _check_room(what: str, size: int, most: int) -> None:
    if size > most:
        raise ConversationError(
            f"The conversation is too large to save: {what} would take {size:,}, a file may hold {most:,}. "
            "Start a new conversation for further media."
        )


def _pixels_or_samples(medium: Picture | Sound) -> NDArray[Any]:
    return medium.pixels if isinstance(medium, Picture) else medium.samples


def _mask_bytes(turns: Sequence[Turn]) -> int:
    """Bytes of all masks of the answers; equal ones count once, as when they are read."""
    entities = [entity for turn in turns if turn.answer is not None for entity in turn.answer.entities]
    masks = {region.mask_key: region.mask_bytes for entity in entities for region in entity.regions}
    return sum(masks.values())


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
    if turn.places:
        data["places"] = [place.to_dict() for place in turn.places]
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
        self.read_bytes = self.unpacked_bytes = 0
        self.media: dict[str, Picture | Sound] = {}
        self.masks: dict[str, NDArray[np.bool_] | Cutout] = {}
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
        places = tuple(Place.from_dict(place) for place in data.get("places", ()))
        return Turn(data["role"], data["text"], pictures, sounds, answer, places)

    def _answer(self, data: dict[str, Any]) -> Answer:
        answer = Answer.from_dict(data, self._mask)
        pictures, sounds = self._media(data)
        links = tuple(
            Link(link.start, link.end, link.entity, reason)
            for link, reason in zip(answer.links, data["reasons"], strict=True)
        )
        for entity in answer.entities:
            for region in entity.regions:
                fits = region.picture < len(pictures)
                mask = region.mask
                if fits and mask is not None:
                    fits = mask.shape == pictures[region.picture].size_hw
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
            self._unpack(medium.pixels if isinstance(medium, Picture) else medium.samples)
            self.media[name] = medium
        return self.media[name]

    def _mask(self, rle: Mapping[str, Any]) -> NDArray[np.bool_] | Cutout:
        """A mask as a region keeps it; equal ones are one, as in the conversation that was saved."""
        key = repr(rle)
        if key not in self.masks:
            mask = kept_mask(rle_decode(rle))
            self._unpack(mask)
            self.masks[key] = mask
        return self.masks[key]

    def _unpack(self, array: NDArray[Any] | Cutout) -> None:
        self.unpacked_bytes += array.nbytes
        if self.unpacked_bytes > MAX_UNPACKED_BYTES:
            raise _broken(
                self.path, f"its media and masks take more than {MAX_UNPACKED_BYTES:,} bytes unpacked"
            )

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
