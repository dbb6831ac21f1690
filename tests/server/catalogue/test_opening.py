from __future__ import annotations

import sqlite3
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from steeple.errors import (
    DataLossError,
    FailedPreconditionError,
    InvalidArgumentError,
    UnavailableError,
)
from steeple.server.catalogue import Catalogue, LandmarkDraft
from steeple.server.catalogue.database import safe_url


@pytest.fixture
def url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.mark.parametrize("url", ["", "catalogue.db", "sqlite://", "sqlite:///:memory:"])
def test_a_url_without_a_file_is_refused(url: str) -> None:
    with pytest.raises(InvalidArgumentError, match="sqlite:////absolute/path/catalogue"):
        Catalogue.open(url)


def test_a_database_of_another_kind_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="SQLite or PostgreSQL, not by 'steeplesql'"):
        Catalogue.open("steeplesql://host/catalogue")


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2"])
def test_a_missing_driver_is_named_with_the_extra_that_has_it(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(FailedPreconditionError, match=r"pip install 'steeple\[postgres\]'"):
        Catalogue.open(f"{scheme}://host/catalogue")


@pytest.mark.parametrize(
    "url", ["postgresql://me:s3cret@host:port/x", "postgres//me:s3cret@host", "mysql://me:s3cret@host/x"]
)
def test_no_password_is_told_with_what_is_wrong(url: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        Catalogue.open(url)
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


def test_a_url_is_shown_without_passwords() -> None:
    shown = safe_url("postgres://me:s3cret@host/catalogue?sslpassword=s3cret&sslmode=require")
    assert shown == "postgresql://me:***@host/catalogue?sslmode=require&sslpassword=hidden"


def test_the_folder_is_made(tmp_path: Path) -> None:
    Catalogue.open(f"sqlite:///{tmp_path}/a/b/catalogue.db").close()
    assert (tmp_path / "a" / "b" / "catalogue.db").is_file()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FailedPreconditionError, match="file/b cannot be made"):
        Catalogue.open(f"sqlite:///{tmp_path}/file/b/catalogue.db")


def test_a_folder_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(FailedPreconditionError, match="cannot be opened"):
        Catalogue.open(f"sqlite:///{tmp_path}")


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "catalogue.db").write_text("This is a letter, and a long one. " * 50)
    with pytest.raises(DataLossError, match="not a database"):
        Catalogue.open(f"sqlite:///{tmp_path}/catalogue.db")
    assert (tmp_path / "catalogue.db").read_text().startswith("This is a letter")


def test_a_catalogue_that_another_process_keeps_locked_is_unavailable(url: str, tmp_path: Path) -> None:
    with (
        Catalogue.open(url + "?timeout=0.01") as catalogue,
        closing(sqlite3.connect(tmp_path / "catalogue.db")) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(UnavailableError, match="another process keeps the catalogue locked"):
            catalogue.create_landmark(LandmarkDraft("Tower"))
        assert catalogue.list_landmarks().total_size == 0
        other.rollback()
        catalogue.create_landmark(LandmarkDraft("Tower"))


def test_opening_waits_for_another_process_that_makes_the_file(url: str, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool, closing(sqlite3.connect(tmp_path / "catalogue.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        opening = pool.submit(Catalogue.open, url)
        with pytest.raises(TimeoutError):
            opening.result(timeout=0.3)
        other.rollback()
        opening.result().close()


def test_a_file_that_another_process_keeps_locked_is_not_opened(url: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "catalogue.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(UnavailableError, match="another process keeps the catalogue locked"):
            Catalogue.open(url + "?timeout=0.05")


def test_a_closed_catalogue_is_unavailable(url: str) -> None:
    catalogue = Catalogue.open(url)
    catalogue.close()
    catalogue.close()
    with pytest.raises(UnavailableError, match="catalogue is closed"):
        catalogue.sequence()
    with pytest.raises(UnavailableError, match="catalogue is closed"):
        catalogue.create_landmark(LandmarkDraft("Tower"))


def test_every_commit_reaches_the_disk(catalogue: Catalogue) -> None:
    with catalogue._database.write() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
