from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from steeple.app.database import Database
from steeple.app.schema import MIGRATIONS
from steeple.errors import DataLossError, FailedPreconditionError, ResourceExhaustedError, UnavailableError


def add(database: Database, words: str, size: int = 3) -> None:
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO history (time, origin, answer, words, thumbnail) VALUES (1, 'server', '{}', ?, ?)",
            [words, words.encode() * size],
        )


def words_in(database: Database) -> list[str]:
    with database.reading() as connection:
        return [row["words"] for row in connection.execute("SELECT words FROM history ORDER BY id")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app.db"


def test_what_a_block_did_is_kept_whole_or_not_at_all(path: Path) -> None:
    with closing(Database(path)) as database:
        add(database, "kept")
        with contextlib.suppress(ZeroDivisionError), database.transaction():
            add(database, "dropped")  # a block within a block
            raise ZeroDivisionError
        add(database, "kept too")
    with closing(Database(path)) as database:
        assert words_in(database) == ["kept", "kept too"]
        assert database.set_aside is None


def test_the_log_is_written_ahead_and_to_the_disk(path: Path) -> None:
    with closing(Database(path)) as database, database.reading() as connection:
        modes = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    assert modes == ["wal", 2]


def test_threads_wait_for_each_other(path: Path) -> None:
    with closing(Database(path)) as database:

        def work(number: int) -> None:
            for turn in range(20):
                add(database, f"{number}-{turn}")

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(words_in(database)) == sorted(f"{number}-{turn}" for number in range(4) for turn in range(20))


def test_two_windows_of_the_app_share_a_database(path: Path) -> None:
    with closing(Database(path)) as one, closing(Database(path)) as other:
        add(one, "of one")
        add(other, "of the other")
        assert words_in(one) == words_in(other) == ["of one", "of the other"]


@pytest.mark.parametrize("turn", range(5))
def test_windows_that_open_at_the_same_time_make_one_database(turn: int, path: Path) -> None:
    start = threading.Barrier(6)

    def opened(number: int) -> Path | None:
        start.wait()
        with closing(Database(path)) as database:
            add(database, str(number))
            return database.set_aside

    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(opened, range(6))) == [None] * 6
    with closing(Database(path)) as database:
        assert sorted(words_in(database)) == [str(number) for number in range(6)], turn


def test_a_database_that_another_process_keeps_locked_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steeple.app.database._BUSY_SECONDS", 0.05)
    with closing(Database(path)) as database, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(UnavailableError, match="another window"):
            add(database, "late")
        other.execute("ROLLBACK")
        add(database, "in time")
        assert words_in(database) == ["in time"]


def test_a_full_disk_is_told_and_leaves_what_was_there(path: Path) -> None:
    with closing(Database(path)) as database:
        add(database, "kept")
        with database.reading() as connection:
            connection.execute("PRAGMA max_page_count = 20")
        with pytest.raises(ResourceExhaustedError, match="no space left"):
            add(database, "large", 100_000)
        assert words_in(database) == ["kept"]


def test_a_closed_database_says_so(path: Path) -> None:
    database = Database(path)
    database.close()
    database.close()
    with pytest.raises(FailedPreconditionError, match="closed"):
        add(database, "late")


def test_a_folder_that_cannot_hold_it_is_told(tmp_path: Path) -> None:
    with pytest.raises(FailedPreconditionError, match="cannot be opened"):
        Database(tmp_path / "none" / "app.db")


def test_a_database_of_a_newer_version_is_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    before = path.read_bytes()
    with pytest.raises(FailedPreconditionError, match="newer version"):
        Database(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("version", [-1, 0])
def test_a_version_that_cannot_be_is_damage(version: int, path: Path) -> None:
    with closing(Database(path)) as database:
        add(database, "kept")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    with closing(Database(path)) as database:
        assert database.set_aside is not None
        assert words_in(database) == []
        add(database, "new")


def test_a_migration_that_fails_leaves_the_version_before(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Database(path)) as database:
        add(database, "kept")
    broken = "CREATE TABLE more (id INTEGER); CREATE TABLE history (id INTEGER)"
    monkeypatch.setattr("steeple.app.database.MIGRATIONS", (*MIGRATIONS, broken))
    with pytest.raises(FailedPreconditionError):
        Database(path)
    monkeypatch.setattr("steeple.app.database.MIGRATIONS", (*MIGRATIONS, "CREATE TABLE more (id INTEGER)"))
    with closing(Database(path)) as database, database.reading() as connection:
        assert words_in(database) == ["kept"]
        assert connection.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS) + 1
        assert connection.execute("SELECT count(*) FROM more").fetchone()[0] == 0


def no_database(path: Path) -> None:
    path.write_bytes(b"this was a database once" * 500)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20_000])


def scribbled(path: Path) -> None:
    data = bytearray(path.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 3 * 4096] = b"\x5a" * (3 * 4096)
    path.write_bytes(data)


@pytest.mark.parametrize(("damage", "least"), [(no_database, 0), (cut, 0), (scribbled, 50)])
def test_a_damaged_database_is_set_aside_with_what_can_be_read(
    damage: Callable[[Path], None], least: int, path: Path
) -> None:
    words = [f"entry number {number} " * 20 for number in range(100)]
    with closing(Database(path)) as database, database.transaction():
        for each in words:
            add(database, each)
    damage(path)
    damaged = path.read_bytes()
    with closing(Database(path)) as database:
        assert database.set_aside == path.with_name("app.db.damaged-1")
        assert database.set_aside.read_bytes() == damaged
        kept = words_in(database)
        assert len(kept) == database.saved_rows >= least
        assert set(kept) <= set(words)
        add(database, "new")
    with closing(Database(path)) as database:
        assert database.set_aside is None
        assert words_in(database) == [*kept, "new"]


def test_the_log_of_a_damaged_database_goes_with_it(path: Path) -> None:
    with closing(Database(path)) as writer:
        with writer.transaction():
            for number in range(100):
                add(writer, f"entry number {number} " * 20)
        writer.wipe()
        add(writer, "in the log alone")
        scribbled(path)
        files = [path.read_bytes(), path.with_name("app.db-wal").read_bytes()]
        with closing(Database(path)) as database:
            assert "in the log alone" in words_in(database)
            aside = [path.with_name(f"app.db.damaged-1{end}").read_bytes() for end in ("", "-wal")]
            assert aside == files


def test_damage_that_shows_later_is_told(path: Path) -> None:
    with closing(Database(path)) as database:
        with database.transaction():
            for number in range(300):
                add(database, f"entry number {number} " * 20)
        database.wipe()
        scribbled(path)
        with database.reading() as connection:
            connection.execute("PRAGMA shrink_memory")  # what it remembers is not damaged
        with pytest.raises(DataLossError, match="start the app again"):
            words_in(database)


def test_what_is_deleted_is_overwritten(path: Path) -> None:
    with closing(Database(path)) as database:
        add(database, "a secret place")
        add(database, "another")
        with database.transaction() as connection:
            connection.execute("DELETE FROM history WHERE words = 'a secret place'")
        database.wipe()
        left = b"".join(file.read_bytes() for file in path.parent.iterdir())
        assert b"a secret place" not in left
        assert b"another" in left
