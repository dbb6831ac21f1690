"""Jobs of several threads, done together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from steeple.delf import ModelRelease
from steeple.errors import InvalidArgumentError
from steeple.recognition.neighbours import Neighbours
from steeple.server.index import FaissIndex
from steeple.server.index.batching import Batcher
from steeple.server.index.training import train
from steeple.server.index_factory import IndexFactory
from tests.server.index.descriptors import descriptors

RELEASE = ModelRelease.load()
PATIENCE = 30.0


class Squares:
    """Squares numbers, once it is let; refuses those below nothing."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.threads: set[int] = set()
        self.begun = threading.Semaphore(0)
        self.may_go_on = threading.Event()

    def __call__(self, jobs: Sequence[int]) -> list[int]:
        self.batches.append(list(jobs))
        self.threads.add(threading.get_ident())
        self.begun.release()
        assert self.may_go_on.wait(PATIENCE)
        if any(job < 0 for job in jobs):
            raise InvalidArgumentError(f"{min(jobs)} is below nothing")
        return [job * job for job in jobs]


class Crowd:
    """Threads that bring jobs to a batcher while its first job is held up."""

    def __init__(self, work: Squares, batcher: Batcher[int, int], pool: ThreadPoolExecutor) -> None:
        self.work = work
        self.batcher = batcher
        self.pool = pool
        self.brought = threading.Semaphore(0)

    def bring(self, job: int, size: int = 1) -> Future[int]:
        def run() -> int:
            with self.batcher.announced() as done:
                self.brought.release()
                return done(job, size)

        return self.pool.submit(run)

    def after_the_first(self, jobs: Sequence[tuple[int, int]]) -> list[Future[int]]:
        first = self.bring(7)
        assert self.work.begun.acquire(timeout=PATIENCE)
        rest = [self.bring(*job) for job in jobs]
        for _ in range(len(rest) + 1):
            assert self.brought.acquire(timeout=PATIENCE)
        # All have announced themselves: the next leader waits until they have brought their jobs.
        self.work.may_go_on.set()
        return [first, *rest]


@pytest.fixture
def crowd() -> Callable[..., Crowd]:
    def make(most: int = 100, delay: float = PATIENCE) -> Crowd:
        work = Squares()
        return Crowd(work, Batcher(work, delay, most), ThreadPoolExecutor(16))

    return make


def test_a_job_alone_is_done_at_once() -> None:
    work = Squares()
    work.may_go_on.set()
    batcher = Batcher(work, 3600.0, 100)
    for number in range(3):
        with batcher.announced() as done:
            assert done(number, 1) == number * number
    assert work.batches == [[0], [1], [2]]
    assert work.threads == {threading.get_ident()}, "on the thread that brought it"


def test_those_that_come_meanwhile_are_done_together(crowd: Callable[..., Crowd]) -> None:
    some = crowd()
    results = some.after_the_first([(number, 1) for number in range(10)])
    assert [result.result(PATIENCE) for result in results] == [49, *(number**2 for number in range(10))]
    assert some.work.batches[0] == [7]
    assert sorted(some.work.batches[1]) == list(range(10))
    assert len(some.work.batches) == 2


def test_a_batch_keeps_to_its_size_but_for_a_single_job(crowd: Callable[..., Crowd]) -> None:
    some = crowd(most=10)
    results = some.after_the_first([(number, size) for number, size in enumerate([4, 4, 4, 25, 4, 4])])
    assert [result.result(PATIENCE) for result in results] == [49, 0, 1, 4, 9, 16, 25]
    sizes = dict(enumerate([4, 4, 4, 25, 4, 4]))
    for batch in some.work.batches[1:]:
        assert sum(sizes[job] for job in batch) <= 10 or batch == [3]
    assert len(some.work.batches) < 7


