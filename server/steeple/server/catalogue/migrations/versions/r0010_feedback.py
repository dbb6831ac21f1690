"""Feedback and proposals, among the queries kept for review."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision: str | None = "0009"
branch_labels: str | None = None
depends_on: str | None = None

_ID = sa.String(63).with_variant(sa.String(63, collation="C"), "postgresql")
_EMPTY = sa.text("''")
_INDEX = "ix_kept_query_origin_key_id_create_time"


def _columns() -> list[sa.Column[Any]]:
    """Made anew for each use, as a column belongs to one table object."""
    return [
        sa.Column("origin", sa.String(8), server_default=sa.text("'query'"), nullable=False),
        sa.Column("said", sa.String(12), server_default=sa.text("'none'"), nullable=False),
        sa.Column("said_landmark_id", _ID, server_default=_EMPTY, nullable=False),
        sa.Column("shown_landmark_id", _ID, server_default=_EMPTY, nullable=False),
        sa.Column("suggested_name", sa.String(200), server_default=_EMPTY, nullable=False),
        sa.Column("note", sa.Text(), server_default=_EMPTY, nullable=False),
        sa.Column("latitude", sa.Double()),
        sa.Column("longitude", sa.Double()),
    ]


def upgrade() -> None:
    """Adds the columns; what is there was kept because the settings said so."""
    for column in _columns():
        op.add_column("kept_query", column)
    op.create_index(op.f(_INDEX), "kept_query", ["origin", "key_id", "create_time"])


def downgrade() -> None:
    """Drops the columns. What was sent is then a query like the others."""
    op.drop_index(op.f(_INDEX), "kept_query")
    for column in _columns():
        op.drop_column("kept_query", column.name)
