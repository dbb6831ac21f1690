"""Keys, their usage, and the audit log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ID = sa.String(63).with_variant(sa.String(63, collation="C"), "postgresql")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "api_key",
        sa.Column("id", _ID, nullable=False),
        sa.Column("display_name", sa.String(200), nullable=False),
        sa.Column("scope", sa.String(6), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("requests_per_second", sa.Double(), nullable=False),
        sa.Column("burst", sa.Integer(), nullable=False),
        sa.Column("monthly_identifications", sa.BigInteger(), nullable=False),
        sa.Column("successor", _ID, nullable=False),
        sa.Column("create_time", _TIME, nullable=False),
        sa.Column("expire_time", _TIME),
        sa.Column("revoke_time", _TIME),
        sa.Column("last_use_time", _TIME),
        sa.CheckConstraint("scope IN ('device', 'reader', 'editor', 'admin')", name=op.f("ck_api_key_scope")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
    )
    op.create_table(
        "key_usage",
        sa.Column("key_id", _ID, nullable=False),
        sa.Column("month", sa.String(7), nullable=False),
        sa.Column("identified", sa.BigInteger(), nullable=False),
        sa.Column("unknown", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["api_key.id"], name=op.f("fk_key_usage_key_id")),
        sa.PrimaryKeyConstraint("key_id", "month", name=op.f("pk_key_usage")),
    )
    op.create_table(
        "audit_event",
        sa.Column("number", _KEY, nullable=False),
        sa.Column("time", _TIME, nullable=False),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("method", sa.String(255), nullable=False),
        sa.Column("resource", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_event")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_audit_event_resource_number"), "audit_event", ["resource", "number"])
    op.create_index(op.f("ix_audit_event_time"), "audit_event", ["time"])


def downgrade() -> None:
    """Drops the tables."""
    for table in ("audit_event", "key_usage", "api_key"):
        op.drop_table(table)
