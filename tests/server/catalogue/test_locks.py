"""Locks by name: shared or alone, among threads (SQLite) and among processes (PostgreSQL)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from steeple.errors import CancelledError, UnavailableError
from steeple.server.catalogue import locks as locks_module
from steeple.server.catalogue.database import Database
from steeple.server.catalogue.locks import Locks

Two = tuple[Locks, Locks]
PATIENCE = 20.0


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.engines)])
def two(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Two]:
    """The locks that two threads of a server use or, on PostgreSQL, two servers."""
    if request.param == "sqlite":
        with closing(Database(f"sqlite:///{tmp_path}/catalogue.db")) as database:
            yield database.locks, database.locks
    else:
        url = request.getfixturevalue("postgres_url")
        with closing(Database(url)) as one, closing(Database(url)) as other:
            yield one.locks, other.locks


def held(work: Callable[[], None]) -> threading.Event:
    """An event that is set once work is done on a thread."""
    done = threading.Event()

    def do() -> None:
        work()
        done.set()

    threading.Thread(target=do, daemon=True).start()
    return done


def test_a_lock_is_shared_by_many_or_held_by_one(two: Two) -> None:
    one, other = two
    with one.shared("a", "b"), other.shared("b", "a"):
        with other.alone_at_once("a") as free:
            assert not free
        with other.alone_at_once("c") as free:
            assert free
    with other.alone_at_once("a") as free:
        assert free
        with one.alone_at_once("a") as free_too, one.alone_at_once("b") as other_free:
            assert (free_too, other_free) == (False, True)
    with one.alone_at_once("a") as free:
        assert free, "it was given back"


def test_who_waits_alone_is_not_passed_by_those_who_share(two: Two) -> None:
    one, other = two
    with one.shared("a"):
        waiting = threading.Event()
        alone = held(lambda: enter(other, waiting))
        assert waiting.wait(PATIENCE)
        second = held(lambda: share(one))
        assert not second.wait(0.1), "it waits for who came before"
    assert alone.wait(PATIENCE)
    assert second.wait(PATIENCE)


def enter(locks: Locks, waiting: threading.Event) -> None:
    with locks.alone("a", stopped=waiting.set):
        pass


def share(locks: Locks) -> None:
    with locks.shared("a"):
        pass


def test_the_wait_for_a_lock_can_be_ended_and_ends(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = two

    def stopped() -> None:
        raise CancelledError("it was told to stop")

    with one.alone("a"):
        with pytest.raises(CancelledError), other.alone("a", stopped=stopped):
            pytest.fail("it is not free")
        monkeypatch.setattr(locks_module, "PATIENCE_SECONDS", 0.3)
        with pytest.raises(UnavailableError, match=r"locked by others for 0\.3 s"), other.shared("a"):
            pytest.fail("it is not free")
    with other.alone("a") as hold:
        pass
    assert not hold.lost


def test_an_error_in_the_block_gives_the_lock_back(two: Two) -> None:
    one, other = two
    for locks in (one.shared("a"), one.alone("a")):
        with pytest.raises(ZeroDivisionError), locks:
            raise ZeroDivisionError
    with other.alone_at_once("a") as free:
        assert free


@pytest.mark.engines
def test_a_lock_whose_connection_is_gone_is_lost_and_said_to_be(postgres_url: str) -> None:
    with closing(Database(postgres_url)) as one, closing(Database(postgres_url)) as other:
        with one.locks.shared("a") as hold:
            import psycopg  # noqa: PLC0415 - it is not installed everywhere

            with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
                ended = connection.execute(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'"
                ).fetchall()
            assert ended == [(True,)]
            with other.locks.alone_at_once("a") as free:
                assert free
        assert hold.lost
        with one.locks.alone("a") as hold:
            pass
        assert not hold.lost
