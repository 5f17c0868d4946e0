"""How Alembic runs the migrations: on the connection that it is given, in the transaction that is open there."""

from __future__ import annotations

from alembic import context

from flowhand_server.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite cannot alter a column in place
    transaction_per_migration=False,
)
context.run_migrations()
