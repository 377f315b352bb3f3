"""A number of the database itself, by which the media folder knows whose it is."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Draws it, once and for all copies of this database."""
    table = op.create_table(
        "database",
        sa.Column("id", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_database"),
    )
    op.bulk_insert(table, [{"id": secrets.token_hex(16)}])


def downgrade() -> None:
    """Removes it."""
    op.drop_table("database")
