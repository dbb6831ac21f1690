"""A catalogue that moves from one kind of database to another, and back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from alembic import command
from alembic.config import Config
from sqlalchemy import delete, select, text, update

from steeple.delf.features import FeatureSet
from steeple.errors import CancelledError, DataLossError, FailedPreconditionError
from steeple.server.catalogue import Catalogue, ImageDraft, LandmarkDraft, audit, tables
from steeple.server.catalogue.copying import copy_catalogue
from steeple.server.catalogue.database import Database
from steeple.server.catalogue.migrate import SCRIPTS
from steeple.server.catalogue.schema import metadata
from steeple.server.catalogue.tables import COPIED
from tests.engines.catalogues import Catalogues, SqliteCatalogues
from tests.server.catalogue.rows import fill

MakeFeatures = Callable[..., FeatureSet]

COPIES = [table for table in metadata.sorted_tables if table.info.get(COPIED, True)]


@pytest.fixture
def source(sqlite_url: str, make_features: MakeFeatures) -> str:
    """A catalogue with rows in every table, some of them changed and deleted."""
    with Catalogue.open(sqlite_url) as catalogue, audit.attempting(audit.Attempt("keys/me", "X/Y")):
        last = [table for table in COPIES if table.name.endswith("_model")]  # other photos are refused then
        with catalogue.database.write() as connection:
            fill(connection, [table for table in COPIES if table not in last])
        draft = LandmarkDraft("Sacré-Cœur ﬁ 東京", "one\ntwo", None, {"k": "☃"}, labels=["a"], aliases={"fr": ["x"]})
        catalogue.create_landmark(draft, landmark_id="coeur")
        for number in range(30):
            catalogue.create_image("coeur", ImageDraft(make_features(number)), image_id=f"i{number}")
        for number in range(25, 30):
            catalogue.delete_image("coeur", f"i{number}")
        catalogue.create_landmark(LandmarkDraft("Gone"), landmark_id="gone")
        catalogue.delete_landmark("gone")
        with catalogue.database.write() as connection:
            fill(connection, last)
    return sqlite_url


@pytest.fixture
def empty(catalogues: Catalogues, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a database without tables."""
    if isinstance(catalogues, SqliteCatalogues):
        return f"sqlite:///{tmp_path}/empty.db"
    return str(request.getfixturevalue("postgres_url"))


def copy(source: str, target: str, told: Callable[[int, int], None] = lambda done, total: None) -> Any:
    with closing(Database(source)) as old, closing(Database(target)) as new:
        return copy_catalogue(old, new, told)


def contents(url: str) -> dict[str, list[dict[str, Any]]]:
    with closing(Database(url)) as database, database.read() as connection:
        return {
            table.name: sorted((dict(row) for row in connection.execute(select(table)).mappings()), key=repr)
            for table in COPIES
        }


def test_all_of_it_goes_there_and_comes_back(source: str, empty: str, tmp_path: Path) -> None:
    back, steps = f"sqlite:///{tmp_path}/back.db", list[tuple[int, int]]()
    copied = copy(source, empty, lambda done, total: steps.append((done, total)))
    expected = contents(source)
    assert all(expected.values())
    assert {one.name: one.rows for one in copied.tables} == {name: len(rows) for name, rows in expected.items()}
    assert steps[-1] == (2 * copied.rows, 2 * copied.rows)
    assert (copied.changed_meanwhile, copied.replaced_characters) == (False, 0)
    assert copy(empty, back).tables == copied.tables
    assert contents(empty) == contents(back) == expected
    with Catalogue.open(source) as first, Catalogue.open(empty) as second, Catalogue.open(back) as third:
        keys = []
        for catalogue in (first, second, third):  # the keys of what was deleted do not come back
            with catalogue.database.write() as connection:
                connection.execute(delete(tables.served_model))
            catalogue.create_landmark(LandmarkDraft("New"), landmark_id="new")
            image = catalogue.create_image("new", ImageDraft(catalogue.features([3])[3]), image_id="one")
            keys.append((image.key, catalogue.sequence(), catalogue.changes_since(0)[-1].image_key))
            assert [found.id for found in catalogue.list_landmarks(filter="東京").items] == ["coeur"]
        assert len(set(keys)) == 1
        assert keys[0][0] > 32


def test_what_was_interrupted_cannot_be_opened_and_is_begun_anew(source: str, empty: str) -> None:
    def interrupt(done: int, total: int) -> None:
        if done > total / 4:
            raise CancelledError("enough")

    with pytest.raises(CancelledError):
        copy(source, empty, interrupt)
    with pytest.raises(FailedPreconditionError, match="has not ended: run the command again"):
        Catalogue.open(empty)
    copy(source, empty)
    assert contents(empty) == contents(source)
    with pytest.raises(FailedPreconditionError, match="the target is not empty: it holds the tables"):
        copy(source, empty)


