"""Conversations, their messages, and media."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Makes the first tables."""
    op.create_table(
        "conversations",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("owner", sa.String(100), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("renamed", sa.Boolean, nullable=False),
        sa.Column("leaf", sa.String(32)),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("updated", sa.Double, nullable=False),
        sa.Column("deleted", sa.Double),
        sa.PrimaryKeyConstraint("id", name="pk_conversations"),
    )
    op.create_index("ix_conversations_owner_updated", "conversations", ["owner", "updated"])
    op.create_index("ix_conversations_deleted", "conversations", ["deleted"])
    op.create_table(
        "messages",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("conversation_id", sa.String(32), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("parent", sa.String(32)),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("places", sa.JSON, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("run", sa.String(64)),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("grounding", sa.JSON),
        sa.Column("error", sa.JSON),
        sa.Column("timings", sa.JSON),
        sa.Column("metadata", sa.JSON),
        sa.Column("rating", sa.Integer, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], "fk_messages_conversation_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["parent"], ["messages.id"], "fk_messages_parent", ondelete="CASCADE"),
    )
    op.create_index(
        "ix_messages_conversation_position", "messages", ["conversation_id", "position"], unique=True
    )
    op.create_index("ix_messages_parent", "messages", ["parent"])
    op.create_index("ix_messages_status", "messages", ["status"])
    _make_media()


def _make_media() -> None:
    op.create_table(
        "media",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("owner", sa.String(100), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("content_type", sa.String(64), nullable=False),
        sa.Column("width", sa.Integer),
        sa.Column("height", sa.Integer),
        sa.Column("duration_s", sa.Double),
        sa.Column("sampling_rate", sa.Integer),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("peaks", sa.JSON),
        sa.Column("created", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_media"),
    )
    op.create_index("ix_media_owner", "media", ["owner"])
    op.create_table(
        "message_media",
        sa.Column("message_id", sa.String(32), nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("media_id", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("message_id", "place", name="pk_message_media"),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], "fk_message_media_message_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["media_id"], ["media.id"], "fk_message_media_media_id"),
    )
    op.create_index("ix_message_media_media_id", "message_media", ["media_id"])


def downgrade() -> None:
    """Removes them."""
    for name in ("message_media", "media", "messages", "conversations"):
        op.drop_table(name)
