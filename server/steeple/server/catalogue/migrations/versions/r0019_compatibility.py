"""Which oldest Steeple may still use the database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision: str | None = "0018"
branch_labels: str | None = None
depends_on: str | None = None
oldest_steeple: str | None = "0019"  # older ones refuse every schema that they do not know


def upgrade() -> None:
    """Makes its table."""
    op.create_table(
        "schema_compatibility",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("oldest_revision", sa.String(32), nullable=False),
        sa.Column("migrated_by", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schema_compatibility")),
    )


def downgrade() -> None:
    """Removes it."""
    op.drop_table("schema_compatibility")
