"""What a database says of the versions of Steeple that may use it."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Integer, String, Table

from steeple.server.catalogue.tables import COPIED, metadata

# Older versions of Steeple read it, so it can never be changed.
schema_compatibility: Final = Table(
    "schema_compatibility",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # 1: there is one row
    Column("oldest_revision", String(32), nullable=False),  # that a Steeple must know of
    Column("migrated_by", String(64), nullable=False),  # the version of Steeple that made the schema what it is
    info={COPIED: False},  # each database has its own
)
