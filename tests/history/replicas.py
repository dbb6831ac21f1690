"""Several servers on one database: killed, stopped and started again, and the database too, while clients work."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT, SIGQUIT, Signals
from typing import Final, Protocol

import grpc

from tests.history import generator
from tests.history.calls import Calls
from tests.history.clients import Client, clock
from tests.history.generator import Signal
from tests.history.operations import DATABASE_ENDS, DATABASE_READY, Recorder
from tests.history.process import Process, ServerFailedError, examine
from tests.history.runner import CLIENTS, Run, everything

REPLICAS: Final = 2
GRACE: Final = 2_000_000_000
"""Nanoseconds in which the database may still commit what a server told it to that is gone."""

LAG: Final = 1_000_000_000
"""Nanoseconds within which each server shows what was done through the other."""

_DATABASE: Final = -1  # as a server's number, in events
_AUDITOR: Final = CLIENTS


class Database(Protocol):
    """What all servers share."""

    def stop(self, signal_number: Signals = ...) -> None:
        """Stops it."""
        ...

    def start(self) -> None:
        """Starts it and waits until it answers."""
        ...


class Balancer:
    """Leads clients to any server that is up, and away from one that has just failed them. Thread safe.

    Args:
        seed: Of whom it leads where.
    """

    def __init__(self, seed: int) -> None:
        self._changed = threading.Condition()
        self._chance = random.Random(f"{seed}/balancer")  # noqa: S311 - no secret
        self._up: dict[int, Calls] = {}

    @contextmanager
    def up(self, number: int, address: str) -> Iterator[None]:
        """While this lasts, the server of that number can be reached."""
        options = [("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1)]
        with grpc.insecure_channel(address, options=options) as channel:
            with self._changed:
                self._up[number] = Calls(channel)
                self._changed.notify_all()
            try:
                yield
            finally:
                with self._changed:
                    del self._up[number]

    def newer_than(self, number: int, ended: Callable[[], bool]) -> tuple[int, Calls] | None:
        """A server that is up; that of ``number`` only if there is no other. None if ``ended`` before."""
        with self._changed:
            while not ended():
                numbers = [each for each in self._up if each != number] or list(self._up)
                if numbers:
                    chosen = self._chance.choice(numbers)
                    if chosen == number:  # the database may be what fails
                        self._changed.wait(0.05)
                        if number not in self._up:
                            continue
                    return chosen, self._up[chosen]
                self._changed.wait(0.05)
            return None


class ReplicaRunner:
    """Runs clients, servers and what befalls them.

    Args:
        folder: Empty; for the servers' data folders and logs.
        seed: Of what the clients do and of what befalls the servers. How the machine interleaves them is not in it.
        seconds: That the clients work.
        database: That all share, running.
        settings: Of the servers, as in the environment: where the database is, and what else is shared.
    """

    def __init__(self, folder: Path, seed: int, seconds: float, database: Database, settings: dict[str, str]) -> None:
        self._folder = folder
        self._seed = seed
        self._seconds = seconds
        self._database = database
        self._settings = settings
        self._retained = generator.retains(seed)
        self._recorder = Recorder(GRACE)
        self._now = clock()
        self._balancer = Balancer(seed)
        self._numbers = iter(range(1_000_000))
        self._numbering = threading.Lock()
        self._failures: list[str] = []
        self._kinds: set[str] = set()
        self._over = threading.Event()
        self._away_until = 0.0  # of the database, by time.monotonic

    def run(self) -> Run:
        """Runs, and at the end asks each server for everything."""
        clients = [
            threading.Thread(target=self._client(number, self._over.is_set).work, args=(steps,))
            for number, steps in ((number, generator.steps(self._seed, number)) for number in range(CLIENTS))
        ]
        servers = [threading.Thread(target=self._replica, args=(number,)) for number in range(REPLICAS)]
        for thread in [*clients, *servers]:
            thread.start()
        try:
            self._outages(time.monotonic() + self._seconds)
        finally:
            self._over.set()
            for thread in [*clients, *servers]:
                thread.join()
        if not self._failures:
            self._audit()
        return Run(self._recorder.history(self._seed, retained=self._retained), self._failures, self._kinds)

    def _client(self, number: int, ended: Callable[[], bool]) -> Client:
        return Client(number, self._balancer, self._recorder, self._now, ended)

    def _data(self, replica: int) -> Path:
        return self._folder / f"data-{replica}"

    def _replica(self, replica: int) -> None:
        """One replica's lives, until the clients are done."""
        chance = random.Random(f"{self._seed}/replica {replica}")  # noqa: S311 - no secret
        try:
            while not self._over.is_set():
                self._live(replica, chance)
        except (ServerFailedError, AssertionError) as error:
            self._failures.append(str(error))
            self._over.set()

    def _live(self, replica: int, chance: random.Random) -> None:
        with self._numbering:
            number = next(self._numbers)
        signal = Signal.TERMINATE if chance.random() < 0.35 else Signal.KILL
        seconds = chance.uniform(2.0, 9.0)
        process = self._started(replica, number, hurried=chance.random() < 0.5)
        try:
            address = process.ready()
        except ServerFailedError:
            if not self._database_was_away():
                raise
            return
        with self._balancer.up(number, address):
            self._recorder.event(self._now(), number, "ready")
            self._over.wait(seconds)
            try:
                process.end(signal)
            finally:
                self._recorder.ended(self._now(), number, signal)

    def _started(self, replica: int, number: int, *, hurried: bool) -> Process:
        self._recorder.event(self._now(), number, f"replica {replica} started")
        log = self._folder / f"server-{replica}.log"
        return Process(self._data(replica), log, hurried=hurried, retained=self._retained, settings=self._settings)

    def _outages(self, deadline: float) -> None:
        """Restarts the database now and then, in order and as by a crash."""
        chance = random.Random(f"{self._seed}/database")  # noqa: S311 - no secret
        while not self._over.wait(min(chance.uniform(6.0, 12.0), max(0.0, deadline - time.monotonic()))):
            if time.monotonic() >= deadline:
                return
            self._away_until = float("inf")
            self._recorder.event(self._now(), _DATABASE, DATABASE_ENDS)
            self._database.stop(SIGINT if chance.random() < 0.5 else SIGQUIT)
            time.sleep(chance.uniform(0.0, 1.5))
            self._database.start()
            self._recorder.event(self._now(), _DATABASE, DATABASE_READY)
            self._away_until = time.monotonic()

    def _database_was_away(self) -> bool:
        """Whether a server may be excused for not having started."""
        return self._away_until > time.monotonic() - 30.0

    def _audit(self) -> None:
        """Every replica is asked for everything, when nothing befalls it any more."""
        for replica in range(REPLICAS):
            number = next(self._numbers)
            try:
                process = self._started(replica, number, hurried=False)
                with self._balancer.up(number, process.ready()):
                    self._client(_AUDITOR + replica, lambda: False).work(everything())
                    process.end(Signal.TERMINATE)
                self._recorder.ended(self._now(), number, Signal.TERMINATE)
                self._kinds.add(
                    examine(
                        self._data(replica), self._folder / "examined", retained=self._retained, **self._settings_of()
                    )
                )
            except (ServerFailedError, AssertionError) as error:
                self._failures.append(str(error))

    def _settings_of(self) -> dict[str, str]:
        return {name.removeprefix("STEEPLE_").lower(): value for name, value in self._settings.items()}
