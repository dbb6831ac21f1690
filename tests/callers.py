"""Callers who ask servers all the time, in each way that there is, and note what they get."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from steeple.client import AsyncClient, Client
from steeple.delf.features import DIMENSIONS, FeatureSet, quantize_descriptors
from steeple.delf.release import DEFAULT_RELEASE
from steeple.errors import SteepleError

TIMEOUT = 10.0
BEFORE = 25  # answers to each caller before the end of a server, and after it


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


def fill(port: int) -> None:
    """Gives a server what the callers look for."""
    with Client(f"127.0.0.1:{port}") as client:
        for number in range(3):
            client.create_landmark(f"Tower {number}", landmark_id=f"tower-{number}")
            client.add_reference_image(f"tower-{number}", features(number))


@dataclass
class Load:
    """Callers that ask until they have so many answers after the end of a server."""

    target: str
    ended: threading.Event = field(default_factory=threading.Event)
    outcomes: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    under_way: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def start(self) -> None:
        """Begins, and waits until everybody has been served."""
        works = (self.calls, self.calls, self.tasks, self.stream)
        self._threads = [threading.Thread(target=work) for work in works]
        for thread in self._threads:
            thread.start()
        for _ in range(6):  # two threads, three tasks, one camera
            assert self.under_way.acquire(timeout=120)

    def finish(self) -> None:
        """Waits until everybody has been served as often again."""
        self.ended.set()
        for thread in self._threads:
            thread.join(120)

    def note(self, outcome: str, began: float) -> None:
        self.outcomes[outcome] += 1
        self.slowest = max(self.slowest, time.monotonic() - began)

    def calls(self) -> None:
        with Client(self.target, timeout=TIMEOUT) as client:
            before = after = 0
            while after < BEFORE:
                began = time.monotonic()
                ended = self.ended.is_set()
                try:
                    answer = client.identify(features(before % 3))
                    self.note("found" if answer.landmark else "lost", began)
                except SteepleError as error:
                    self.note(f"{error.status} {error.message}", began)
                before, after = before + 1, after + ended
                if before == BEFORE:
                    self.under_way.release()

    def tasks(self) -> None:
        async def ask(client: AsyncClient) -> None:
            before = after = 0
            while after < BEFORE:
                began = time.monotonic()
                ended = self.ended.is_set()
                try:
                    answer = await client.identify(features(before % 3))
                    self.note("found" if answer.landmark else "lost", began)
                except SteepleError as error:
                    self.note(f"async {error.status} {error.message}", began)
                before, after = before + 1, after + ended
                if before == BEFORE:
                    self.under_way.release()

        async def run() -> None:
            async with AsyncClient(self.target, timeout=TIMEOUT) as client:
                await asyncio.gather(*(ask(client) for _ in range(3)))

        asyncio.run(run())

    def stream(self) -> None:
        def camera() -> Iterator[FeatureSet]:
            number = after = 0
            while after < BEFORE:
                yield features(number % 3)
                number, after = number + 1, after + self.ended.is_set()
                if number == BEFORE:
                    self.under_way.release()

        began = time.monotonic()
        with Client(self.target, timeout=TIMEOUT) as client:
            try:
                for found in client.identify_stream(camera()):
                    self.note("frame" if found.answer.landmark else "lost frame", began)
                    began = time.monotonic()
            except SteepleError as error:
                self.note(f"stream {error.status} {error.message}", began)
