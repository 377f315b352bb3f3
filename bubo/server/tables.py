"""The tables, as SQLAlchemy maps them; migrations/ holds the same as steps from one version to the next."""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    true,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

__all__ = ["ConversationRow", "DatabaseRow", "MediaRow", "MessageMediaRow", "MessageRow", "Table"]

ID_LENGTH = 32


class Table(DeclarativeBase):
    """What all tables share: names of constraints that migrations can rely on."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class DatabaseRow(Table):
    """The one row that tells this database, and copies of it, from others."""

    __tablename__ = "database"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)


class ConversationRow(Table):
    """A conversation of one owner; times are seconds since 1970."""

    __tablename__ = "conversations"
    __table_args__ = (Index("ix_conversations_owner_updated", "owner", "updated"),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    owner: Mapped[str] = mapped_column(String(100))
    title: Mapped[str] = mapped_column(Text)
    renamed: Mapped[bool] = mapped_column(Boolean)  # by its owner: the first question does not name it
    leaf: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    created: Mapped[float] = mapped_column(Double)
    updated: Mapped[float] = mapped_column(Double)
    deleted: Mapped[float | None] = mapped_column(Double, index=True)


class MessageRow(Table):
    """A question or an answer. Messages of a conversation form a tree; `position` counts them by time."""

    __tablename__ = "messages"
    __table_args__ = (
        Index("ix_messages_conversation_position", "conversation_id", "position", unique=True),
        Index("ix_messages_status", "status"),
    )

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(Integer)
    parent: Mapped[str | None] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(Text)
    places: Mapped[list[Any]] = mapped_column(JSON)
    status: Mapped[str] = mapped_column(String(16))
    run: Mapped[str | None] = mapped_column(String(64))
    model: Mapped[str] = mapped_column(String(200))
    settings: Mapped[dict[str, Any]] = mapped_column(JSON)
    grounding: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    error: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    timings: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    notes: Mapped[dict[str, Any] | None] = mapped_column("metadata", JSON)
    rating: Mapped[int] = mapped_column(Integer)
    comment: Mapped[str] = mapped_column(Text)
    created: Mapped[float] = mapped_column(Double)


class MediaRow(Table):
    """What is known of a stored picture or sound; the file itself lies on disk."""

    __tablename__ = "media"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    owner: Mapped[str] = mapped_column(String(100), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(Text)
    content_type: Mapped[str] = mapped_column(String(64))
    width: Mapped[int | None] = mapped_column(Integer)
    height: Mapped[int | None] = mapped_column(Integer)
    duration_s: Mapped[float | None] = mapped_column(Double)
    sampling_rate: Mapped[int | None] = mapped_column(Integer)
    bytes: Mapped[int] = mapped_column(BigInteger)
    peaks: Mapped[list[Any] | None] = mapped_column(JSON)
    kept: Mapped[bool] = mapped_column(Boolean, server_default=true())  # stays although no message uses it
    created: Mapped[float] = mapped_column(Double)


class MessageMediaRow(Table):
    """Which media a message has, in order."""

    __tablename__ = "message_media"

    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    place: Mapped[int] = mapped_column(Integer, primary_key=True)
    media_id: Mapped[str] = mapped_column(ForeignKey("media.id"), index=True)
