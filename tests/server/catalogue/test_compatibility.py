"""Older and newer Steeple on one database: which migrations let them, and what the older one does if one does not."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import closing

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from steeple.errors import FailedPreconditionError
from steeple.server.catalogue import Catalogue, LandmarkDraft
from steeple.server.catalogue.compatibility import known_revisions, revisions
from steeple.server.catalogue.database import Database
from steeple.server.catalogue.migrate import SCRIPTS

from .expanding import schema, taken_away


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.engines)])
def url(request: pytest.FixtureRequest) -> str:
    """Of an empty database that no other test gets: what is done to its schema stays."""
    found: str = request.getfixturevalue(f"{request.param}_url")
    return found


FIRST = "0019"  # of those before it, older versions of Steeple were refused in any case
LATER = [script for script in revisions() if FIRST in known_revisions()[known_revisions().index(script.revision) :]]


def test_every_migration_says_who_may_go_on_beside_it() -> None:
    order = list(reversed(known_revisions()))
    oldest = order.index(FIRST)
    for script in reversed(LATER):
        assert hasattr(script.module, "oldest_steeple"), f"{script.revision}: see CONTRIBUTING.md, Change the schema"
        stated = script.module.oldest_steeple
        if stated is not None:
            assert oldest <= order.index(stated) <= order.index(script.revision), script.revision
            oldest = order.index(stated)
    assert LATER[-1].revision == LATER[-1].module.oldest_steeple == FIRST


def test_migrations_that_say_that_they_only_add_do_so(url: str) -> None:
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    with closing(Database(url)) as database:
        with database.read() as connection:
            assert schema(connection) == {}
        for script in reversed(LATER):
            with database.write() as connection:
                config.attributes["connection"] = connection
                command.upgrade(config, str(script.down_revision))
                before = schema(connection)
                command.upgrade(config, script.revision)
                taken = taken_away(before, schema(connection))
            assert script.module.oldest_steeple is not None or taken == [], script.revision


ADDING: dict[str, Callable[[Operations], object]] = {
    "column": lambda op: op.add_column("landmark", sa.Column("era", sa.String(10), nullable=True)),
    "column with a default": lambda op: op.add_column(
        "landmark", sa.Column("seen", sa.Integer, nullable=False, server_default="0")
    ),
    "table": lambda op: op.create_table("visit", sa.Column("id", sa.Integer, primary_key=True)),
    "index": lambda op: op.create_index("ix_landmark_more", "landmark", ["display_name", "id"]),
}
TAKING: dict[str, tuple[Callable[[Operations], object], str]] = {
    "table": (lambda op: op.drop_table("saved_view"), "table saved_view is gone"),
    "renamed table": (lambda op: op.rename_table("saved_view", "view"), "table saved_view is gone"),
    "column": (lambda op: op.drop_column("saved_view", "layout"), "saved_view.layout is gone"),
    "renamed column": (
        lambda op: op.alter_column("saved_view", "layout", new_column_name="shape"),
        "saved_view.layout is gone",
    ),
    "column without a default": (
        lambda op: batched(op, lambda t: t.add_column(sa.Column("era", sa.Integer, nullable=False))),
        "saved_view.era must be given",
    ),
    "type": (
        lambda op: batched(op, lambda t: t.alter_column("revision", type_=sa.Text())),
        "saved_view.revision was INTEGER and is TEXT",
    ),
    "null": (
        lambda op: batched(op, lambda t: t.alter_column("revision", nullable=True)),
        "saved_view.revision may be null now",
    ),
    "unique": (
        lambda op: op.create_index("ix_more", "saved_view", ["display_name"], unique=True),
        "saved_view: display_name must be unique now",
    ),
    "check": (
        lambda op: batched(op, lambda t: t.create_check_constraint("few", "revision < 9")),
        "saved_view: checks revision < 9 now",
    ),
    "rows kept": (
        lambda op: op.create_table(
            "visit",
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("of", sa.Integer, sa.ForeignKey("landmark.key")),
        ),
        "visit keeps rows of landmark from being deleted",
    ),
}


def batched(op: Operations, change: Callable[..., object]) -> None:
    with op.batch_alter_table("saved_view") as table:
        change(table)


def found_of(url: str, change: Callable[[Operations], object]) -> list[str]:
    Catalogue.open(url).close()
    database = Database(url)
    with database.write() as connection:
        before = schema(connection)
        change(Operations(MigrationContext.configure(connection)))
        taken = taken_away(before, schema(connection))
    database.close()
    return taken


@pytest.mark.parametrize("what", ADDING)
def test_what_adds_is_let_through(url: str, what: str) -> None:
    assert found_of(url, ADDING[what]) == []


@pytest.mark.parametrize("what", TAKING)
def test_what_takes_away_is_found(url: str, what: str) -> None:
    change, found = TAKING[what]
    assert found in found_of(url, change)


# --- an older Steeple ---


def executed(url: str, *statements: str) -> list[tuple[object, ...]]:
    """What the last of some statements gives."""
    database = Database(url)
    try:
        with database.engine.begin() as connection:
            *_, last = [connection.execute(sa.text(statement)) for statement in statements]
            return [tuple(row) for row in last] if last.returns_rows else []
    finally:
        database.close()


def newer(url: str, oldest: str | None) -> None:
    """Has the database say that a newer Steeple has changed its schema."""
    stated = f"UPDATE schema_compatibility SET oldest_revision = '{oldest}', migrated_by = '9.1'"  # noqa: S608
    executed(
        url,
        "UPDATE alembic_version SET version_num = '9999'",
        "DROP TABLE schema_compatibility" if oldest is None else stated,
    )


def test_it_goes_on_beside_what_only_adds(url: str, caplog: pytest.LogCaptureFixture) -> None:
    Catalogue.open(url).close()
    newer(url, known_revisions()[0])
    executed(url, "ALTER TABLE landmark ADD COLUMN era TEXT")
    with caplog.at_level(logging.WARNING), Catalogue.open(url) as catalogue:
        catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="tower")
        catalogue.schema.check()
        assert catalogue.schema.objection == ""
        assert catalogue.get_landmark("tower").display_name == "Tower"
    assert "the schema of a newer Steeple, which lets this one go on" in caplog.text
    assert executed(url, "SELECT version_num FROM alembic_version") == [("9999",)]


def test_it_refuses_to_start_on_what_it_cannot_use(url: str) -> None:
    Catalogue.open(url).close()
    newer(url, "9998")
    with pytest.raises(FailedPreconditionError, match=r"changed by Steeple 9\.1 .* know schema 9998 .*\(schema 9999\)"):
        Catalogue.open(url)


def test_it_refuses_to_start_on_what_says_nothing(url: str) -> None:
    Catalogue.open(url).close()
    newer(url, None)
    with pytest.raises(FailedPreconditionError, match=r"written by another Steeple, .* \(schema 9999\)"):
        Catalogue.open(url)


def test_one_that_runs_notices_what_it_cannot_use(url: str) -> None:
    with Catalogue.open(url) as catalogue:
        told: list[str] = []
        catalogue.schema.tell(told.append)
        catalogue.schema.check()
        assert told == []
        newer(url, "9998")
        for _ in range(2):
            catalogue.schema.check()
        assert [catalogue.schema.objection] == told
        assert "9998" in told[0]
        late: list[str] = []
        catalogue.schema.tell(late.append)
        assert late == told


def test_a_migrated_database_says_who_may_use_it(url: str) -> None:
    Catalogue.open(url).close()
    stated = [script.module.oldest_steeple for script in LATER if script.module.oldest_steeple]
    assert executed(url, "SELECT id, oldest_revision FROM schema_compatibility") == [(1, stated[0])]
