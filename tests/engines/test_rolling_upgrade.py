"""Servers of different versions on one database: an upgrade, one server after the other, while clients work."""

from __future__ import annotations

import itertools
import shutil
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from steeple.client import Client
from steeple.errors import SteepleError, UnavailableError
from steeple.server.catalogue.compatibility import known_revisions
from tests.callers import features
from tests.engines.ports import free_port
from tests.faults.serving import environment, serve_command

pytestmark = pytest.mark.engines

SOURCES = Path(__file__).parent.parent.parent / "server"
EXPANDS = """
def upgrade():
    op.add_column("landmark", sa.Column("era", sa.String(40), nullable=True))
    op.create_table("visit", sa.Column("id", sa.Integer, primary_key=True))
"""
CONTRACTS = """
def upgrade():
    op.drop_column("landmark", "description")
"""


def newer(sources: Path, copy: Path, revision: str, after: str, does: str, oldest: str | None) -> Path:
    """A copy of Steeple's server with another migration."""
    shutil.copytree(sources, copy, ignore=shutil.ignore_patterns("__pycache__"))
    told = f"revision, down_revision, branch_labels, depends_on = {revision!r}, {after!r}, None, None\n"
    folder = copy / "steeple/server/catalogue/migrations/versions"
    text = f"import sqlalchemy as sa\nfrom alembic import op\n\n{told}oldest_steeple = {oldest!r}\n{does}"
    (folder / f"r{revision}_more.py").write_text(text, encoding="utf-8")
    return copy


class Server:
    """``steeple serve`` of some sources, on a port that stays the same."""

    def __init__(self, sources: Path, folder: Path, database: str) -> None:
        self.sources = sources
        self.folder = folder
        self.port = free_port()
        self.log = folder.with_suffix(".log")
        self._command = serve_command(folder, "--workers", "2", "--address", f"127.0.0.1:{self.port}")
        self._environment = {"STEEPLE_DATABASE_URL": database}
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> int | None:
        """Waits until it takes calls: None, or the exit code if it does not."""
        given = {**environment(), **self._environment, "PYTHONPATH": str(self.sources)}
        with self.log.open("a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                self._command, stdout=subprocess.PIPE, stderr=log, env=given, text=True, cwd=self.folder.parent
            )
        assert self.process.stdout is not None
        if self.process.stdout.readline():
            return None
        return self.process.wait(60)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            finally:
                self.process.kill()
                self.process.wait()
                if self.process.stdout is not None:
                    self.process.stdout.close()
                self.process = None

    @contextmanager
    def client(self) -> Iterator[Client]:
        with Client(f"127.0.0.1:{self.port}") as client:
            yield client

    def said(self, what: str) -> list[str]:
        """Messages in its log that have some words."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return [line for line in lines if what in line]


class Work:
    """Callers that add and identify until they are told to stop."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.added: list[int] = []
        self._stopped = threading.Event()
        self._numbers = itertools.count(1000)
        self._threads: list[threading.Thread] = []

    def through(self, *servers: Server) -> None:
        """Another caller, of one server or of several at once."""
        target = ",".join(f"127.0.0.1:{server.port}" for server in servers)
        thread = threading.Thread(target=self._run, args=(target, "several: " if len(servers) > 1 else ""))
        self._threads.append(thread)
        thread.start()

    def _run(self, target: str, name: str) -> None:
        with Client(target) as client:
            while not self._stopped.is_set():
                number = next(self._numbers)
                landmark, ids = f"landmark-{number}", [f"5bd1c8c2-5f0c-4e5e-9d2{kind}-{number:012d}" for kind in "12"]
                draft, photo = partial(client.create_landmark, landmark), partial(client.add_reference_image, landmark)
                self._healed(f"{name}create", partial(draft, landmark_id=landmark, request_id=ids[0]))
                self._healed(f"{name}add", partial(photo, features(number), request_id=ids[1]))
                self.added.append(number)
                answer = self._healed(f"{name}identify", partial(client.identify, features(1)))
                if not (answer.landmark and answer.landmark.id == "first"):
                    self.outcomes["not found"] += 1

    def _healed(self, what: str, call: Callable[[], Any]) -> Any:
        """The result of a call that is made again while the server is away."""
        while True:
            try:
                result = call()
            except UnavailableError:
                self.outcomes[f"{what} again"] += 1
            except SteepleError as error:
                self.outcomes[f"{what}: {error.status} {error.message}"] += 1
                raise
            else:
                self.outcomes[what] += 1
                return result

    def more(self, count: int) -> None:
        """Waits until so many more images were added."""
        wanted = len(self.added) + count
        while len(self.added) < wanted:
            assert all(thread.is_alive() for thread in self._threads), self.outcomes
            self._stopped.wait(0.02)

    def __enter__(self) -> Work:
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(60)


