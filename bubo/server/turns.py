"""Stored messages as the turns that an engine answers."""

import logging
from collections.abc import Mapping, Sequence

from bubo.errors import InputError
from bubo.server.media_files import MediaStore
from bubo.server.problems import NotFoundError
from bubo.server.records import MediaRecord, MessageRecord
from bubo.types import Answer, Picture, Sound, Turn

__all__ = ["branch", "media_ids", "turns_of"]

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
    for message in messages:
        if message.role == "user":
            ids = [one for one in message.media if one in media]
            pictures += tuple(store.picture(owner, one) for one in ids if media[one].kind == "picture")
            sounds += tuple(store.sound(owner, one) for one in ids if media[one].kind == "sound")
            turns.append(Turn("user", message.text.strip() or BARE_QUESTION, pictures, sounds))
        elif message.text.strip():
            turns.append(Turn("assistant", message.text, answer=_answer(message)))
            pictures, sounds = (), ()
        else:
            turns.pop()
    return turns


def _answer(message: MessageRecord) -> Answer | None:
    """The answer with its evidence, so that the next one knows what was spoken of."""
    kept = (message.grounding or {}).get("answer")
    if kept is None:
        return None
    try:
        return Answer.from_dict(kept)
    except InputError as error:  # written by another version
        _log.warning("The evidence of an earlier answer cannot be read: %s", error)
        return None
