"""The grade of a landmark's best photo, beside the number of its photos, so that lists can be filtered by it."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision: str | None = "0013"
branch_labels: str | None = None
depends_on: str | None = None

_BEFORE = ("id", "delete_time", "active", "reference_image_count", "create_time", "update_time")
_AFTER = ("id", "delete_time", "active", "reference_image_count", "best_grade", "create_time", "update_time")
_FIRST = (
    ("display_name",),
    ("reference_image_count",),
    ("create_time",),
    ("update_time",),
    ("latitude", "longitude"),
)


def upgrade() -> None:
    """Adds the column, fills it, and has all indexes of lists cover it."""
    op.add_column("landmark", sa.Column("best_grade", sa.Integer()))
    op.execute(
        "UPDATE landmark SET best_grade = (SELECT max(quality_grade) FROM reference_image"
        " WHERE reference_image.landmark_key = landmark.key AND reference_image.delete_time IS NULL)"
    )
    _index_anew(_AFTER)


def downgrade() -> None:
    """Drops it; nothing is lost, as it can be derived."""
    _index_anew(_BEFORE)
    op.drop_column("landmark", "best_grade")


def _index_anew(listed: Sequence[str]) -> None:
    for first in _FIRST:
        name = op.f(f"ix_landmark_by_{'_'.join(first)}")
        op.drop_index(name, "landmark")
        op.create_index(name, "landmark", [*first, *(other for other in listed if other not in first)])
