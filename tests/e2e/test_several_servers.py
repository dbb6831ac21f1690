"""Two real servers behind one client: one is killed and one stopped under load, and nobody who asks notices."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from steeple.client import AsyncClient, Client
from steeple.delf.features import DIMENSIONS, FeatureSet, quantize_descriptors
from steeple.delf.release import DEFAULT_RELEASE
from steeple.errors import SteepleError
from tests.faults.serving import Served, serve_command, serving

_TIMEOUT = 10.0
_BEFORE = 25  # answers to each caller before the end of a server, and after it


def features(number: int, count: int = 150) -> FeatureSet:
    random = np.random.default_rng(number)
    vectors = random.standard_normal((count, DIMENSIONS)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return FeatureSet(
        model=DEFAULT_RELEASE,
        width=640,
        height=480,
        descriptors=quantize_descriptors(vectors),
        keypoints=(random.random((count, 2)) * [639, 479]).astype(np.float32),
        scales=np.ones(count, np.float32),
        scores=np.linspace(1, 0.1, count, dtype=np.float32),
    )


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Starts servers, by the name of their folder."""
    with ExitStack() as running:

        def start(name: str, *flags: str) -> Served:
            folder = tmp_path / name / "data"
            folder.mkdir(parents=True, exist_ok=True)
            return running.enter_context(serving(folder, serve_command(folder, "--workers", "2", *flags)))

        yield start


@dataclass
class Load:
    """Callers that ask until they have so many answers after the end of a server."""

    target: str
    ended: threading.Event = field(default_factory=threading.Event)
    outcomes: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    under_way: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def note(self, outcome: str, began: float) -> None:
        self.outcomes[outcome] += 1
        self.slowest = max(self.slowest, time.monotonic() - began)

    def calls(self) -> None:
        with Client(self.target, timeout=_TIMEOUT) as client:
            before = after = 0
            while after < _BEFORE:
                began = time.monotonic()
                ended = self.ended.is_set()
                try:
                    answer = client.identify(features(before % 3))
                    self.note("found" if answer.landmark else "lost", began)
                except SteepleError as error:
                    self.note(f"{error.status} {error.message}", began)
                before, after = before + 1, after + ended
                if before == _BEFORE:
                    self.under_way.release()

    def tasks(self) -> None:
        async def ask(client: AsyncClient) -> None:
            before = after = 0
            while after < _BEFORE:
                began = time.monotonic()
                ended = self.ended.is_set()
                try:
                    answer = await client.identify(features(before % 3))
                    self.note("found" if answer.landmark else "lost", began)
                except SteepleError as error:
                    self.note(f"async {error.status} {error.message}", began)
                before, after = before + 1, after + ended
                if before == _BEFORE:
                    self.under_way.release()

        async def run() -> None:
            async with AsyncClient(self.target, timeout=_TIMEOUT) as client:
                await asyncio.gather(*(ask(client) for _ in range(3)))

        asyncio.run(run())

    def stream(self) -> None:
        def camera() -> Iterator[FeatureSet]:
            number = after = 0
            while after < _BEFORE:
                yield features(number % 3)
                number, after = number + 1, after + self.ended.is_set()
                if number == _BEFORE:
                    self.under_way.release()

        began = time.monotonic()
        with Client(self.target, timeout=_TIMEOUT) as client:
            try:
                for found in client.identify_stream(camera()):
                    self.note("frame" if found.answer.landmark else "lost frame", began)
                    began = time.monotonic()
            except SteepleError as error:
                self.note(f"stream {error.status} {error.message}", began)


def test_servers_that_go_cost_no_answer(started: Callable[..., Served]) -> None:
    servers = [started(name) for name in ("first", "second")]
    for served in servers:
        with Client(f"127.0.0.1:{served.port}") as client:
            for number in range(3):
                client.create_landmark(f"Tower {number}", landmark_id=f"tower-{number}")
                client.add_reference_image(f"tower-{number}", features(number))
    load = Load(",".join(f"127.0.0.1:{served.port}" for served in servers))
    callers = [threading.Thread(target=work) for work in (load.calls, load.calls, load.tasks, load.stream)]
    for caller in callers:
        caller.start()
    for _ in range(6):  # two threads, three tasks, one camera
        assert load.under_way.acquire(timeout=60)
    servers[0].process.send_signal(signal.SIGKILL)
    servers[0].process.wait()
    again = started("first", "--address", f"127.0.0.1:{servers[0].port}")
    with Client(f"127.0.0.1:{again.port}") as client:
        while client.traffic().identified < _BEFORE:  # until it is one of two again
            assert not load.outcomes.keys() - {"found", "frame"}
    assert servers[1].end() == 0
    load.ended.set()
    for caller in callers:
        caller.join(120)
    print(f"\n{dict(load.outcomes)}, slowest {load.slowest:.2f} s")  # noqa: T201
    assert set(load.outcomes) == {"found", "frame"}
    assert load.slowest < _TIMEOUT
