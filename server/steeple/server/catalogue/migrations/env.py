"""What Alembic runs to migrate: on the connection, and in the transaction, that ``migrate.upgrade`` hands over."""

from __future__ import annotations

from alembic import context

from steeple.server.catalogue import discovery_tables, file_tables, view_tables  # noqa: F401 - they have tables of the metadata
from steeple.server.catalogue.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # Alembic doubts it for SQLite's sake, whose driver commits before DDL unless told otherwise; ours is.
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
