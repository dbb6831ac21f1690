"""Discoveries: photos, what they match, and proposals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision: str | None = "0007"
branch_labels: str | None = None
depends_on: str | None = None

_ID = sa.String(63).with_variant(sa.String(63, collation="C"), "postgresql")
_TIME = sa.DateTime(timezone=True)
_EMPTY = sa.text("''")
_ZERO = sa.text("0")
_STATES = "state IN ('PROPOSED', 'ACCEPTED', 'DISCARDED')"


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "discovery",
        sa.Column("id", _ID, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("model", sa.String(255), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("create_time", _TIME, nullable=False),
        sa.Column("finish_time", _TIME),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discovery")),
    )
    op.create_table(
        "discovery_photo",
        sa.Column("discovery_id", _ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(255), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("feature_count", sa.Integer(), nullable=False),
        sa.Column("capture_latitude", sa.Double()),
        sa.Column("capture_longitude", sa.Double()),
        sa.Column("capture_time", sa.String(25), nullable=False),
        sa.Column("quality_grade", sa.Integer(), nullable=False),
        sa.Column("quality_reasons", sa.JSON(), nullable=False),
        sa.Column("searched", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("landmark_id", _ID, server_default=_EMPTY, nullable=False),
        sa.Column("confidence", sa.Double(), server_default=_ZERO, nullable=False),
        sa.Column("proposal", sa.Integer()),
        sa.Column("view", sa.Integer(), server_default=_ZERO, nullable=False),
        sa.Column("reason", sa.String(16), server_default=_EMPTY, nullable=False),
        sa.Column("image_id", _ID, server_default=_EMPTY, nullable=False),
        sa.ForeignKeyConstraint(["discovery_id"], ["discovery.id"], name=op.f("fk_discovery_photo_discovery_id")),
        sa.PrimaryKeyConstraint("discovery_id", "number", name=op.f("pk_discovery_photo")),
        sa.UniqueConstraint("discovery_id", "sha256", name=op.f("uq_discovery_photo_discovery_id_sha256")),
    )
    op.create_index(op.f("ix_discovery_photo_discovery_id_proposal"), "discovery_photo", ["discovery_id", "proposal"])
    op.create_index(op.f("ix_discovery_photo_sha256"), "discovery_photo", ["sha256"])
    op.create_table(
        "discovery_features",
        sa.Column("discovery_id", _ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("descriptors", sa.LargeBinary(), nullable=False),
        sa.Column("geometry", sa.LargeBinary(), nullable=False),
        sa.Column("max_score", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["discovery_id", "number"],
            ["discovery_photo.discovery_id", "discovery_photo.number"],
            name=op.f("fk_discovery_features_discovery_id_number"),
        ),
        sa.PrimaryKeyConstraint("discovery_id", "number", name=op.f("pk_discovery_features")),
    )
    op.create_table(
        "discovery_match",
        sa.Column("discovery_id", _ID, nullable=False),
        sa.Column("query", sa.Integer(), nullable=False),
        sa.Column("photo", sa.Integer(), nullable=False),
        sa.Column("inliers", sa.Integer(), nullable=False),
        sa.Column("distinct", sa.Double(), nullable=False),
        sa.Column("near_duplicate", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["discovery_id"], ["discovery.id"], name=op.f("fk_discovery_match_discovery_id")),
        sa.PrimaryKeyConstraint("discovery_id", "query", "photo", name=op.f("pk_discovery_match")),
    )
    op.create_table(
        "proposal",
        sa.Column("discovery_id", _ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(9), nullable=False),
        sa.Column("representative", sa.Integer(), nullable=False),
        sa.Column("cohesion", sa.Double(), nullable=False),
        sa.Column("latitude", sa.Double()),
        sa.Column("longitude", sa.Double()),
        sa.Column("extent_meters", sa.Double(), nullable=False),
        sa.Column("landmark_id", _ID, nullable=False),
        sa.Column("update_time", _TIME, nullable=False),
        sa.CheckConstraint(_STATES, name=op.f("ck_proposal_state")),
        sa.ForeignKeyConstraint(["discovery_id"], ["discovery.id"], name=op.f("fk_proposal_discovery_id")),
        sa.PrimaryKeyConstraint("discovery_id", "number", name=op.f("pk_proposal")),
    )


def downgrade() -> None:
    """Drops the tables."""
    for table in ("proposal", "discovery_match", "discovery_features", "discovery_photo", "discovery"):
        op.drop_table(table)
