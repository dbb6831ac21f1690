"""Rows for every table of a catalogue, of any of its schemas."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy
from sqlalchemy import Table, insert


def fill(connection: sqlalchemy.Connection, tables: Iterable[Table]) -> None:
    """Two rows in each table, whatever its columns are; the tables in the order in which they refer to each other."""
    for table in tables:
        if table.name == "schema_compatibility":  # has its one row
            continue
        for number in (1, 2):
            connection.execute(insert(table).values(row_of(table, number)))


def row_of(table: Table, number: int) -> dict[str, Any]:
    known: dict[str, Any] = {
        "display_name": ("Tower", "Sacré-Cœur")[number - 1], "search_names": ("tower", "sacre-coeur")[number - 1],
        "id": f"l{number}", "kind": "ADD", "scope": "device", "role": "reader", "outcome": "unknown",
        "content": "photo", "reference_image_count": 1,
        "verdict": "none", "state": "QUEUED" if table.name == "operation" else "PROPOSED", "labels": ["a"],
        "metadata": {"k": "v"}, "latitude": 1.0, "longitude": 2.0, "discovery_id": f"l{number}", "key_id": f"l{number}",
        "operation_id": f"l{number}", "upload_id": f"l{number}", "person_id": f"l{number}", "delete_time": None,
    }  # fmt: skip
    row: dict[str, Any] = {}
    for column in table.columns:
        if column.autoincrement is True or (column.name in ("key", "sequence") and column.primary_key):
            continue
        if column.name in known and (column.name != "id" or isinstance(column.type, sqlalchemy.String)):
            row[column.name] = known[column.name]
        elif not column.nullable and column.server_default is None:
            row[column.name] = value_of(column, number)
    return row


def value_of(column: sqlalchemy.Column[Any], number: int) -> object:
    kind = column.type
    match kind.impl_instance if isinstance(kind, sqlalchemy.TypeDecorator) else kind:
        case sqlalchemy.String():
            return f"t{number}"
        case sqlalchemy.Boolean():
            return True
        case sqlalchemy.DateTime():
            return datetime(2026, 1, number, tzinfo=UTC)
        case sqlalchemy.LargeBinary():
            return b"\0\1"
        case sqlalchemy.JSON():
            return {}
    return number
