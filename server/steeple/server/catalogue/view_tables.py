"""The table of saved views."""

from __future__ import annotations

from typing import Final

from sqlalchemy import JSON, Boolean, Column, Index, Integer, String, Table, Text

from steeple.server.catalogue.tables import Id, UtcDateTime, metadata

saved_view: Final = Table(
    "saved_view",
    metadata,
    Column("id", Id, primary_key=True),
    Column("display_name", String(200), nullable=False),
    Column("collection", String(32), nullable=False),
    Column("filter", Text, nullable=False),
    Column("order_by", Text, nullable=False),
    Column("layout", JSON, nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("owner", String(80), nullable=False),  # an actor of the audit log
    Column("revision", Integer, nullable=False),
    Column("create_time", UtcDateTime, nullable=False),
    Column("update_time", UtcDateTime, nullable=False),
    Index(None, "owner", "id"),
)
