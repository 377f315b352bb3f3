"""/api/conversations and /api/messages: what was asked and answered, of the one who asks."""

import contextlib
import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.responses import JSONResponse, Response

from bubo.server.messages import conversation_dict, messages_with_media
from bubo.server.problems import NotFoundError
from bubo.server.schema_stores import (
    Conversation,
    ConversationChange,
    ConversationList,
    ConversationWithMessages,
    NewConversation,
    Rating,
    problems,
)
from bubo.server.services import Owner, Services, owner, services

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["conversations"])
Parts = Annotated[Services, Depends(services)]
Me = Annotated[Owner, Depends(owner)]
MAX_PAGE = 200


@router.get("/conversations", response_model=ConversationList, responses=problems(400))
def list_conversations(
    me: Me,
    parts: Parts,
    q: Annotated[str, Query(max_length=200, description="Text in title or messages.")] = "",
    before: Annotated[str, Query(max_length=100, description="`next` of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
) -> dict[str, Any]:
    """The conversations, the one that was updated last first."""
    found = parts.conversations.list(me.id, q, before or None, limit + 1)
    page = found[:limit]
    more = len(found) > limit
    return {
        "conversations": [conversation_dict(one) for one in page],
        "next": parts.conversations.cursor(page[-1]) if more else None,
    }


@router.post("/conversations", status_code=201, response_model=Conversation, responses=problems(400, 409))
def create_conversation(body: NewConversation, me: Me, parts: Parts) -> dict[str, Any]:
    """Begins a conversation."""
    return conversation_dict(parts.conversations.create(me.id, body.title))


@router.get(
    "/conversations/{conversation_id}", response_model=ConversationWithMessages, responses=problems(404)
)
def get_conversation(conversation_id: str, me: Me, parts: Parts) -> Response:
    """A conversation with the messages of all its branches."""
    return JSONResponse(_whole(conversation_id, me, parts))  # as it is: checking long ones takes a while


@router.patch("/conversations/{conversation_id}", response_model=Conversation, responses=problems(400, 404))
def change_conversation(
    conversation_id: str, body: ConversationChange, me: Me, parts: Parts
) -> dict[str, Any]:
    """Renames a conversation (an empty title goes back to its first question), or shows another branch."""
    record = parts.conversations.get(me.id, conversation_id)
    if body.leaf is not None:
        try:
            record = parts.conversations.set_leaf(me.id, conversation_id, body.leaf)
        except NotFoundError:
            raise NotFoundError("message in this conversation", "leaf") from None
    if body.title is not None:
        record = parts.conversations.rename(me.id, conversation_id, body.title)
    return conversation_dict(record)


@router.delete("/conversations/{conversation_id}", status_code=204, responses=problems(404))
def delete_conversation(conversation_id: str, me: Me, parts: Parts) -> None:
    """Deletes a conversation. It can be restored for some seconds; then it is gone with all its media."""
    messages = parts.conversations.messages(me.id, conversation_id)
    parts.conversations.delete(me.id, conversation_id)
    for message in messages:
        if message.status == "running" and message.run is not None:
            with contextlib.suppress(NotFoundError):  # it has just ended
                parts.runs.stop(parts.runs.get(me.id, message.run))


@router.post("/conversations/{conversation_id}/restore", response_model=Conversation, responses=problems(404))
def restore_conversation(conversation_id: str, me: Me, parts: Parts) -> dict[str, Any]:
    """Brings a deleted conversation back, as long as it can be undone."""
    return conversation_dict(parts.conversations.restore(me.id, conversation_id))


@router.get(
    "/conversations/{conversation_id}/export",
    response_model=ConversationWithMessages,
    responses=problems(404),
)
def export_conversation(conversation_id: str, me: Me, parts: Parts) -> Response:
    """The conversation as a JSON file to save; pictures and sounds are named, not contained."""
    text = json.dumps(_whole(conversation_id, me, parts), ensure_ascii=False, indent=1)
    name = f"bubo-{conversation_id[:8]}.json"
    return Response(
        text,
        media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.post("/messages/{message_id}/rating", status_code=204, responses=problems(400, 404))
def rate_message(message_id: str, body: Rating, me: Me, parts: Parts) -> None:
    """Remembers what a reader thinks of an answer."""
    parts.conversations.rate(me.id, message_id, body.rating, body.comment)


def _whole(conversation_id: str, me: Owner, parts: Services) -> dict[str, Any]:
    record = parts.conversations.get(me.id, conversation_id)
    messages = parts.conversations.messages(me.id, conversation_id)
    running = any(message.status == "running" for message in messages)
    return {
        **conversation_dict(record),
        "running": running,
        "messages": messages_with_media(parts.media, me.id, messages),
    }
