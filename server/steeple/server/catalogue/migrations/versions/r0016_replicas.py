"""Several servers on one database: announcements, leases, releases that are prepared, tokens that were taken."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision: str | None = "0015"
branch_labels: str | None = None
depends_on: str | None = None

# What of a table, if it is changed, is told; a key's last use, or the progress of an operation, is not.
_ROWS: Final = {
    "api_key": (
        "access",
        "INSERT OR DELETE OR UPDATE OF display_name, scope, digest, requests_per_second, burst, "
        "monthly_identifications, successor, expire_time, revoke_time",
    ),
    "person": ("access", "INSERT OR DELETE OR UPDATE OF display_name, role, disabled, delete_time"),
    "session": ("access", "INSERT OR DELETE OR UPDATE OF person_id, digest, expire_time"),
    "served_model": ("models", "INSERT OR DELETE OR UPDATE"),
    "prepared_model": ("models", "INSERT OR DELETE OR UPDATE"),
    "operation": ("operations", "INSERT OR DELETE OR UPDATE OF state, cancel_requested"),
}


def upgrade() -> None:
    """Adds the tables and columns, and in PostgreSQL what tells of changes, whoever makes them."""
    op.create_table(
        "announcement",
        sa.Column("topic", sa.String(16), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("topic", name=op.f("pk_announcement")),
    )
    op.create_table(
        "prepared_model",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("operation_id", _id(), nullable=False),
        sa.Column("extracted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_prepared_model")),
    )
    op.create_table(
        "spent_token",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("expire_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_spent_token")),
    )
    op.create_index(op.f("ix_spent_token_expire_time"), "spent_token", ["expire_time"])
    op.add_column("operation", sa.Column("owner", sa.String(80), server_default=sa.text("''"), nullable=False))
    op.add_column("operation", sa.Column("lease_until", sa.DateTime(timezone=True)))
    if op.get_bind().dialect.name == "postgresql":
        _tell()


def downgrade() -> None:
    """Drops them."""
    if op.get_bind().dialect.name == "postgresql":
        for table in _ROWS:
            op.execute(f"DROP TRIGGER announced ON {table}")
        op.execute("DROP TRIGGER announced ON change")
        op.execute("DROP FUNCTION steeple_announce()")
        op.execute("DROP FUNCTION steeple_announce_change()")
    op.drop_column("operation", "lease_until")
    op.drop_column("operation", "owner")
    op.drop_table("spent_token")
    op.drop_table("prepared_model")
    op.drop_table("announcement")


def _id() -> sa.String:
    return sa.String(63).with_variant(sa.String(63, collation="C"), "postgresql")


def _tell() -> None:
    op.execute(
        "CREATE FUNCTION steeple_announce() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " INSERT INTO announcement AS told VALUES (TG_ARGV[0], 1)"
        " ON CONFLICT (topic) DO UPDATE SET number = told.number + 1;"
        " PERFORM pg_notify('steeple', TG_ARGV[0]);"
        " RETURN NULL; END $$"
    )
    op.execute(
        "CREATE FUNCTION steeple_announce_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " PERFORM pg_notify('steeple', 'gallery');"
        " RETURN NULL; END $$"
    )
    for table, (topic, when) in _ROWS.items():
        op.execute(
            f"CREATE TRIGGER announced AFTER {when} ON {table} FOR EACH ROW"
            f" EXECUTE FUNCTION steeple_announce('{topic}')"
        )
    # Its own numbers tell how far the gallery is.
    op.execute(
        "CREATE TRIGGER announced AFTER INSERT ON change FOR EACH STATEMENT EXECUTE FUNCTION steeple_announce_change()"
    )
