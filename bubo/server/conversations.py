"""Conversations in the database, every access filtered by owner: what is foreign is as if it were not there.

A conversation's messages form a tree. Questions hang below the answer they go on from, answers below their
question; several below one parent are versions, and the conversation's `leaf` names the branch that is shown.
"""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from bubo.server.conversation_rows import (
    change_region,
    check_in_tree,
    conversation_of,
    message_of,
    new_message,
    older_than,
    own_conversation,
    own_message,
    title_of,
)
from bubo.server.corrections import corrected, corrections, restored
from bubo.server.database import Database
from bubo.server.ids import clean_text, is_id, new_id
from bubo.server.problems import NotFoundError, Problem
from bubo.server.records import STATUSES, ConversationRecord, MessageRecord
from bubo.server.settings import Limits
from bubo.server.tables import ConversationRow, MediaRow, MessageMediaRow, MessageRow
from bubo.types import Region

__all__ = ["ConversationStore"]

TITLE_LENGTH = 60
MAX_TITLE = 200
#: Messages of all branches, as many times the limit of turns.
_BRANCHES = 4

# within the class, `list` is its method
Conversations = list[ConversationRecord]
Messages = list[MessageRecord]
Ids = list[str]


class Purged(NamedTuple):
    """How many conversations were removed, and the ids of their media; the files are still to be removed."""

    conversations: int
    media: Ids