@pytest.fixture
def make(tmp_path: Path, postgres_url: str) -> Iterator[Callable[..., Server]]:
    """Makes servers on one database, by name and sources."""
    with ExitStack() as made:

        def server(name: str, sources: Path = SOURCES) -> Server:
            one = Server(sources, tmp_path / name, postgres_url)
            made.callback(one.stop)
            return one

        yield server


def test_servers_are_upgraded_one_after_the_other(tmp_path: Path, make: Callable[..., Server]) -> None:
    head = known_revisions()[0]
    sources = newer(SOURCES, tmp_path / "newer", "9001", head, EXPANDS, None)
    old, new = make("old"), make("new", sources)
    assert old.start() is None
    with old.client() as client:
        client.create_landmark("First", landmark_id="first")
        client.add_reference_image("first", features(1))
    with Work() as work:
        work.through(old)
        work.through(old, new)
        work.more(5)
        assert new.start() is None  # which migrates the database
        work.through(new)
        work.more(10)
        for server in (old, new):  # the old one starts on a schema that it does not know
            server.stop()
            assert server.start() is None
            work.more(10)
    print(f"\n{dict(work.outcomes)}")  # noqa: T201
    steps = {"create", "add", "identify", "create again", "add again", "identify again"}
    assert set(work.outcomes) <= {*steps, "several: create", "several: add", "several: identify"}
    assert old.said("the schema of a newer Steeple, which lets this one go on beside it")
    old.stop()
    assert old.start() is None
    for server in (old, new):
        with server.client() as client:
            assert {landmark.id for landmark in client.list_landmarks()} == {
                "first",
                *(f"landmark-{number}" for number in work.added),
            }
            for number in work.added[::5] if server is old else ():
                found = client.identify(features(number)).landmark
                assert found is not None
                assert found.id == f"landmark-{number}"


def test_an_older_server_leaves_a_database_that_is_beyond_it(tmp_path: Path, make: Callable[..., Server]) -> None:
    head = known_revisions()[0]
    between = newer(SOURCES, tmp_path / "between", "9001", head, EXPANDS, None)
    beyond = newer(between, tmp_path / "beyond", "9002", "9001", CONTRACTS, "9001")
    old, middle, new = make("old"), make("middle", between), make("new", beyond)
    assert old.start() is None
    assert middle.start() is None
    with old.client() as client:
        client.create_landmark("First", landmark_id="first")
    assert new.start() is None
    with old.client() as client, pytest.raises(UnavailableError, match="only versions that know schema 9001"):
        client.create_landmark("Second", landmark_id="second")  # its first write, before it has looked by itself
    with Client(f"127.0.0.1:{old.port}") as client, pytest.raises(UnavailableError, match="up but not ready to serve"):
        client.wait_until_ready(0.5)
    with old.client() as client, pytest.raises(UnavailableError, match="only versions that know schema 9001"):
        client.list_landmarks().page()
    old.stop()
    assert old.start() == 6  # FAILED_PRECONDITION
    assert old.said("the catalogue's schema was changed by Steeple")
    with middle.client() as client:  # which knows 9001, and would not use what is gone: this one is a stand-in
        client.wait_until_ready()
