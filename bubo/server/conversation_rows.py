"""Rows of conversations and messages: found for their owner, made, and turned into records."""

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from bubo.server.corrections import region_of
from bubo.server.ids import clean_text, is_id, new_id
from bubo.server.problems import NotFoundError, Problem
from bubo.server.records import ConversationRecord, MessageRecord
from bubo.server.tables import ConversationRow, MessageRow

__all__ = [
    "change_region",
    "check_in_tree",
    "conversation_of",
    "message_of",
    "new_message",
    "older_than",
    "own_conversation",
    "own_message",
    "title_of",
]


def conversation_of(row: ConversationRow, running: bool = False) -> ConversationRecord:
    """The record of a row."""
    return ConversationRecord(row.id, row.title, row.created, row.updated, row.leaf, running)


def message_of(row: MessageRow, media: tuple[str, ...]) -> MessageRecord:
    """The record of a row and its media."""
    return MessageRecord(
        id=row.id,
        conversation_id=row.conversation_id,
        parent=row.parent,
        role=row.role,
        text=row.text,
        media=media,
        places=row.places,
        status=row.status,
        run=row.run,
        model=row.model,
        settings=row.settings,
        grounding=row.grounding,
        error=row.error,
        timings=row.timings,
        metadata=row.notes,
        rating=row.rating,
        comment=row.comment,
        created=row.created,
    )


def own_conversation(
    session: Session, owner_id: str, conversation_id: str, *, lock: bool = False, deleted: bool = False
) -> ConversationRow:
    """The row of an owner's conversation.

    Args:
        session: Where to look.
        owner_id: Whose it must be.
        conversation_id: Its id.
        lock: Keep others from changing it until the transaction ends.
        deleted: Take one that is deleted, too.

    Raises:
        NotFoundError: If there is none.
    """
    if not is_id(conversation_id):
        raise NotFoundError("conversation")
    wanted = select(ConversationRow).where(
        ConversationRow.id == conversation_id, ConversationRow.owner == owner_id
    )
    row = session.scalar(wanted.with_for_update() if lock else wanted)
    if row is None or (row.deleted is not None and not deleted):
        raise NotFoundError("conversation")
    return row


def own_message(session: Session, owner_id: str, message_id: str) -> MessageRow:
    """The row of a message in an owner's conversation.

    Raises:
        NotFoundError: If there is none.
    """
    row = session.get(MessageRow, message_id) if is_id(message_id) else None
    if row is None:
        raise NotFoundError("message")
    try:
        own_conversation(session, owner_id, row.conversation_id)
    except NotFoundError:
        raise NotFoundError("message") from None
    return row


def check_in_tree(session: Session, conversation_id: str, message_id: str, role: str | None) -> None:
    """Refuses a message that is not in the conversation, or has another role.

    Raises:
        NotFoundError: If it is not there.
        Problem: If its role is another.
    """
    row = session.get(MessageRow, message_id) if is_id(message_id) else None
    if row is None or row.conversation_id != conversation_id:
        raise NotFoundError("message")
    if role is not None and row.role != role:
        expected = "an answer" if role == "assistant" else "a question"
        raise Problem(400, f"The parent must be {expected}, but is of role {row.role}.", "wrong_parent")


def new_message(session: Session, conversation_id: str, role: str, parent: str | None) -> MessageRow:
    """An empty message at the end of a conversation whose row is locked."""
    last = select(func.max(MessageRow.position)).where(MessageRow.conversation_id == conversation_id)
    return MessageRow(
        id=new_id(),
        conversation_id=conversation_id,
        position=(session.scalar(last) or 0) + 1,
        parent=parent,
        role=role,
        text="",
        places=[],
        status="complete",
        run=None,
        model="",
        settings={},
        grounding=None,
        error=None,
        timings=None,
        notes=None,
        rating=0,
        comment="",
        created=time.time(),
    )


def title_of(text: str, length: int) -> str:
    """The text in one line without control characters, cut with an ellipsis."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in clean_text(text)).split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def older_than(cursor: str) -> ColumnElement[bool]:
    """The condition of standing behind a conversation in the list.

    Raises:
        Problem: If the cursor is none.
    """
    updated, _, last = cursor.partition("_")
    try:
        time_s = float(updated)
    except ValueError:
        time_s = float("nan")
    if not is_id(last) or not abs(time_s) < 1e15:
        raise Problem(400, "`before` must be the `next` of the page before.", "bad_cursor", param="before")
    return or_(
        ConversationRow.updated < time_s,
        and_(ConversationRow.updated == time_s, ConversationRow.id < last),
    )


def change_region(
    session: Session,
    owner_id: str,
    message_id: str,
    region_id: str,
    change: Callable[[dict[str, Any], list[dict[str, Any] | None]], dict[str, Any]],
) -> dict[str, Any]:
    """Changes a region of an answer in all answers of its conversation.

    Args:
        session: Where it is stored.
        owner_id: Whose it must be.
        message_id: The answer.
        region_id: The region.
        change: Makes the new grounding of an answer of its old one and those of all answers.

    Returns:
        The region as clients get it.

    Raises:
        NotFoundError: If message or region is unknown or another owner's.
        Problem: If an answer is being written, which would write over it.
    """
    message = own_message(session, owner_id, message_id)
    own_conversation(session, owner_id, message.conversation_id, lock=True)
    here = select(MessageRow).where(MessageRow.conversation_id == message.conversation_id)
    # as they are behind the lock: the message was read before it
    rows = session.scalars(here.execution_options(populate_existing=True)).all()
    if any(row.status == "running" for row in rows):
        raise Problem(
            409,
            "An answer is being written in this conversation; correct its regions when it is done.",
            "answer_running",
            retryable=True,
        )
    if region_of(message.grounding, region_id) is None:
        raise NotFoundError("region in this message")
    stored = [row.grounding for row in rows]
    for row in rows:
        if row.grounding is not None and region_of(row.grounding, region_id) is not None:
            row.grounding = change(row.grounding, stored)
    return region_of(message.grounding, region_id) or {}
