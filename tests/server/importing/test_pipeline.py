from __future__ import annotations

import os
import threading

import pytest

from steeple.errors import CancelledError
from steeple.server.importing.pipeline import Pipeline


def test_results_come_in_order_whatever_the_order_of_the_work() -> None:
    second_done = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            assert second_done.wait(20.0)
        if number == 1:
            second_done.set()
        return 10 * number

    pipeline = Pipeline(work, threads=2, ahead=4, check=lambda: None)
    batches = list(pipeline.batches(range(7), most=3))
    assert [pair for batch in batches for pair in batch] == [(number, 10 * number) for number in range(7)]
    assert all(1 <= len(batch) <= 3 for batch in batches)
    assert pipeline.left == []


def test_it_works_ahead_no_further_than_it_may() -> None:
    begun: list[int] = []
    let_go = threading.Event()

    def work(number: int) -> int:
        begun.append(number)
        if number == 0:
            assert let_go.wait(20.0)
        return number

    def check() -> None:
        if len(begun) == 5:
            let_go.set()

    pipeline = Pipeline(work, threads=2, ahead=5, check=check)
    batches = pipeline.batches(range(50), most=1)
    assert next(batches) == [(0, 0)]
    assert max(begun) <= 5  # one more was let in as the first was taken
    batches.close()
    assert max(begun) <= 6
    assert set(begun) == set(pipeline.left)  # nobody has said that the first was dealt with


def test_what_the_check_raises_ends_it_and_what_was_begun_is_given_back() -> None:
    working, let_go = threading.Event(), threading.Event()

    def work(number: int) -> int:
        working.set()
        assert let_go.wait(20.0)
        return number

    def check() -> None:
        if working.is_set():
            let_go.set()
            raise CancelledError("stop")

    pipeline = Pipeline(work, threads=1, ahead=3, check=check)
    with pytest.raises(CancelledError):
        list(pipeline.batches(range(9), most=1))
    assert 0 in pipeline.left
    assert len(pipeline.left) <= 3


def test_its_threads_let_queries_go_first() -> None:
    def work(_: int) -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    pipeline = Pipeline(work, threads=1, ahead=1, check=lambda: None)
    before = os.getpriority(os.PRIO_PROCESS, 0)
    ((_, niceness),) = next(pipeline.batches([0], most=1))
    assert niceness == 10 > before


def test_a_failure_of_the_work_is_raised() -> None:
    def work(number: int) -> int:
        return 1 // number

    pipeline = Pipeline(work, threads=2, ahead=4, check=lambda: None)
    with pytest.raises(ZeroDivisionError):
        list(pipeline.batches([1, 0, 1], most=1))
