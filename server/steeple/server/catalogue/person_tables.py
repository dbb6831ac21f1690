"""The tables of people and of what they have signed in to."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, String, Table, UniqueConstraint

from steeple.server.catalogue.tables import Id, UtcDateTime, metadata

# Of who is deleted, the row stays without all else: the audit log names them, and nobody else may get the name.
person: Final = Table(
    "person",
    metadata,
    Column("id", Id, primary_key=True),
    Column("display_name", String(200), nullable=False),
    Column("role", String(6), nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("oidc_subject", String(255)),
    Column("password", String(255), nullable=False),  # as argon2 encodes a hash; empty: there is none
    Column("password_time", UtcDateTime),
    Column("create_time", UtcDateTime, nullable=False),
    Column("update_time", UtcDateTime, nullable=False),
    Column("last_sign_in_time", UtcDateTime),
    Column("delete_time", UtcDateTime),
    UniqueConstraint("oidc_subject"),
    CheckConstraint("role IN ('reader', 'editor', 'admin')", name="role"),
)

# A session that has ended has no row.
session: Final = Table(
    "session",
    metadata,
    Column("id", Id, primary_key=True),
    Column("person_id", Id, ForeignKey("person.id"), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("user_agent", String(200), nullable=False),
    Column("address", String(64), nullable=False),
    Column("create_time", UtcDateTime, nullable=False),
    Column("last_use_time", UtcDateTime, nullable=False),
    Column("expire_time", UtcDateTime, nullable=False),  # at the latest
    Index(None, "person_id"),
)

# Of an identity provider, that somebody has signed in with.
spent_token: Final = Table(
    "spent_token",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("expire_time", UtcDateTime, nullable=False),
    Index(None, "expire_time"),
)
