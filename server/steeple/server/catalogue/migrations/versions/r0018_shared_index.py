"""How far an index has come that several servers share, and changes of what is known of images."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision: str | None = "0017"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Adds the table, and the column that older servers do without."""
    op.add_column("change", sa.Column("facts", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "shared_index",
        sa.Column("model", sa.String(255), nullable=False),
        sa.Column("generation", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("sequence", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("clock", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("size", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("building", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("building_sequence", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("building_after", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("building_images", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("building_size", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("builder", sa.String(64), server_default=sa.text("''"), nullable=False),
        sa.Column("builder_until", sa.DateTime(timezone=True)),
        sa.Column("attempt", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("model", name=op.f("pk_shared_index")),
    )
    op.create_table(
        "shared_index_attempt",
        sa.Column("model", sa.String(255), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("model", name=op.f("pk_shared_index_attempt")),
    )


def downgrade() -> None:
    """Drops both; what the column marks is then taken for images that came, once more."""
    op.drop_table("shared_index_attempt")
    op.drop_table("shared_index")
    op.drop_column("change", "facts")
