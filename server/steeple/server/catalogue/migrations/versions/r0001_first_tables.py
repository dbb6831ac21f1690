"""Landmarks, reference images, their features, the history and the requests done."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ID = sa.String(63).with_variant(sa.String(63, collation="C"), "postgresql")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "landmark",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.Column("display_name", sa.String(200), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("latitude", sa.Double()),
        sa.Column("longitude", sa.Double()),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("create_time", _TIME, nullable=False),
        sa.Column("update_time", _TIME, nullable=False),
        sa.CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name=op.f("ck_landmark_location")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_landmark")),
        sa.UniqueConstraint("id", name=op.f("uq_landmark_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "reference_image",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("landmark_key", _KEY, nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.Column("model", sa.String(255), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("feature_count", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(255), nullable=False),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column("create_time", _TIME, nullable=False),
        sa.ForeignKeyConstraint(["landmark_key"], ["landmark.key"], name=op.f("fk_reference_image_landmark_key")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_reference_image")),
        sa.UniqueConstraint("landmark_key", "id", name=op.f("uq_reference_image_landmark_key_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_reference_image_model_key_feature_count"), "reference_image", ["model", "key", "feature_count"]
    )
    op.create_index(op.f("ix_reference_image_sha256"), "reference_image", ["sha256"])
    op.create_table(
        "image_features",
        sa.Column("image_key", _KEY, nullable=False),
        sa.Column("descriptors", sa.LargeBinary(), nullable=False),
        sa.Column("geometry", sa.LargeBinary(), nullable=False),
        sa.Column("max_score", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["image_key"], ["reference_image.key"], name=op.f("fk_image_features_image_key"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("image_key", name=op.f("pk_image_features")),
    )
    op.create_table(
        "change",
        sa.Column("sequence", _KEY, nullable=False),
        sa.Column("kind", sa.String(6), nullable=False),
        sa.Column("image_key", _KEY, nullable=False),
        sa.CheckConstraint("kind IN ('ADD', 'REMOVE')", name=op.f("ck_change_kind")),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_change")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "request",
        sa.Column("request_id", sa.String(36), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.Column("create_time", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_request")),
    )


def downgrade() -> None:
    """Drops the tables, and with them the catalogue."""
    for table in ("request", "change", "image_features", "reference_image", "landmark"):
        op.drop_table(table)
