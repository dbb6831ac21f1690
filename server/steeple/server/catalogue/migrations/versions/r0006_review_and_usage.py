"""Queries kept for review, and the usage of landmarks and of the server."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision: str | None = "0005"
branch_labels: str | None = None
depends_on: str | None = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ID = sa.String(63).with_variant(sa.String(63, collation="C"), "postgresql")
_TIME = sa.DateTime(timezone=True)
_EMPTY = sa.text("''")
_VERDICTS = "verdict IN ('none', 'right', 'wrong', 'landmark', 'not_landmark')"


def upgrade() -> None:
    """Makes the tables. What keys have used so far becomes the server's usage."""
    op.create_table(
        "landmark_usage",
        sa.Column("landmark_key", _KEY, nullable=False),
        sa.Column("month", sa.String(7), nullable=False),
        sa.Column("identified", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["landmark_key"], ["landmark.key"], name=op.f("fk_landmark_usage_landmark_key"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("landmark_key", "month", name=op.f("pk_landmark_usage")),
    )
    op.create_index(op.f("ix_landmark_usage_month"), "landmark_usage", ["month"])
    op.create_table(
        "server_usage",
        sa.Column("month", sa.String(7), nullable=False),
        sa.Column("identified", sa.BigInteger(), nullable=False),
        sa.Column("unknown", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_server_usage")),
    )
    op.execute(
        "INSERT INTO server_usage (month, identified, unknown) "
        "SELECT month, SUM(identified), SUM(unknown) FROM key_usage GROUP BY month"
    )
    op.create_table(
        "kept_query",
        sa.Column("id", _ID, nullable=False),
        sa.Column("create_time", _TIME, nullable=False),
        sa.Column("key_id", _ID, nullable=False),
        sa.Column("request_id", sa.String(128), nullable=False),
        sa.Column("outcome", sa.String(10), nullable=False),
        sa.Column("landmark_id", _ID, nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("candidates", sa.JSON(), nullable=False),
        sa.Column("model", sa.String(255), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("feature_count", sa.Integer(), nullable=False),
        sa.Column("content", sa.String(8), nullable=False),
        sa.Column("media_type", sa.String(255), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.String(12), server_default=sa.text("'none'"), nullable=False),
        sa.Column("reviewed_landmark_id", _ID, server_default=_EMPTY, nullable=False),
        sa.Column("reviewer", sa.String(80), server_default=_EMPTY, nullable=False),
        sa.Column("review_time", _TIME),
        sa.Column("image_landmark_id", _ID, server_default=_EMPTY, nullable=False),
        sa.Column("image_id", _ID, server_default=_EMPTY, nullable=False),
        sa.CheckConstraint("outcome IN ('identified', 'unknown')", name=op.f("ck_kept_query_outcome")),
        sa.CheckConstraint("content IN ('photo', 'features')", name=op.f("ck_kept_query_content")),
        sa.CheckConstraint(_VERDICTS, name=op.f("ck_kept_query_verdict")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_query")),
    )
    op.create_index(op.f("ix_kept_query_create_time"), "kept_query", ["create_time"])
    op.create_index(op.f("ix_kept_query_key_id"), "kept_query", ["key_id"])


def downgrade() -> None:
    """Drops the tables."""
    op.drop_table("kept_query")
    op.drop_table("server_usage")
    op.drop_table("landmark_usage")
