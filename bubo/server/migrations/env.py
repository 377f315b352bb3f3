"""How Alembic runs the steps: on the connection it is handed, in that connection's transaction."""

from alembic import context

from bubo.server.tables import Table

connection = context.config.attributes["connection"]
# SQLite cannot alter most of a table in place: such steps copy it
context.configure(
    connection=connection,
    target_metadata=Table.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
)
context.run_migrations()
