"""What Alembic runs to migrate: on the connection, and in the transaction, that ``migrate.upgrade`` hands over."""

from __future__ import annotations

from alembic import context

from steeple.server.catalogue.schema import compared, metadata

_connection = context.config.attributes["connection"]
context.configure(
    connection=_connection,
    target_metadata=metadata,
    # Alembic doubts it for SQLite's sake, whose driver commits before DDL unless told otherwise; ours is.
    transactional_ddl=True,
    render_as_batch=True,
    **compared(_connection.dialect.name),
)
with context.begin_transaction():
    context.run_migrations()
