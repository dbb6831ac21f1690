"""Frames of a camera: the newest waits, those it overtakes are dropped and counted."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator

import pytest

from steeple.errors import ImageError, InvalidArgumentError, UnavailableError
from steeple.server.api.pools import Pool
from steeple.server.api.readiness import Readiness
from steeple.server.api.streams import Frame, NewestFrame, answer_frames
from steeple.v1.visual_search_service_pb2 import Answer, IdentifyStreamRequest, IdentifyStreamResponse, Query


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = Pool("queries", threads=2, capacity=2)
    yield pool
    pool.close()


def frame(number: int) -> IdentifyStreamRequest:
    # The option carries the number to the answering side.
    return IdentifyStreamRequest(frame_id=number, query=Query(max_candidates=number))


def echo(query: Query, _arrival: float) -> Answer:
    return Answer(feature_count=query.max_candidates)


class GatedEcho:
    """Answers like ``echo``, once it is let."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.opened = threading.Event()
        self.answered: list[int] = []
        self._loop = asyncio.get_running_loop()

    def __call__(self, query: Query, arrival: float) -> Answer:
        self._loop.call_soon_threadsafe(self.begun.set)
        assert self.opened.wait(10)
        self.answered.append(query.max_candidates)
        return echo(query, arrival)


async def collect(answers: AsyncIterator[IdentifyStreamResponse], into: list[IdentifyStreamResponse]) -> None:
    async for answer in answers:
        into.append(answer)


def summary(answers: list[IdentifyStreamResponse]) -> list[tuple[int, int, int]]:
    return [(one.frame_id, one.answer.feature_count, one.dropped_frames) for one in answers]


async def test_while_one_frame_is_worked_on_only_the_newest_waits(pool: Pool) -> None:
    gate = GatedEcho()

    async def camera() -> AsyncIterator[IdentifyStreamRequest]:
        yield frame(1)
        await gate.begun.wait()  # frame 1 is being worked on
        for number in (2, 3, 4, 9):
            yield frame(number)
        gate.opened.set()  # asked for more: 2, 3, 4 and 9 have all come

    answers = [answer async for answer in answer_frames(camera(), gate, pool, Readiness())]
    assert summary(answers) == [(1, 1, 3), (9, 9, 3)]
    assert gate.answered == [1, 9]


async def test_a_slow_camera_loses_nothing_and_is_answered_in_order(pool: Pool) -> None:
    answered = asyncio.Semaphore(1)

    async def camera() -> AsyncIterator[IdentifyStreamRequest]:
        for number in range(1, 21):
            await answered.acquire()
            yield frame(number)

    answers = []
    async for answer in answer_frames(camera(), echo, pool, Readiness()):
        answers.append(answer)
        answered.release()
    assert summary(answers) == [(number, number, 0) for number in range(1, 21)]


async def test_a_frame_is_taken_only_when_there_is_a_thread_for_it(pool: Pool) -> None:
    await pool.reserve()
    await pool.reserve()

    async def camera() -> AsyncIterator[IdentifyStreamRequest]:
        for number in (1, 2, 3):
            yield frame(number)
        pool.release()  # only now

    answers = [answer async for answer in answer_frames(camera(), echo, pool, Readiness())]
    assert summary(answers) == [(3, 3, 2)]
    pool.release()


@pytest.mark.parametrize("second", [7, 6, -1])
async def test_frame_numbers_must_rise(pool: Pool, second: int) -> None:
    async def camera() -> AsyncIterator[IdentifyStreamRequest]:
        yield frame(7)
        yield frame(second)

    answers: list[IdentifyStreamResponse] = []
    with pytest.raises(InvalidArgumentError, match=f"{second} came after 7") as caught:
        await collect(answer_frames(camera(), echo, pool, Readiness()), answers)
    assert summary(answers) == [(7, 7, 0)]
    assert caught.value.metadata["field"] == "frame_id"


async def test_a_frame_that_cannot_be_used_ends_the_stream(pool: Pool) -> None:
    def fail(query: Query, _arrival: float) -> Answer:
        raise ImageError(f"photo {query.max_candidates} is broken")

    async def camera() -> AsyncIterator[IdentifyStreamRequest]:
        yield frame(1)

    answers: list[IdentifyStreamResponse] = []
    with pytest.raises(ImageError, match="photo 1"):
        await collect(answer_frames(camera(), fail, pool, Readiness()), answers)
    assert answers == []


async def test_a_stream_ends_when_the_server_stops(pool: Pool) -> None:
    readiness = Readiness()

    async def camera() -> AsyncIterator[IdentifyStreamRequest]:
        yield frame(1)
        readiness.stop()
        await asyncio.Event().wait()  # a camera never ends by itself

    answers: list[IdentifyStreamResponse] = []
    with pytest.raises(UnavailableError, match="stopping"):
        await collect(answer_frames(camera(), echo, pool, readiness), answers)
    assert summary(answers) == [(1, 1, 0)]


async def test_no_frames_no_answers(pool: Pool) -> None:
    async def camera() -> AsyncIterator[IdentifyStreamRequest]:
        for request in list[IdentifyStreamRequest]():
            yield request

    assert [answer async for answer in answer_frames(camera(), echo, pool, Readiness())] == []


async def test_what_comes_after_the_end_is_ignored() -> None:
    newest = NewestFrame()
    newest.put(Frame(1, Query(), 0.0))
    newest.end()
    newest.put(Frame(2, Query(), 0.0))
    assert await newest.wait()
    assert newest.take().number == 1
    assert not await newest.wait()
    assert newest.dropped == 0
