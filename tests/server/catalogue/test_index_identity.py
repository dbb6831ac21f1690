"""By what a catalogue's collections are known: one identity for all its servers, and another for every copy."""

from __future__ import annotations

import re
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from steeple.server.catalogue import Catalogue
from steeple.server.catalogue.copying import copy_catalogue
from steeple.server.catalogue.database import Database
from steeple.server.catalogue.index_identity import identity_of, known_identity

SERVERS = 4


def test_it_is_made_once_and_kept(url: str) -> None:
    with closing(Database(url)) as database:
        with database.read() as connection:
            assert known_identity(connection) == ""
        made = identity_of(database)
        assert re.fullmatch("[0-9a-f]{12}", made)
        with database.read() as connection:
            assert known_identity(connection) == made
    with closing(Database(url)) as database:
        assert identity_of(database) == made


def test_servers_that_start_at_once_have_the_same(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    none_yet, made = threading.Barrier(SERVERS, timeout=30), list[str]()
    random = secrets.token_hex

    def when_all_have_found_none(size: int) -> str:
        none_yet.wait()
        made.append(random(size))
        return made[-1]

    monkeypatch.setattr(secrets, "token_hex", when_all_have_found_none)

    def started(_: int) -> str:
        with closing(Database(url)) as database:
            return identity_of(database)

    with ThreadPoolExecutor(SERVERS) as pool:
        found = set(pool.map(started, range(SERVERS)))
    assert len(set(made)) == SERVERS
    assert len(found) == 1
    with closing(Database(url)) as database:
        assert identity_of(database) in found


def test_a_copy_of_a_catalogue_has_another(sqlite_catalogue: Catalogue, tmp_path: Path) -> None:
    made = identity_of(sqlite_catalogue.database)
    with closing(Database(f"sqlite:///{tmp_path}/copy.db")) as copy:
        copy_catalogue(sqlite_catalogue.database, copy)
        with copy.read() as connection:
            assert known_identity(connection) == ""
        assert identity_of(copy) != made
    assert identity_of(sqlite_catalogue.database) == made
