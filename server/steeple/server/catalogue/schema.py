"""All tables of a catalogue: the modules that describe them, imported together; and what Alembic compares of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import JSON, Column
from sqlalchemy.schema import SchemaItem

from steeple.server.catalogue import (  # noqa: F401 - for their tables
    discovery_tables,
    file_tables,
    index_tables,
    person_tables,
    replica_tables,
    view_tables,
)
from steeple.server.catalogue.search_tables import NAMES
from steeple.server.catalogue.tables import SHORT_TEXTS, metadata
from steeple.server.catalogue.trigrams import TRIGRAMS

__all__ = ["compared", "metadata"]


def compared(dialect: str) -> Mapping[str, Any]:
    """Options of Alembic's context, to compare a database with the metadata.

    Args:
        dialect: Name of SQLAlchemy's for the database. What one kind of database has of its own is not looked for in
            others: a full-text table and an index of SQLite's, and the index of an extension of PostgreSQL's.
    """

    def is_known(name: str | None, kind: str, _: Mapping[str, Any]) -> bool:
        return name != TRIGRAMS and (kind != "table" or not str(name).startswith(NAMES))

    def is_there(_item: SchemaItem, name: str | None, kind: str, reflected: bool, _: SchemaItem | None) -> bool:
        return reflected or kind != "index" or name != SHORT_TEXTS or dialect == "sqlite"

    def is_other_default(
        _context: object, _column: object, described: Column[Any], found: str | None, _: object, rendered: str | None
    ) -> bool | None:
        # Alembic would have PostgreSQL compare them, which compares no JSON.
        if dialect != "postgresql" or not isinstance(described.type, JSON) or found is None:
            return None
        return found.removesuffix("::json") != rendered

    return {
        "compare_type": True,
        "compare_server_default": is_other_default,
        "include_name": is_known,
        "include_object": is_there,
    }
