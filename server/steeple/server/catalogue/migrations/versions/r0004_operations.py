"""Long-running operations and what failed in them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision: str | None = "0003"
branch_labels: str | None = None
depends_on: str | None = None

_ID = sa.String(63).with_variant(sa.String(63, collation="C"), "postgresql")
_TIME = sa.DateTime(timezone=True)
_EMPTY = sa.text("''")
_ZERO = sa.text("0")
_NOTHING = sa.text("'{}'")
_STATES = "state IN ('QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED')"


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "operation",
        sa.Column("id", _ID, nullable=False),
        sa.Column("method", sa.String(255), nullable=False),
        sa.Column("arguments", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(9), nullable=False),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("step", sa.String(200), server_default=_EMPTY, nullable=False),
        sa.Column("done", sa.BigInteger(), server_default=_ZERO, nullable=False),
        sa.Column("total", sa.BigInteger(), server_default=_ZERO, nullable=False),
        sa.Column("problem_count", sa.BigInteger(), server_default=_ZERO, nullable=False),
        sa.Column("checkpoint", sa.JSON(), server_default=_NOTHING, nullable=False),
        sa.Column("results", sa.JSON(), server_default=_NOTHING, nullable=False),
        sa.Column("error_status", sa.String(32), server_default=_EMPTY, nullable=False),
        sa.Column("error_message", sa.Text(), server_default=_EMPTY, nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("create_time", _TIME, nullable=False),
        sa.Column("start_time", _TIME),
        sa.Column("update_time", _TIME, nullable=False),
        sa.Column("end_time", _TIME),
        sa.CheckConstraint(_STATES, name=op.f("ck_operation_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operation")),
    )
    op.create_index(op.f("ix_operation_state_id"), "operation", ["state", "id"])
    op.create_table(
        "operation_problem",
        sa.Column("operation_id", _ID, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["operation_id"], ["operation.id"], name=op.f("fk_operation_problem_operation_id")),
        sa.PrimaryKeyConstraint("operation_id", "number", name=op.f("pk_operation_problem")),
    )
    op.create_index(op.f("ix_operation_problem_operation_id_item"), "operation_problem", ["operation_id", "item"])


def downgrade() -> None:
    """Drops the tables."""
    op.drop_table("operation_problem")
    op.drop_table("operation")
