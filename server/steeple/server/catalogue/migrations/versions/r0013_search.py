"""Lists of a hundred thousand landmarks: counts of their images, indexes of their orders, terms, and texts in names."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Connection

from steeple.errors import FailedPreconditionError

revision = "0013"
down_revision: str | None = "0012"
branch_labels: str | None = None
depends_on: str | None = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_LISTED = ["id", "delete_time", "active", "reference_image_count", "create_time", "update_time"]
_INDEXES = {
    f"ix_landmark_by_{'_'.join(first)}": [*first, *(other for other in _LISTED if other not in first)]
    for first in (
        ["display_name"],
        ["reference_image_count"],
        ["create_time"],
        ["update_time"],
        ["latitude", "longitude"],
    )
}
_IMAGE_INDEX = "ix_reference_image_listed"
_IMAGE_COLUMNS = [
    "landmark_key",
    "delete_time",
    "id",
    "create_time",
    "feature_count",
    "identify_count",
    "quality_grade",
]
_NAMES_INDEX = "ix_landmark_search_names"
_TRIGGERS = ("insert", "delete", "update")
_SQLITE_NAMES = (
    "CREATE VIRTUAL TABLE landmark_names USING fts5("
    "search_names, content='landmark', content_rowid='key', columnsize=0, tokenize='trigram case_sensitive 1')",
    "CREATE TRIGGER landmark_names_insert AFTER INSERT ON landmark BEGIN"
    " INSERT INTO landmark_names (rowid, search_names) VALUES (NEW.key, NEW.search_names); END",
    "CREATE TRIGGER landmark_names_delete AFTER DELETE ON landmark BEGIN"
    " INSERT INTO landmark_names (landmark_names, rowid, search_names)"
    " VALUES ('delete', OLD.key, OLD.search_names); END",
    "CREATE TRIGGER landmark_names_update AFTER UPDATE OF search_names ON landmark"
    " WHEN OLD.search_names <> NEW.search_names BEGIN"
    " INSERT INTO landmark_names (landmark_names, rowid, search_names)"
    " VALUES ('delete', OLD.key, OLD.search_names);"
    " INSERT INTO landmark_names (rowid, search_names) VALUES (NEW.key, NEW.search_names); END",
    "INSERT INTO landmark_names (landmark_names) VALUES ('rebuild')",
)
_POSTGRESQL_INDEX = "ix_landmark_search_names_trigrams"  # made when a catalogue is opened, if there can be one
_AT_ONCE = 5000


def upgrade() -> None:
    """Adds the column, the table and the indexes, and fills them from what is there."""
    connection = op.get_bind()
    op.add_column(
        "landmark", sa.Column("reference_image_count", sa.Integer(), server_default=sa.text("0"), nullable=False)
    )
    connection.execute(
        sa.text(
            "UPDATE landmark SET reference_image_count = (SELECT count(*) FROM reference_image"
            " WHERE reference_image.landmark_key = landmark.key AND reference_image.delete_time IS NULL)"
        )
    )
    op.create_table(
        "landmark_term",
        sa.Column("term", sa.BigInteger(), nullable=False),
        sa.Column("landmark_key", _KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["landmark_key"], ["landmark.key"], name=op.f("fk_landmark_term_landmark_key"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("term", "landmark_key", name=op.f("pk_landmark_term")),
        sqlite_with_rowid=False,
    )
    _fill_terms(connection)
    op.create_index(op.f("ix_landmark_term_landmark_key"), "landmark_term", ["landmark_key"])
    for name, columns in _INDEXES.items():
        op.create_index(op.f(name), "landmark", columns)
    op.create_index(op.f(_IMAGE_INDEX), "reference_image", _IMAGE_COLUMNS)
    _make_names(connection)


def downgrade() -> None:
    """Drops them; nothing is lost, as all of it can be derived."""
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        for trigger in _TRIGGERS:
            op.execute(f"DROP TRIGGER landmark_names_{trigger}")
        op.execute("DROP TABLE landmark_names")
        op.drop_index(op.f(_NAMES_INDEX), "landmark")
    elif connection.dialect.name == "postgresql":
        op.execute(f"DROP INDEX IF EXISTS {_POSTGRESQL_INDEX}")
    op.drop_index(op.f(_IMAGE_INDEX), "reference_image")
    for name in _INDEXES:
        op.drop_index(op.f(name), "landmark")
    op.drop_index(op.f("ix_landmark_term_landmark_key"), "landmark_term")
    op.drop_table("landmark_term")
    op.drop_column("landmark", "reference_image_count")


def _make_names(connection: Connection) -> None:
    """What finds a text inside of names."""
    if connection.dialect.name == "sqlite":
        _check_sqlite(connection)
        op.create_index(op.f(_NAMES_INDEX), "landmark", ["search_names", "delete_time"])
        for statement in _SQLITE_NAMES:
            op.execute(statement)


def _check_sqlite(connection: Connection) -> None:
    query = sa.text("SELECT sqlite_version(), sqlite_compileoption_used('ENABLE_FTS5')")
    version, has_full_text = connection.execute(query).one()
    if not has_full_text or tuple(int(part) for part in version.split(".")) < (3, 34):
        raise FailedPreconditionError(
            f"the SQLite of this Python ({version}) has no full-text search by trigrams; take a Python whose SQLite is "
            "3.34 or newer and built with FTS5"
        )


def _fill_terms(connection: Connection) -> None:
    landmark = sa.table(
        "landmark", sa.column("key", _KEY), sa.column("labels", sa.JSON()), sa.column("metadata", sa.JSON())
    )
    term = sa.table("landmark_term", sa.column("term"), sa.column("landmark_key"))
    last = 0
    while True:
        query = sa.select(landmark).where(landmark.c.key > last).order_by(landmark.c.key).limit(_AT_ONCE)
        found = connection.execute(query).all()
        rows = [
            {"term": one, "landmark_key": row.key}
            for row in found
            for one in _terms(row.labels, row._mapping["metadata"])
        ]
        if rows:
            connection.execute(sa.insert(term), rows)
        if len(found) < _AT_ONCE:
            return
        last = found[-1].key


def _terms(labels: list[str], metadata: dict[str, str]) -> set[int]:
    """As the catalogue did at this revision."""
    found = {_number("label", label) for label in [*labels, *(["*"] if labels else [])]}
    if metadata:
        found.add(_number("any key"))
    for key, value in metadata.items():
        found |= {_number("key", key), _number("entry", key, value)}
    return found


def _number(*parts: str) -> int:
    digest = hashlib.sha256("\0".join(parts).encode("utf-8")).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
