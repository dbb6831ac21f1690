"""What several servers on one database tell each other."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, String, Table, Text

from steeple.server.catalogue.tables import COPIED, Id, metadata

# How often what a topic is about was changed. PostgreSQL's triggers count it; where there is one server, it is empty.
announcement: Final = Table(
    "announcement",
    metadata,
    Column("topic", String(16), primary_key=True),
    Column("number", BigInteger, nullable=False),
    info={COPIED: False},
)

# Releases that are to be served. A row counts for as long as its operation is queued or running.
prepared_model: Final = Table(
    "prepared_model",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("source", Text, nullable=False),
    Column("operation_id", Id, nullable=False),
    Column("extracted", Boolean, nullable=False),  # whether images have features by it, as far as they can
)
