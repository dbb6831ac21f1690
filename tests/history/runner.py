"""A run: clients at work while their server is killed, stopped and started again, and its index damaged meanwhile."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.history import generator
from tests.history.clients import Client, Server, clock
from tests.history.damage import SavedIndex
from tests.history.generator import IMAGES, LANDMARKS, VARIANTS, Damage, Life, Signal, Step
from tests.history.operations import History, Recorder
from tests.history.process import Process, ServerFailedError, examine

CLIENTS = 6
_AUDITOR = CLIENTS


@dataclass
class Run:
    """What came of a run.

    Attributes:
        history: What the clients saw.
        failures: What else went wrong: servers that did not start, an index that is not what the catalogue says.
        kinds: Kinds of index that there were when it was examined.
    """

    history: History
    failures: list[str] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)


class Runner:
    """Runs clients and servers.

    Args:
        folder: Empty; for the data folder and the server's log.
        seed: Of what the clients do and of what befalls the server, and when. How the machine interleaves them is
            not in the seed.
        seconds: That the clients work.
    """

    def __init__(self, folder: Path, seed: int, seconds: float) -> None:
        self._folder = folder
        self._data_dir = folder / "data"
        self._seed = seed
        self._seconds = seconds
        self._retained = generator.retains(seed)
        self._recorder = Recorder()
        self._now = clock()
        self._server = Server()
        self._numbers = itertools.count()
        self._saved = SavedIndex(self._data_dir / "index", folder / "older-index")
        self._failures: list[str] = []
        self._kinds: set[str] = set()
        self._whole = False  # whether an index was saved, and nothing damaged it since

    def run(self) -> Run:
        """Runs, and at the end asks a last server for everything."""
        over = threading.Event()
        clients = [
            threading.Thread(target=self._client(number, over.is_set).work, args=(generator.steps(self._seed, number),))
            for number in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        deadline = time.monotonic() + self._seconds
        try:
            for life in generator.lives(self._seed):
                if time.monotonic() > deadline:
                    break
                self._live(life)
        except (ServerFailedError, AssertionError) as error:
            self._failures.append(str(error))
        finally:
            over.set()
            for client in clients:
                client.join()
        if not self._failures:
            self._audit()
        return Run(self._recorder.history(self._seed, retained=self._retained), self._failures, self._kinds)

    def _client(self, number: int, ended: Callable[[], bool]) -> Client:
        return Client(number, self._server, self._recorder, self._now, ended)

    def _live(self, life: Life) -> None:
        number = next(self._numbers)
        self._recorder.event(self._now(), number, "started" + (", hurried" if life.hurried else ""))
        process = Process(self._data_dir, self._folder / "server.log", hurried=life.hurried, retained=self._retained)
        if life.ready:
            with self._server.up(number, self._reached(process)):
                self._recorder.event(self._now(), number, "ready")
                time.sleep(life.seconds)
                self._end(process, number, life.signal, life.patience)
        else:
            time.sleep(life.seconds)
            self._end(process, number, life.signal, life.patience)
        self._watch_the_saved_index(process, number)
        done = self._saved.suffer(life.damage, random.Random(life.chance))  # noqa: S311 - no secret
        self._recorder.event(self._now(), number, f"damage: {done}")
        self._whole = self._whole and done == Damage.NONE
        if life.examined:
            self._kinds.add(examine(self._data_dir, self._folder / "examined", retained=self._retained))

    def _watch_the_saved_index(self, process: Process, number: int) -> None:
        messages = process.messages()
        if self._whole and "the saved index is not used and is built anew" in messages:
            raise ServerFailedError(f"server {number} does not use an index that was saved and that nothing damaged")
        self._whole = self._whole or "the index was saved" in messages

    def _reached(self, process: Process) -> str:
        try:
            return process.ready()
        except BaseException:
            process.end(Signal.KILL)
            raise

    def _end(self, process: Process, number: int, how: Signal, patience: float | None = None) -> None:
        try:
            how = process.end(how, patience)
        finally:
            self._recorder.ended(self._now(), number, how)

    def _audit(self) -> None:
        """Everything is asked for once, of a server that nothing befalls."""
        number = next(self._numbers)
        try:
            process = Process(self._data_dir, self._folder / "server.log", hurried=False, retained=self._retained)
            with self._server.up(number, self._reached(process)):
                self._client(_AUDITOR, lambda: False).work(everything())
                self._end(process, number, Signal.TERMINATE)
            self._kinds.add(examine(self._data_dir, self._folder / "examined", retained=self._retained))
        except (ServerFailedError, AssertionError) as error:
            self._failures.append(str(error))


def everything() -> Iterator[Step]:
    """Asks for each thing once."""

    def step(action: str, **arguments: object) -> Step:
        return Step(action, arguments, request_id="", match=False, persistent=False)

    yield step("ListLandmarks", landmark=LANDMARKS[0])
    for landmark in LANDMARKS:
        yield step("GetLandmark", landmark=landmark)
        yield step("ListReferenceImages", landmark=landmark)
        for image in IMAGES:
            yield step("GetReferenceImage", landmark=landmark, image=image)
            for variant in range(VARIANTS):
                yield step("Identify", landmark=landmark, image=image, variant=variant)
