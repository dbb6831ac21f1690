"""Pools bound what runs and waits, and do not start what nobody waits for any more."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from steeple.errors import ResourceExhaustedError
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


async def test_a_reserved_place_is_waited_for(pool: Pool) -> None:
    await pool.reserve()
    await pool.reserve()
    third = asyncio.create_task(pool.reserve())
    await asyncio.sleep(0)
    assert not third.done()
    pool.release()
    await third
    assert await pool.run_reserved(lambda: 6) == 6
    pool.release()
