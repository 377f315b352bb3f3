"""Files of programs stay until they are deleted; those of a page only as long as a message has them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Adds `kept`; what is there already stays."""
    with op.batch_alter_table("media") as table:
        table.add_column(sa.Column("kept", sa.Boolean, nullable=False, server_default=sa.true()))


def downgrade() -> None:
    """Removes it."""
    with op.batch_alter_table("media") as table:
        table.drop_column("kept")
