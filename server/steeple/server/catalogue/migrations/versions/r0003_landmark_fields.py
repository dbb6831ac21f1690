"""Aliases, labels and activity of landmarks; origin and quality of reference images; deletion that can be undone."""

from __future__ import annotations

import unicodedata
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision: str | None = "0002"
branch_labels: str | None = None
depends_on: str | None = None

_TIME = sa.DateTime(timezone=True)
_UNDECOMPOSED = str.maketrans({"æ": "ae", "ø": "o", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})


def _columns() -> dict[str, list[sa.Column[Any]]]:
    """Those that are new, by table: made anew for each use, as a column belongs to one table object."""
    landmark: list[sa.Column[Any]] = [
        sa.Column("aliases", sa.JSON(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("labels", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("search_names", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("delete_time", _TIME),
        sa.Column("expire_time", _TIME),
    ]
    image: list[sa.Column[Any]] = [
        sa.Column("capture_latitude", sa.Double()),
        sa.Column("capture_longitude", sa.Double()),
        sa.Column("capture_time", sa.String(25), server_default=sa.text("''"), nullable=False),
        sa.Column("quality_grade", sa.Integer()),
        sa.Column("quality_reasons", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("identify_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("delete_time", _TIME),
        sa.Column("expire_time", _TIME),
    ]
    return {"landmark": landmark, "reference_image": image}


def upgrade() -> None:
    """Adds the columns; what is there is active, not deleted, and found by its name."""
    for table, columns in _columns().items():
        for column in columns:
            op.add_column(table, column)
        op.create_index(op.f(f"ix_{table}_expire_time"), table, ["expire_time"])
    landmark = sa.table("landmark", sa.column("key"), sa.column("display_name"), sa.column("search_names"))
    connection = op.get_bind()
    for key, name in connection.execute(sa.select(landmark.c.key, landmark.c.display_name)).all():
        connection.execute(sa.update(landmark).where(landmark.c.key == key).values(search_names=_folded(name)))


def downgrade() -> None:
    """Drops the columns. What is deleted comes back; what is inactive becomes active."""
    for table, columns in _columns().items():
        op.drop_index(op.f(f"ix_{table}_expire_time"), table)
        for column in columns:
            op.drop_column(table, column.name)


def _folded(text: str) -> str:
    """As the catalogue did at this revision."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_UNDECOMPOSED))
    return "".join(character for character in decomposed if not unicodedata.combining(character)).casefold()
