"""Reference images that can be changed, and so have revisions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision: str | None = "0004"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Adds the column; what is there is as it was created."""
    op.add_column("reference_image", sa.Column("revision", sa.Integer(), server_default=sa.text("1"), nullable=False))


def downgrade() -> None:
    """Drops the column. Etags of images that were changed change again."""
    op.drop_column("reference_image", "revision")
