"""A Milvus that is killed while it takes descriptors in."""

from __future__ import annotations

import itertools
import signal
import threading
import time
from pathlib import Path

import pytest

from steeple.delf import ModelRelease
from steeple.errors import UnavailableError
from steeple.server.index.milvus import MilvusConnection, MilvusIndex
from tests.engines.milvus_server import MilvusServer
from tests.server.index.descriptors import descriptors

pytestmark = pytest.mark.engines

RELEASE = ModelRelease.load()
BEFORE = 8
AFTER = 4
PATIENCE = 120.0


class Adding:
    """Adds an image after the other, repeats what failed, and keeps what was acknowledged."""

    def __init__(self, index: MilvusIndex) -> None:
        self.acknowledged: list[int] = []
        self.refusals: list[UnavailableError] = []
        self._index = index
        self._done = threading.Event()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def wait_for(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.acknowledged) >= count, PATIENCE)

    def wait_for_refusal(self) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: bool(self.refusals), PATIENCE)

    def stop(self) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        for key in itertools.count():
            while not self._done.is_set():
                try:
                    self._index.add(key, descriptors(key, 40))
                except UnavailableError as error:
                    with self._changed:
                        self.refusals.append(error)
                        self._changed.notify_all()
                    self._done.wait(0.1)
                    continue
                with self._changed:
                    self.acknowledged.append(key)
                    self._changed.notify_all()
                break
            if self._done.is_set():
                return


def test_what_was_acknowledged_outlives_a_crash(tmp_path: Path) -> None:
    server = MilvusServer(tmp_path / "server")
    server.start()
    connection = MilvusConnection(server.uri, timeout=10.0)
    index = MilvusIndex(connection, RELEASE)
    try:
        index.load()
        adding = Adding(index)
        try:
            adding.wait_for(BEFORE)
            server.stop(signal.SIGKILL)
            adding.wait_for_refusal()
            with pytest.raises(UnavailableError, match="Milvus"):
                index.search(descriptors(0, 40), 1)
            server.start()
            adding.wait_for(len(adding.acknowledged) + AFTER)
        finally:
            adding.stop()
        _search_again(index)
        counts = index.counts(adding.acknowledged)
        assert counts == dict.fromkeys(adding.acknowledged, 40)
        for key in adding.acknowledged:
            assert (index.search(descriptors(key, 40), 1).image_keys == key).all()
        stats = index.stats()
        # The last one may have been cut short.
        assert 0 <= stats.images - len(counts) <= 1
        assert 0 <= stats.descriptors - 40 * len(counts) <= 40
    finally:
        connection.close()
        server.stop()


def _search_again(index: MilvusIndex) -> None:
    """A Milvus that takes writes may still be loading what it searches."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            index.search(descriptors(0, 40), 1)
        except UnavailableError:
            assert time.monotonic() < deadline
            threading.Event().wait(0.2)
        else:
            return
