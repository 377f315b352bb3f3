"""Stored messages as the turns that an engine answers."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from bubo.errors import InputError
from bubo.places import settle
from bubo.server.media_files import MediaStore
from bubo.server.problems import NotFoundError, Problem
from bubo.server.records import MediaRecord, MessageRecord
from bubo.types import Answer, Picture, Place, Point, Sound, Turn

__all__ = ["box_place", "branch", "check_places", "media_ids", "turns_of"]

#: What is asked when somebody points at a place and says nothing.
BARE_QUESTION = "What is this?"
_log = logging.getLogger(__name__)


def branch(messages: Sequence[MessageRecord], last: str) -> list[MessageRecord]:
    """The messages from the beginning of a conversation to the one of this id.

    Raises:
        NotFoundError: If the conversation has no such message.
    """
    by_id = {message.id: message for message in messages}
    found: list[MessageRecord] = []
    here: str | None = last
    while here is not None:
        if here not in by_id or len(found) > len(messages):
            raise NotFoundError("message in this conversation")
        found.append(by_id[here])
        here = by_id[here].parent
    return found[::-1]


def media_ids(
    messages: Sequence[MessageRecord], media: Mapping[str, MediaRecord]
) -> tuple[list[str], list[str]]:
    """Ids of the pictures and of the sounds of a branch, in the order in which turns hold them."""
    ids = [one for message in messages for one in message.media if one in media]
    return tuple([one for one in ids if media[one].kind == kind] for kind in ("picture", "sound"))  # type: ignore[return-value]


def turns_of(
    messages: Sequence[MessageRecord], store: MediaStore, owner: str, media: Mapping[str, MediaRecord]
) -> list[Turn]:
    """The turns of a branch whose last message is the question.

    A question that never got a word for an answer is left out; what it showed belongs to the next one.
    """
    turns: list[Turn] = []
    pictures: tuple[Picture, ...] = ()
    sounds: tuple[Sound, ...] = ()
    for number, message in enumerate(messages, 1):
        if message.role == "user":
            ids = [one for one in message.media if one in media]
            pictures += tuple(store.picture(owner, one) for one in ids if media[one].kind == "picture")
            sounds += tuple(store.sound(owner, one) for one in ids if media[one].kind == "sound")
            places = _places(message.places, messages[:number], media)
            turns.append(Turn("user", message.text.strip() or BARE_QUESTION, pictures, sounds, places=places))
        elif message.text.strip():
            turns.append(Turn("assistant", message.text, answer=_answer(message)))
            pictures, sounds = (), ()
        else:
            turns.pop()
    return turns


def check_places(
    places: Sequence[Mapping[str, Any]],
    messages: Sequence[MessageRecord],
    new_media: Sequence[str],
    media: Mapping[str, MediaRecord],
) -> None:
    """Refuses places that are not there.

    Args:
        places: Of a question, as clients send them.
        messages: The branch below which it is asked.
        new_media: Ids of the media that come with it.
        media: All media of the branch and of the question, by id.

    Raises:
        NotFoundError: If a picture or sound is unknown or another owner's.
        Problem: 400 for everything else.
    """
    if any("media" in place and place["media"] not in media for place in places):
        raise NotFoundError("picture or sound", "places")
    asked = MessageRecord("", "", None, "user", "", tuple(new_media))
    pictures, sounds = media_ids([*messages, asked], media)
    try:
        settle(
            _places(places, [*messages, asked], media),
            [(media[one].width or 0, media[one].height or 0) for one in pictures],
            [media[one].duration_s or 0.0 for one in sounds],
            list(dict.fromkeys(e["id"] for message in messages for e in _kept(message).get("entities", ()))),
        )
    except InputError as error:
        raise Problem(400, str(error), "invalid_place", param="places") from None


def box_place(
    box: Sequence[float],
    width: int,
    height: int,
    picture: int | None = None,
    points: tuple[Point, ...] = (),
    *,
    param: str = "box",
) -> Place:
    """What of a box of x, y, width and height lies within a picture.

    Raises:
        Problem: 400 if nothing does.
    """
    x, y, wide, high = box
    x0, y0, x1, y1 = max(0.0, x), max(0.0, y), min(float(width), x + wide), min(float(height), y + high)
    if x0 >= x1 or y0 >= y1:
        raise Problem(
            400,
            f"The box {x:g}, {y:g}, {wide:g}, {high:g} (x, y, width, height) holds nothing of the picture "
            f"of {width} x {height} pixels.",
            "outside",
            param=param,
        )
    return Place(points, (x0, y0, x1, y1), picture)


def _places(
    places: Sequence[Mapping[str, Any]], messages: Sequence[MessageRecord], media: Mapping[str, MediaRecord]
) -> tuple[Place, ...]:
    """The places of the last message, in the numbers that its conversation gives pictures and sounds.

    Raises:
        InputError: If a value is wrong.
        Problem: 400 if a place is in no picture or sound of the conversation.
    """
    pictures, sounds = media_ids(messages, media)
    return tuple(_place(place, pictures, sounds, media) for place in places)


def _place(
    place: Mapping[str, Any],
    pictures: Sequence[str],
    sounds: Sequence[str],
    media: Mapping[str, MediaRecord],
) -> Place:
    kind = place["kind"]
    if kind == "entity":
        return Place(entity=place["entity"])
    wanted, of = ("sound", sounds) if kind == "time" else ("picture", pictures)
    id = place["media"]
    if id not in of:
        wrong = f"is no {wanted}"
        if id not in (*pictures, *sounds):
            wrong = "is not among them: name it in `media`, or the answer that this follows in `parent`"
        raise Problem(
            400,
            f"The place of kind {kind!r} needs a {wanted} of this question or of those before it, "
            f"but {id[:100]!r} {wrong}.",
            "invalid_place",
            param="places",
        )
    number = len(of) - 1 - of[::-1].index(id)  # shown twice, the last one is meant
    if kind == "time":
        if place["t0"] >= place["t1"]:
            raise InputError(
                f"Seconds of a sound need t0 < t1, but got t0 = {place['t0']:g} and t1 = {place['t1']:g}."
            )
        return Place(seconds=(place["t0"], place["t1"]), sound=number)
    if kind == "box":
        return box_place(place["box"], media[id].width or 0, media[id].height or 0, number, param="places")
    return Place((Point(place["x"], place["y"], place.get("positive", True)),), picture=number)


def _kept(message: MessageRecord) -> Mapping[str, Any]:
    return (message.grounding or {}).get("answer") or {}


def _answer(message: MessageRecord) -> Answer | None:
    """The answer with its evidence, so that the next one knows what was spoken of."""
    kept = _kept(message)
    if not kept:
        return None
    try:
        return Answer.from_dict(kept)
    except InputError as error:  # written by another version
        _log.warning("The evidence of an earlier answer cannot be read: %s", error)
        return None
