"""Frames of a camera: the newest waits, those it overtakes are dropped and counted."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator

import pytest

from steeple.errors import ImageError, InvalidArgumentError, UnavailableError
from steeple.server.api.kinds import READ
from steeple.server.api.pools import Pool
from steeple.server.api.readiness import Readiness
from steeple.server.api.streams import FrameAnswerer, NewestFrame, answer_frames
from steeple.v1.visual_search_service_pb2 import Answer, IdentifyStreamRequest, IdentifyStreamResponse, Query


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = Pool("queries", threads=2, capacity=2)
    yield pool
    pool.close()


def frame(number: int) -> IdentifyStreamRequest:
    # The option carries the number to the answering side.
    return IdentifyStreamRequest(frame_id=number, query=Query(max_candidates=number))


def part(number: int, content: int, *, more: bool) -> IdentifyStreamRequest:
    return IdentifyStreamRequest(frame_id=number, query=Query(max_candidates=content), more=more)


def answered(query: Query) -> Answer:
    return Answer(feature_count=query.max_candidates)


def echo() -> FrameAnswerer:
    return lambda query, *_: (answered(query), False)


class GatedEcho:
    """Answers like ``echo``, once it is let."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.opened = threading.Event()
        self.answered: list[int] = []
        self._loop = asyncio.get_running_loop()

    def __call__(self) -> FrameAnswerer:
        return self._answer

    def _answer(self, query: Query, _arrival: float, _last: bool) -> tuple[Answer, bool]:
        self._loop.call_soon_threadsafe(self.begun.set)
        assert self.opened.wait(10)
        self.answered.append(query.max_candidates)
        return answered(query), False


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
    held = [await pool.turn(READ) for _ in range(2)]

    async def camera() -> AsyncIterator[IdentifyStreamRequest]:
        for number in (1, 2, 3):
            yield frame(number)
        pool.give_back(held[0])  # only now

    answers = [answer async for answer in answer_frames(camera(), echo, pool, Readiness())]
    assert summary(answers) == [(3, 3, 2)]
    pool.give_back(held[1])


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
    def fail(query: Query, _arrival: float, _last: bool) -> tuple[Answer, bool]:
        raise ImageError(f"photo {query.max_candidates} is broken")

    async def camera() -> AsyncIterator[IdentifyStreamRequest]:
        yield frame(1)

    answers: list[IdentifyStreamResponse] = []
    with pytest.raises(ImageError, match="photo 1"):
        await collect(answer_frames(camera(), lambda: fail, pool, Readiness()), answers)
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
    newest.put(frame(1), 0.0)
    newest.end()
    newest.put(frame(2), 0.0)
    assert await newest.wait()
    assert newest.take().number == 1
    assert not await newest.wait()
    assert newest.dropped == 0


class Sum:
    """Answers with the sum of a frame's parts so far; certain from 10 on."""

    def __init__(self) -> None:
        self.answerers = 0
        self.parts: list[int] = []
        self.last: list[bool] = []

    def __call__(self) -> FrameAnswerer:
        self.answerers += 1
        total = 0

        def answer(query: Query, _arrival: float, last: bool) -> tuple[Answer, bool]:
            nonlocal total
            total += query.max_candidates
            self.parts.append(query.max_candidates)
            self.last.append(last)
            return Answer(feature_count=total), total >= 10

        return answer


async def ask_in_parts(
    pool: Pool, requests: list[IdentifyStreamRequest], answerer: Sum
) -> list[tuple[int, int, bool, int]]:
    """The answers to requests, each of which is sent when the one before it was answered, where it has to be."""
    news = asyncio.Semaphore(1)

    async def camera() -> AsyncIterator[IdentifyStreamRequest]:
        for request in requests:
            await news.acquire()
            yield request

    answers = []
    async for one in answer_frames(camera(), answerer, pool, Readiness()):
        answers.append((one.frame_id, one.answer.feature_count, one.provisional, one.dropped_frames))
        news.release()
    return answers


async def test_parts_of_a_frame_are_answered_together_until_it_is_certain(pool: Pool) -> None:
    answerer = Sum()
    requests = [part(1, 4, more=True), part(1, 5, more=True), part(1, 6, more=True)]
    answers = await ask_in_parts(pool, requests, answerer)
    assert answers == [(1, 4, True, 0), (1, 9, True, 0), (1, 15, False, 0)]
    assert answerer.answerers == 1


async def test_the_last_part_of_a_frame_brings_its_last_answer(pool: Pool) -> None:
    requests = [part(3, 4, more=True), part(3, 5, more=False), part(4, 2, more=True), part(4, 1, more=False)]
    answerer = Sum()
    answers = await ask_in_parts(pool, requests, answerer)
    assert answerer.last == [False, True, False, True]
    assert answers == [(3, 4, True, 0), (3, 9, False, 0), (4, 2, True, 0), (4, 3, False, 0)]


async def test_a_frame_that_is_overtaken_between_its_parts_is_dropped(pool: Pool) -> None:
    answers = await ask_in_parts(pool, [part(1, 4, more=True), part(2, 7, more=False)], Sum())
    assert answers == [(1, 4, True, 0), (2, 7, False, 1)]


async def test_parts_that_come_at_once_are_searched_until_it_is_certain_and_no_further(pool: Pool) -> None:
    answerer = Sum()
    newest = NewestFrame()
    for content in (4, 7, 8, 9):
        newest.put(part(1, content, more=content < 9), 0.0)
    taken = newest.take()
    assert [query.max_candidates for query in taken.parts] == [4, 7, 8, 9]
    assert not taken.more

    async def camera() -> AsyncIterator[IdentifyStreamRequest]:
        for content in (4, 7, 8, 9):
            yield part(1, content, more=content < 9)

    answers = [one async for one in answer_frames(camera(), answerer, pool, Readiness())]
    assert answers[-1].answer.feature_count == 11
    assert (answerer.parts, answerer.last) == ([4, 7], [False, False])
    assert [one.dropped_frames for one in answers] == [0] * len(answers)


async def test_parts_beyond_the_certain_answer_are_ignored() -> None:
    newest = NewestFrame()
    newest.put(part(1, 12, more=True), 0.0)
    assert newest.take().more
    newest.put(part(1, 1, more=True), 0.0)  # was on its way
    newest.done(1, last=True)
    newest.put(part(1, 1, more=False), 0.0)
    newest.end()
    assert not await newest.wait()
    again = NewestFrame()
    again.put(part(1, 1, more=False), 0.0)
    with pytest.raises(InvalidArgumentError, match="1 came after 1"):
        again.put(part(1, 1, more=False), 0.0)


async def test_a_frame_in_work_that_needs_no_more_is_not_dropped_when_overtaken() -> None:
    newest = NewestFrame()
    newest.put(part(1, 1, more=True), 0.0)
    newest.take()
    newest.put(frame(2), 0.0)
    newest.done(1, last=True)  # certain all the same
    assert newest.dropped == 0
    newest.take()
    newest.put(part(3, 1, more=True), 0.0)
    newest.done(2, last=True)
    newest.take()
    newest.put(frame(4), 0.0)
    newest.done(3, last=False)
    assert newest.dropped == 1