def test_an_error_is_only_of_the_job_that_it_is_about(crowd: Callable[..., Crowd]) -> None:
    some = crowd()
    results = some.after_the_first([(number, 1) for number in (1, -2, 3, -4)])
    assert [results[number].result(PATIENCE) for number in (0, 1, 3)] == [49, 1, 9]
    for number, job in ((2, -2), (4, -4)):
        with pytest.raises(InvalidArgumentError, match=f"{job} is below"):
            results[number].result(PATIENCE)


def test_one_that_gives_up_holds_up_nobody(crowd: Callable[..., Crowd]) -> None:
    some = crowd()
    some.work.may_go_on.set()
    announced, may_fail = threading.Event(), threading.Event()

    def fails() -> None:
        with some.batcher.announced():
            announced.set()
            assert may_fail.wait(PATIENCE)
            raise InvalidArgumentError("it has no job")

    failing = some.pool.submit(fails)
    assert announced.wait(PATIENCE)
    waiting = some.bring(5)
    assert some.brought.acquire(timeout=PATIENCE)
    may_fail.set()
    assert waiting.result(PATIENCE / 2) == 25, "it did not wait for the delay to end"
    with pytest.raises(InvalidArgumentError, match="no job"):
        failing.result(PATIENCE)


def test_no_one_waits_longer_than_the_delay(crowd: Callable[..., Crowd]) -> None:
    some = crowd(delay=0.0)
    some.work.may_go_on.set()
    with some.batcher.announced():
        assert some.bring(6).result(PATIENCE) == 36


# --- searches ---


def same(one: Neighbours, other: Neighbours) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("image_keys", "feature_numbers", "distances")
    )


def test_every_search_finds_what_it_would_have_found_alone(tmp_path: Path) -> None:
    """Of different lengths and numbers of neighbours, with dead images, a file and descriptors in memory."""
    index = FaissIndex(RELEASE)
    for key in range(30):
        index.add(key, descriptors(key, 100))
    index.snapshot(tmp_path, 1)
    for key in range(30, 40):
        index.add(key, descriptors(key, 100))
    for key in (2, 5, 33):
        index.remove(key)
    asked = [(descriptors(number, 1 + 23 * number), 5 + number % 3) for number in range(8)]
    alone = [index.search(*one) for one in asked]
    index.batch(0.05, 400)
    together = threading.Barrier(len(asked))

    def search(number: int) -> bool:
        together.wait(PATIENCE)
        return all(same(index.search(*asked[number]), alone[number]) for _ in range(3))

    with ThreadPoolExecutor(len(asked)) as pool:
        assert list(pool.map(search, range(len(asked)))) == [True] * len(asked)


def test_another_codebook_in_between_does_no_harm() -> None:
    rows = descriptors(1, 1000)
    codebooks = [train(rows, IndexFactory(lists, 8), probes=4) for lists in (8, 16)]

    def filled(number: int) -> FaissIndex:
        index = FaissIndex(RELEASE, codebook=codebooks[number % 2])
        for key in range(4):
            index.add(key, rows[250 * key : 250 * (key + 1)])
        return index

    index = filled(0)
    possible = [filled(number).search(rows[:100], 5) for number in range(2)]
    index.batch(0.001, 10_000)
    done, failures, searches = threading.Event(), [], threading.Semaphore(0)

    def search() -> None:
        while not done.is_set():
            found = index.search(rows[:100], 5)
            searches.release()
            if not any(same(found, one) for one in possible):
                failures.append(found)

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(1, 7):
        assert searches.acquire(timeout=PATIENCE)
        index.adopt(filled(number))
    done.set()
    for thread in threads:
        thread.join()
    assert not failures


def test_a_malformed_query_fails_alone() -> None:
    index = FaissIndex(RELEASE)
    index.add(1, descriptors(1))
    index.batch(0.05, 10_000)
    bad = np.full((3, 40), np.nan, np.float32)
    together = threading.Barrier(6)

    def search(number: int) -> bool:
        together.wait(PATIENCE)
        if number % 2:
            with pytest.raises(InvalidArgumentError):
                index.search(bad, 1)
            return True
        return bool((index.search(descriptors(1), 1).image_keys == 1).mean() > 0.95)

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(search, range(6)))
