"""Uploads, which were known from files before, and until when kept queries were erased."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision: str | None = "0016"
branch_labels: str | None = None
depends_on: str | None = None

_ID = sa.String(63).with_variant(sa.String(63, collation="C"), "postgresql")
_INDEXES = (("upload", "expire_time"), ("upload", "request_id"))


def upgrade() -> None:
    """Makes the tables; the server takes over the uploads that its data folder has."""
    op.create_table(
        "upload",
        sa.Column("id", _ID, nullable=False),
        sa.Column("file_name", sa.String(255), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("committed_bytes", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("complete", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expire_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("request_id", sa.String(36), nullable=False),
        sa.Column("writer", sa.String(32), server_default=sa.text("''"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload")),
    )
    op.create_table(
        "upload_part",
        sa.Column("upload_id", _ID, nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(160), nullable=False),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["upload.id"], name=op.f("fk_upload_part_upload_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("upload_id", "start", name=op.f("pk_upload_part")),
    )
    op.create_table(
        "query_erasure",
        sa.Column("key_id", _ID, nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_query_erasure")),
    )
    for table, column in _INDEXES:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def downgrade() -> None:
    """Drops the tables; uploads are lost."""
    for table, column in _INDEXES:
        op.drop_index(op.f(f"ix_{table}_{column}"), table)
    op.drop_table("query_erasure")
    op.drop_table("upload_part")
    op.drop_table("upload")