def test_what_is_changed_meanwhile_is_told(source: str, empty: str) -> None:
    before, changed = contents(source), list[str]()

    def change(_done: int, _total: int) -> None:
        if not changed:
            with Catalogue.open(source) as catalogue, audit.attempting(audit.Attempt("keys/me", "X/Y")):
                changed.append(catalogue.create_landmark(LandmarkDraft("Late"), landmark_id="late").id)

    assert copy(source, empty, change).changed_meanwhile
    assert changed == ["late"]
    assert contents(empty) == before


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE landmark SET description = 'other' WHERE id = 'coeur'", "table landmark has other rows"),
        ("DELETE FROM served_model WHERE place = 1", "of 2 rows of the table served_model, the target has 1"),
    ],
)
def test_a_copy_that_is_not_the_same_is_none(source: str, empty: str, statement: str, message: str) -> None:
    def spoil(done: int, total: int) -> None:
        if done == total // 2:
            with closing(Database(empty)) as database, database.write() as connection:
                connection.execute(text(statement))

    with pytest.raises(DataLossError, match=message):
        copy(source, empty, spoil)
    with pytest.raises(FailedPreconditionError, match="has not ended"):
        Catalogue.open(empty)


def test_of_two_copies_at_once_the_later_one_goes_on(source: str, empty: str) -> None:
    others = list[int]()

    def begin_another(_done: int, _total: int) -> None:
        if not others:
            others.append(0)
            others[0] = copy(source, empty).rows

    with pytest.raises(FailedPreconditionError, match="another copy to the same target has begun meanwhile"):
        copy(source, empty, begin_another)
    assert others[0] > 0
    assert contents(empty) == contents(source)


def test_only_a_catalogue_of_this_version_is_copied(tmp_path: Path, empty: str) -> None:
    url = f"sqlite:///{tmp_path}/some.db"
    with pytest.raises(FailedPreconditionError, match="the source is not a catalogue of Steeple"):
        copy(url, empty)
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    with closing(Database(url)) as database, database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0012")
    with pytest.raises(FailedPreconditionError, match="the source has schema 0012, and this version of Steeple copies"):
        copy(url, empty)


def test_characters_that_postgresql_lacks_are_replaced_there(source: str, empty: str) -> None:
    with closing(Database(source)) as database, database.write() as connection:
        connection.execute(update(tables.operation_problem).values(item="a\0b\0"))
    copied = copy(source, empty)
    item = contents(empty)["operation_problem"][0]["item"]
    assert (copied.replaced_characters, item) in (
        (0, "a\0b\0"),
        (4, "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"),
    )
    assert (copied.replaced_characters == 0) == empty.startswith("sqlite")


def test_a_file_of_a_catalogue_has_nothing_beside_it(source: str, empty: str, tmp_path: Path) -> None:
    copy(source, empty)
    folder, steps = tmp_path / "snapshot", list[tuple[int, int]]()
    folder.mkdir()
    with closing(Database(empty)) as database:
        database.copy_to(folder / "catalogue.db", lambda done, total: steps.append((done, total)))
    assert [path.name for path in folder.iterdir()] == ["catalogue.db"]
    assert steps[-1][0] == steps[-1][1] > 0
    with closing(sqlite3.connect(folder / "catalogue.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA journal_mode").fetchall() == [("delete",)]
    assert contents(f"sqlite:///{folder}/catalogue.db") == contents(source)
    with Catalogue.open(f"sqlite:///{folder}/catalogue.db") as catalogue:
        assert [found.id for found in catalogue.list_landmarks(filter="東京").items] == ["coeur"]


def test_a_sequence_goes_on_after_what_was_deleted_last(source: str, empty: str) -> None:
    with closing(Database(source)) as database, database.read() as connection:
        last = {row.name: row.seq for row in connection.execute(text("SELECT name, seq FROM sqlite_sequence"))}
    copy(source, empty)
    with closing(Database(empty)) as database, database.write() as connection:
        for table in COPIES:
            if (column := table.autoincrement_column) is not None:
                if connection.dialect.name == "sqlite":
                    found = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
                    assert connection.execute(found, {"name": table.name}).scalar_one() == last[table.name]
                else:
                    following = sqlalchemy.func.nextval(f"{table.name}_{column.name}_seq")
                    assert connection.execute(select(following)).scalar_one() == last[table.name] + 1
