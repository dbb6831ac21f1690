"""Features by other model releases than an image's own, and the releases that are served."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision: str | None = "0006"
branch_labels: str | None = None
depends_on: str | None = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "release_features",
        sa.Column("model", sa.String(255), nullable=False),
        sa.Column("image_key", _KEY, nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("feature_count", sa.Integer(), nullable=False),
        sa.Column("descriptors", sa.LargeBinary(), nullable=False),
        sa.Column("geometry", sa.LargeBinary(), nullable=False),
        sa.Column("max_score", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["image_key"],
            ["reference_image.key"],
            name=op.f("fk_release_features_image_key"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("model", "image_key", name=op.f("pk_release_features")),
    )
    op.create_index(op.f("ix_release_features_image_key"), "release_features", ["image_key"])
    op.create_table(
        "served_model",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_served_model")),
    )


def downgrade() -> None:
    """Drops the tables: images are known by the features of their own release alone."""
    op.drop_table("served_model")
    op.drop_table("release_features")
