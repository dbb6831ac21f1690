"""Pools bound what runs and waits, and do not start what nobody waits for any more."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from steeple.errors import DeadlineExceededError, ResourceExhaustedError
from steeple.server.api.caller import Caller, address_of, within_call
from steeple.server.api.fair_queue import Turn
from steeple.server.api.kinds import FEATURES
from steeple.server.api.pools import Pool


class Gate:
    """Work that says that it has begun and then waits to be let through."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.opened = threading.Event()

    def __call__(self, value: int = 0) -> int:
        self.begun.release()
        assert self.opened.wait(10)
        return value


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = Pool("queries", threads=1, capacity=2)
    yield pool
    pool.close()


async def begun(gate: Gate) -> None:
    assert await asyncio.to_thread(gate.begun.acquire, timeout=10)


async def test_more_than_fits_is_refused_with_a_delay(pool: Pool) -> None:
    gate = Gate()
    running = asyncio.create_task(pool.run(gate, 1))
    await begun(gate)
    waiting = asyncio.create_task(pool.run(gate, 2))
    await asyncio.sleep(0)
    with pytest.raises(ResourceExhaustedError, match="limit of 2 concurrent queries") as caught:
        await pool.run(gate, 3)
    assert float(caught.value.metadata["retry_delay_seconds"]) > 0
    gate.opened.set()
    assert (await running, await waiting) == (1, 2)
    assert await pool.run(gate, 4) == 4


async def test_work_that_was_given_up_before_it_began_never_begins(pool: Pool) -> None:
    gate, ran = Gate(), threading.Event()
    running = asyncio.create_task(pool.run(gate, 1))
    await begun(gate)
    waiting = asyncio.create_task(pool.run(ran.set))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    gate.opened.set()
    assert await running == 1
    assert await pool.run(lambda: 5) == 5  # on the only thread, so after whatever waited
    assert not ran.is_set()


async def test_a_place_is_taken_until_the_thread_is_free_not_until_the_caller_gives_up(pool: Pool) -> None:
    gate = Gate()
    abandoned = asyncio.create_task(pool.run(gate, 1))
    await begun(gate)
    abandoned.cancel()
    with pytest.raises(asyncio.CancelledError):
        await abandoned
    waiting = asyncio.create_task(pool.run(gate, 2))
    await asyncio.sleep(0)
    with pytest.raises(ResourceExhaustedError):
        await pool.run(gate, 3)
    gate.opened.set()
    assert await waiting == 2


async def test_errors_reach_the_caller_and_give_their_place_back(pool: Pool) -> None:
    def fail() -> None:
        raise LookupError("no")

    for _ in range(5):
        with pytest.raises(LookupError, match="no"):
            await pool.run(fail)


async def test_a_turn_is_waited_for(pool: Pool) -> None:
    first = await pool.turn(FEATURES, patient=True)
    later = [asyncio.create_task(pool.turn(FEATURES, patient=True)) for _ in range(3)]  # more than there are places
    await asyncio.sleep(0)
    assert [task.done() for task in later] == [False] * 3
    assert (pool.running, pool.waiting) == (1, 3)
    pool.give_back(first)
    assert await pool.run_in(await later[0], lambda: 6) == 6
    pool.give_back(await later[1])
    pool.give_back(await later[2])
    assert (pool.running, pool.waiting) == (0, 0)


async def test_a_thread_that_was_given_to_who_had_just_gone_is_given_on(pool: Pool) -> None:
    held = await pool.turn(FEATURES, patient=True)
    gone, next_ = (asyncio.create_task(pool.turn(FEATURES, patient=True)) for _ in range(2))
    await asyncio.sleep(0)
    pool.give_back(held)  # to the first of them, which does not live to see it
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    pool.give_back(await next_)
    assert pool.dropped == {"cancelled": 1}
    again, never = (asyncio.create_task(pool.turn(FEATURES, patient=True)) for _ in range(2))
    await asyncio.sleep(0)
    never.cancel()  # while it waits; its turn comes before it hears of that
    pool.give_back(await again)
    with pytest.raises(asyncio.CancelledError):
        await never
    assert (pool.running, pool.waiting) == (0, 0)


async def test_what_waits_for_too_long_is_told_to_come_back() -> None:
    pool = Pool("queries", threads=1, capacity=9, max_delay_seconds=0.02)
    held = await pool.turn(FEATURES)
    with pytest.raises(ResourceExhaustedError, match=r"wait at most 0\.02 s for their turn") as caught:
        await pool.run(len, "")
    assert caught.value.metadata["reason"] == "delay"
    assert 0 < float(caught.value.metadata["retry_delay_seconds"]) < 10
    pool.give_back(held)
    assert await pool.run(len, "abc") == 3
    assert pool.refused == {"delay": 1}
    pool.close()


async def test_what_outlives_its_deadline_in_the_queue_never_begins(pool: Pool) -> None:
    held = await pool.turn(FEATURES)
    ran = threading.Event()
    with within_call(Caller(address="a", deadline=time.monotonic() + 0.02)), pytest.raises(DeadlineExceededError):
        await pool.run(ran.set)
    pool.give_back(held)
    assert await pool.run(len, "abc") == 3
    assert not ran.is_set()
    assert (pool.refused, pool.dropped) == ({}, {"deadline": 1})


async def test_callers_share_a_pool_and_changes_leave_threads_for_reading() -> None:
    pool = Pool("calls", threads=2, capacity=9)
    gate = Gate()
    with within_call(Caller(address="editor", changes=True)):
        changes = [asyncio.create_task(pool.run(gate, number)) for number in range(4)]
    await begun(gate)
    await asyncio.sleep(0)
    assert (pool.running, pool.waiting) == (1, 3)
    with within_call(Caller(address="reader")):
        assert await pool.run(len, "abc") == 3
    gate.opened.set()
    assert await asyncio.gather(*changes) == [0, 1, 2, 3]
    pool.close()


async def test_one_callers_burst_does_not_keep_another_waiting(pool: Pool) -> None:
    order: list[str] = []
    held = await pool.turn(FEATURES)
    tasks = []
    for name in ("busy", "busy", "busy", "other"):
        with within_call(Caller(address=name)):
            tasks.append(asyncio.create_task(pool.turn(FEATURES, patient=True)))
            await asyncio.sleep(0)

    async def note(name: str, task: asyncio.Task[Turn]) -> None:
        turn = await task
        order.append(name)
        await pool.run_in(turn, time.sleep, 0.001)  # what work costs has to be measured

    noting = [note(name, task) for name, task in zip(("busy", "busy", "busy", "other"), tasks, strict=True)]
    pool.give_back(held)
    await asyncio.gather(*noting)
    assert order.index("other") <= 1


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:192.0.2.1:50000", "ipv4:192.0.2.1"),
        ("ipv6:%5B::1%5D:50000", "ipv6:%5B::1%5D"),
        ("unix:", "unix"),
        ("unknown", "unknown"),
    ],
)
def test_connections_of_one_host_are_one_caller(peer: str, address: str) -> None:
    assert address_of(peer) == address
