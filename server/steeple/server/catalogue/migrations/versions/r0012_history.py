"""What changes did, in the audit log; and saved views."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision: str | None = "0011"
branch_labels: str | None = None
depends_on: str | None = None

_ID = sa.String(63).with_variant(sa.String(63, collation="C"), "postgresql")
_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INDEXES = (("actor", "number"), ("method", "number"), ("outcome", "number"), ("batch",))


def upgrade() -> None:
    """Adds the columns; what earlier changes did is not known. Makes the table."""
    op.add_column("audit_event", sa.Column("before", sa.JSON()))
    op.add_column("audit_event", sa.Column("after", sa.JSON()))
    op.add_column("audit_event", sa.Column("undoes", _KEY))
    op.add_column("audit_event", sa.Column("batch", _KEY))
    for columns in _INDEXES:
        op.create_index(op.f(f"ix_audit_event_{'_'.join(columns)}"), "audit_event", list(columns))
    op.create_table(
        "saved_view",
        sa.Column("id", _ID, nullable=False),
        sa.Column("display_name", sa.String(200), nullable=False),
        sa.Column("collection", sa.String(32), nullable=False),
        sa.Column("filter", sa.Text(), nullable=False),
        sa.Column("order_by", sa.Text(), nullable=False),
        sa.Column("layout", sa.JSON(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("owner", sa.String(80), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_view")),
    )
    op.create_index(op.f("ix_saved_view_owner_id"), "saved_view", ["owner", "id"])


def downgrade() -> None:
    """Drops both; what was done is then known only as who did it."""
    op.drop_index(op.f("ix_saved_view_owner_id"), "saved_view")
    op.drop_table("saved_view")
    for columns in _INDEXES:
        op.drop_index(op.f(f"ix_audit_event_{'_'.join(columns)}"), "audit_event")
    for column in ("batch", "undoes", "after", "before"):
        op.drop_column("audit_event", column)
