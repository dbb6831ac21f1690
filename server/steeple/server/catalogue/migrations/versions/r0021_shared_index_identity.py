"""Whose the collections of an index are that several servers share."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision: str | None = "0020"
branch_labels: str | None = None
depends_on: str | None = None
oldest_steeple: str | None = "0021"  # older ones would go by the same rows, and mean collections by other names


def upgrade() -> None:
    """Makes its table."""
    op.create_table(
        "shared_index_identity",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("identity", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shared_index_identity")),
    )


def downgrade() -> None:
    """Removes it."""
    op.drop_table("shared_index_identity")
