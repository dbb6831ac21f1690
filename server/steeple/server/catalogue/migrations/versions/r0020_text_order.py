"""Names in the order of their bytes, as lists of landmarks are: on PostgreSQL, which would follow a language."""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision: str | None = "0018"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Has PostgreSQL compare bytes; SQLite does."""
    _compare_by('"C"')


def downgrade() -> None:
    """Has it follow the database's language again."""
    _compare_by('"default"')


def _compare_by(collation: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER TABLE landmark ALTER COLUMN display_name TYPE VARCHAR(200) COLLATE {collation}")