class ConversationStore:
    """Conversations and their messages.

    Args:
        database: Where they are.
        limits: How many there may be.
    """

    def __init__(self, database: Database, limits: Limits):
        self._database = database
        self._limits = limits

    def create(self, owner_id: str, title: str = "") -> ConversationRecord:
        """A new, empty conversation.

        Raises:
            Problem: If the owner has too many.
        """
        now = time.time()
        title = title_of(title, MAX_TITLE)
        with self._database.writing() as session:
            mine = ConversationRow.owner == owner_id, ConversationRow.deleted.is_(None)
            count = session.scalar(select(func.count()).select_from(ConversationRow).where(*mine)) or 0
            if count >= self._limits.conversations:
                raise Problem(
                    409,
                    f"You have {count} conversations; at most {self._limits.conversations} are kept. "
                    "Delete some first.",
                    "too_many_conversations",
                )
            row = ConversationRow(
                id=new_id(), owner=owner_id, title=title, renamed=bool(title), leaf=None,
                created=now, updated=now, deleted=None,
            )  # fmt: skip
            session.add(row)
            return conversation_of(row)

    def list(
        self, owner_id: str, query: str = "", before: str | None = None, limit: int = 50
    ) -> Conversations:
        """The conversations, the one that was updated last first.

        Args:
            owner_id: Whose.
            query: Text that title or a message must hold, in any case.
            before: `cursor` of the last conversation of the page before.
            limit: How many at most.
        """
        running = exists().where(
            MessageRow.conversation_id == ConversationRow.id, MessageRow.status == "running"
        )
        wanted = select(ConversationRow, running).where(
            ConversationRow.owner == owner_id, ConversationRow.deleted.is_(None)
        )
        if query := clean_text(query).strip():
            said = exists().where(
                MessageRow.conversation_id == ConversationRow.id,
                MessageRow.text.icontains(query, autoescape=True),
            )
            wanted = wanted.where(or_(ConversationRow.title.icontains(query, autoescape=True), said))
        if before:
            wanted = wanted.where(older_than(before))
        wanted = wanted.order_by(ConversationRow.updated.desc(), ConversationRow.id.desc()).limit(limit)
        with self._database.reading() as session:
            return [conversation_of(row, is_running) for row, is_running in session.execute(wanted)]

    @staticmethod
    def cursor(record: ConversationRecord) -> str:
        """What `list` takes as `before` to go on behind this conversation."""
        return f"{record.updated!r}_{record.id}"

    def get(self, owner_id: str, conversation_id: str) -> ConversationRecord:
        """One conversation.

        Raises:
            NotFoundError: If it is unknown, deleted, or another owner's.
        """
        with self._database.reading() as session:
            return conversation_of(own_conversation(session, owner_id, conversation_id))

    def messages(self, owner_id: str, conversation_id: str) -> Messages:
        """All messages of all branches, by time.

        Raises:
            NotFoundError: If there is no such conversation.
        """
        with self._database.reading() as session:
            own_conversation(session, owner_id, conversation_id)
            rows = session.scalars(
                select(MessageRow)
                .where(MessageRow.conversation_id == conversation_id)
                .order_by(MessageRow.position)
            ).all()
            used: dict[str, tuple[str, ...]] = {}
            links = (
                select(MessageMediaRow)
                .join(MessageRow, MessageRow.id == MessageMediaRow.message_id)
                .where(MessageRow.conversation_id == conversation_id)
                .order_by(MessageMediaRow.message_id, MessageMediaRow.place)
            )
            for link in session.scalars(links):
                used[link.message_id] = (*used.get(link.message_id, ()), link.media_id)
            return [message_of(row, used.get(row.id, ())) for row in rows]

    def message(self, owner_id: str, message_id: str) -> MessageRecord:
        """One message.

        Raises:
            NotFoundError: If it is unknown or another owner's.
        """
        with self._database.reading() as session:
            row = own_message(session, owner_id, message_id)
            media = select(MessageMediaRow.media_id).where(MessageMediaRow.message_id == message_id)
            return message_of(row, tuple(session.scalars(media.order_by(MessageMediaRow.place))))

    def add_question(
        self,
        owner_id: str,
        conversation_id: str,
        *,
        parent: str | None,
        text: str,
        media: Sequence[str] = (),
        places: Sequence[dict[str, Any]] = (),
        settings: dict[str, Any] | None = None,
    ) -> MessageRecord:
        """A question below an answer, or at the start; it becomes the leaf, and may name the conversation.

        Raises:
            NotFoundError: If conversation, parent, a medium or the medium of a place is unknown or another
                owner's.
            Problem: If the conversation is full, or the parent is no answer.
        """
        with self._database.writing() as session:
            conversation = own_conversation(session, owner_id, conversation_id, lock=True)
            self._check_room(session, conversation_id, asking=True)
            if parent is not None:
                check_in_tree(session, conversation_id, parent, "assistant")
            _check_media(session, owner_id, [*media, *(one["media"] for one in places if "media" in one)])
            row = new_message(session, conversation_id, "user", parent)
            row.text, row.places = clean_text(text), list(places)
            row.settings = dict(settings or {})
            session.add(row)
            session.flush()
            for place, one in enumerate(media):
                session.add(MessageMediaRow(message_id=row.id, place=place, media_id=one))
            if not conversation.title:
                conversation.title = title_of(text, TITLE_LENGTH)
            conversation.leaf, conversation.updated = row.id, row.created
            return message_of(row, tuple(media))

    def add_answer(
        self,
        owner_id: str,
        conversation_id: str,
        *,
        parent: str,
        run_id: str,
        model: str,
        settings: dict[str, Any] | None = None,
    ) -> MessageRecord:
        """An empty answer below its question, with status "running"; it becomes the leaf.

        Raises:
            NotFoundError: If conversation or question is unknown or another owner's.
        """
        with self._database.writing() as session:
            conversation = own_conversation(session, owner_id, conversation_id, lock=True)
            self._check_room(session, conversation_id)
            check_in_tree(session, conversation_id, parent, "user")
            row = new_message(session, conversation_id, "assistant", parent)
            row.status, row.run, row.model = "running", run_id, model
            row.settings = dict(settings or {})
            session.add(row)
            conversation.leaf, conversation.updated = row.id, row.created
            return message_of(row, ())

    def update_answer(
        self,
        message_id: str,
        *,
        text: str | None = None,
        grounding: dict[str, Any] | None = None,
        status: str | None = None,
        error: dict[str, Any] | None = None,
        timings: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Changes what is given of an answer. One that was purged or has ended is not begun anew."""
        if status is not None and status not in STATUSES:
            raise ValueError(f"An answer's status must be one of {', '.join(STATUSES)}, but is {status!r}.")
        values = {
            "text": None if text is None else clean_text(text),
            "grounding": grounding,
            "status": status,
            "error": error,
            "timings": timings,
            "notes": metadata,
        }
        changes = {name: value for name, value in values.items() if value is not None}
        if not changes:
            return
        with self._database.writing() as session:
            row = session.get(MessageRow, message_id)
            if row is None or (status == "running" and row.status != "running"):
                return  # purged, or a word that was under way while the answer ended
            ends = status is not None and status != row.status
            for name, value in changes.items():
                setattr(row, name, value)
            if ends:
                conversation = session.get(ConversationRow, row.conversation_id)
                if conversation is not None:
                    conversation.updated = time.time()

    def rename(self, owner_id: str, conversation_id: str, title: str) -> ConversationRecord:
        """Gives a title; an empty one goes back to the first question."""
        with self._database.writing() as session:
            row = own_conversation(session, owner_id, conversation_id, lock=True)
            row.title, row.renamed = title_of(title, MAX_TITLE), bool(title.strip())
            if not row.title:
                questions = MessageRow.conversation_id == conversation_id, MessageRow.role == "user"
                first = select(MessageRow.text).where(*questions).order_by(MessageRow.position).limit(1)
                row.title = title_of(session.scalar(first) or "", TITLE_LENGTH)
            return conversation_of(row)

    def set_leaf(self, owner_id: str, conversation_id: str, leaf: str) -> ConversationRecord:
        """Shows the branch that ends at this message."""
        with self._database.writing() as session:
            row = own_conversation(session, owner_id, conversation_id, lock=True)
            check_in_tree(session, conversation_id, leaf, None)
            row.leaf = leaf
            return conversation_of(row)

    def rate(self, owner_id: str, message_id: str, rating: int, comment: str = "") -> None:
        """Remembers what its reader thinks of an answer: -1, 0 or 1, and why."""
        with self._database.writing() as session:
            row = own_message(session, owner_id, message_id)
            if row.role != "assistant":
                raise Problem(400, "Only answers are rated; this message is a question.", "not_an_answer")
            row.rating, row.comment = rating, clean_text(comment)

    def correct(self, owner_id: str, message_id: str, region_id: str, region: Region) -> dict[str, Any]:
        """Puts a region where a person says it is, in every answer of the conversation that stands on it.

        Returns:
            The region as clients get it.

        Raises:
            NotFoundError: If message or region is unknown or another owner's.
            Problem: If an answer is being written, which would write over it.
        """
        with self._database.writing() as session:
            return change_region(
                session, owner_id, message_id, region_id, lambda one, _: corrected(one, region_id, region)
            )

    def uncorrect(self, owner_id: str, message_id: str, region_id: str) -> dict[str, Any]:
        """Takes all corrections of a region back; one that has none stays as it is.

        Returns:
            The region as clients get it, as the model found it. Errors are those of `correct`.
        """
        with self._database.writing() as session:
            return change_region(
                session, owner_id, message_id, region_id, lambda one, all: restored(one, region_id, all)
            )

    def corrections(self, owner_id: str, conversation_id: str) -> dict[str, dict[str, Any]]:
        """The regions of a conversation that were corrected, by their ids and what they are called anew.

        Raises:
            NotFoundError: If there is no such conversation.
        """
        return corrections(message.grounding for message in self.messages(owner_id, conversation_id))

    def delete(self, owner_id: str, conversation_id: str) -> None:
        """Hides a conversation; `restore` brings it back until `purge` removes it."""
        with self._database.writing() as session:
            own_conversation(session, owner_id, conversation_id, lock=True).deleted = time.time()

    def restore(self, owner_id: str, conversation_id: str) -> ConversationRecord:
        """Brings a deleted conversation back within the undo time; one that is not deleted stays as it is."""
        with self._database.writing() as session:
            row = own_conversation(session, owner_id, conversation_id, lock=True, deleted=True)
            if row.deleted is not None and row.deleted < time.time() - self._limits.undo_s:
                raise NotFoundError("conversation")
            row.deleted = None
            return conversation_of(row)

    def purge(self, older_than_s: float | None = None) -> Purged:
        """Removes conversations deleted longer ago than the undo time, with all that only they have."""
        until = time.time() - (self._limits.undo_s if older_than_s is None else older_than_s)
        with self._database.writing() as session:
            gone = list(session.scalars(select(ConversationRow.id).where(ConversationRow.deleted <= until)))
            if not gone:
                return Purged(0, [])
            messages = select(MessageRow.id).where(MessageRow.conversation_id.in_(gone))
            used = select(MessageMediaRow.media_id).where(MessageMediaRow.message_id.in_(messages))
            media = set(session.scalars(used))
            session.execute(delete(ConversationRow).where(ConversationRow.id.in_(gone)))
            still = select(MessageMediaRow.media_id).where(MessageMediaRow.media_id.in_(media))
            kept = select(MediaRow.id).where(MediaRow.id.in_(media), MediaRow.kept)
            media -= {*session.scalars(still), *session.scalars(kept)}
            session.execute(delete(MediaRow).where(MediaRow.id.in_(media)))
            return Purged(len(gone), sorted(media))

    def mark_interrupted(self) -> int:
        """Marks answers that nobody writes any more, after a crash; to be called before the first run."""
        with self._database.writing() as session:
            cut = select(MessageRow.id).where(MessageRow.status == "running")
            ids = list(session.scalars(cut))
            session.execute(update(MessageRow).where(MessageRow.id.in_(ids)).values(status="interrupted"))
            return len(ids)

    def _check_room(self, session: Session, conversation_id: str, asking: bool = False) -> None:
        mine = MessageRow.conversation_id == conversation_id
        asked = select(func.count()).select_from(MessageRow).where(mine)
        count = session.scalar(asked) or 0
        questions = session.scalar(asked.where(MessageRow.role == "user")) or 0
        turns = self._limits.turns
        if (asking and questions >= turns) or count >= _BRANCHES * turns:
            raise Problem(
                409,
                f"This conversation has {questions} questions and {count} messages; at most {turns} "
                "questions are kept. Begin a new conversation.",
                "conversation_full",
            )


def _check_media(session: Session, owner_id: str, media: Sequence[object]) -> None:
    wanted = {one for one in media if is_id(one)}
    known = select(func.count(MediaRow.id)).where(MediaRow.id.in_(wanted), MediaRow.owner == owner_id)
    if len(wanted) < len(set(media)) or session.scalar(known) != len(wanted):
        raise NotFoundError("picture or sound", "media")
