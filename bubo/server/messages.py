"""Records as clients get them: media with their addresses, messages with their blocks."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from bubo.server.blocks import Node, markdown_blocks
from bubo.server.corrections import STORED_ONLY
from bubo.server.media_files import MediaStore
from bubo.server.records import ConversationRecord, MediaRecord, MessageRecord

__all__ = ["conversation_dict", "media_dict", "message_dict", "messages_with_media"]

_Json = dict[str, Any]


def media_dict(record: MediaRecord, *, peaks: bool = True) -> _Json:
    """A picture or sound, and where its content is."""
    url = f"/api/media/{record.id}"
    shared: _Json = {
        "id": record.id,
        "kind": record.kind,
        "name": record.name,
        "bytes": record.bytes,
        "url": f"{url}/content",
    }
    if record.kind == "picture":
        return shared | {"width": record.width, "height": record.height, "thumbnail": f"{url}/thumbnail"}
    shared |= {"duration_s": record.duration_s}
    return shared | {"peaks": record.peaks} if peaks else shared


def conversation_dict(record: ConversationRecord) -> _Json:
    """A conversation as lists have it."""
    return asdict(record)


def message_dict(record: MessageRecord, media: Mapping[str, MediaRecord]) -> _Json:
    """A message.

    Args:
        record: The message.
        media: Its media, by id; those that are missing are left out.
    """
    grounding = {name: value for name, value in (record.grounding or {}).items() if name not in STORED_ONLY}
    blocks = (
        markdown_blocks(record.text, grounding.get("links", ()))
        if record.role == "assistant"
        else plain_blocks(record.text)
    )
    return {
        "id": record.id,
        "parent": record.parent,
        "role": record.role,
        "text": record.text,
        "blocks": blocks,
        "media": [media_dict(media[one]) for one in record.media if one in media],
        "places": record.places,
        "status": record.status,
        "run": record.run,
        "model": record.model,
        "settings": record.settings,
        "grounding": grounding or None,
        "error": record.error,
        "timings": record.timings,
        "turns_dropped": (record.metadata or {}).get("turns_dropped", 0),
        "rating": record.rating,
        "created": record.created,
    }


def messages_with_media(store: MediaStore, owner_id: str, records: list[MessageRecord]) -> list[_Json]:
    """All messages of a conversation, with the media they have."""
    wanted = [one for record in records for one in record.media]
    media = store.get_many(owner_id, wanted) if wanted else {}
    return [message_dict(record, media) for record in records]


def plain_blocks(text: str) -> list[Node]:
    """A question is shown as it was typed: one paragraph, with its line ends."""
    children: list[Node] = []
    for line in text.split("\n"):
        children += [line, ["br", {}, []]] if line else [["br", {}, []]]
    return [["p", {}, children[:-1]]] if text else []
