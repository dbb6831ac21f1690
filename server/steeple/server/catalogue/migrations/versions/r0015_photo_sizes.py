"""The sizes of photos beside their hashes, so that they are summed without reading a million rows."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision: str | None = "0014"
branch_labels: str | None = None
depends_on: str | None = None

_BEFORE = "ix_reference_image_sha256"
_AFTER = "ix_reference_image_sha256_size_bytes"


def upgrade() -> None:
    """Has the index of hashes cover the sizes."""
    op.create_index(op.f(_AFTER), "reference_image", ["sha256", "size_bytes"])
    op.drop_index(op.f(_BEFORE), "reference_image")


def downgrade() -> None:
    """Takes them out of it."""
    op.create_index(op.f(_BEFORE), "reference_image", ["sha256"])
    op.drop_index(op.f(_AFTER), "reference_image")
