"""A camera's frames, whole or in parts: the newest waits, those it overtakes are dropped."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass
from typing import TypeAlias

from steeple.errors import InvalidArgumentError
from steeple.server.api.kinds import FEATURES, Kind, kind_of
from steeple.server.api.pools import Pool
from steeple.server.api.readiness import Readiness, stopping_error
from steeple.server.api.status import FIELD
from steeple.v1.visual_search_service_pb2 import Answer, IdentifyStreamRequest, IdentifyStreamResponse, Query


@dataclass(frozen=True)
class Frame:
    """What has come of one frame of a camera and was not taken before.

    Attributes:
        number: The application's; rises from frame to frame.
        parts: What to look for: features in parts, the first of them first. One, unless parts came faster than they
            were taken.
        more: Whether more parts were announced.
        arrival: When the first of these parts came, by ``time.perf_counter``.
    """

    number: int
    parts: tuple[Query, ...]
    more: bool
    arrival: float


class NewestFrame:
    """A place for one waiting frame. Belongs to one event loop.

    Attributes:
        dropped: Frames that were overtaken before their last answer.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._waiting: Frame | None = None
        self._newest: int | None = None
        self._more = False  # whether parts of the newest frame were announced
        self._answered = True  # whether the newest frame, if there is one, has had its last answer
        self._in_work = False  # whether the newest frame was taken, and is not done
        self._over = False
        self._error: Exception | None = None
        self._news = asyncio.Event()

    def put(self, request: IdentifyStreamRequest, arrival: float) -> None:
        """Lets a frame, or another part of the newest one, wait; a frame before it is dropped.

        Does nothing after :meth:`end`.

        Raises:
            InvalidArgumentError: If the frame's number is not higher than that of the one before, and no more parts
                of that one were announced.
        """
        if self._over:
            return
        number = request.frame_id
        if self._newest is not None and (number < self._newest or (number == self._newest and not self._more)):
            raise InvalidArgumentError(
                f"frame_id must rise from frame to frame, unless more of the last one was announced; {number} came "
                f"after {self._newest}",
                **{FIELD: "frame_id"},
            )
        if number != self._newest:
            self.dropped += not (self._answered or self._in_work)
            self._newest, self._waiting = number, None
            self._answered = self._in_work = False
        self._more = request.more
        if self._answered:
            return  # a part that nobody needs any more
        parts, first = (self._waiting.parts, self._waiting.arrival) if self._waiting else ((), arrival)
        self._waiting = Frame(number, (*parts, request.query), request.more, first)
        self._news.set()

    def done(self, number: int, *, last: bool) -> None:
        """Says that what was taken of a frame is answered.

        Args:
            number: Of the frame.
            last: Whether that was its last answer: what still comes of it is ignored.
        """
        if number != self._newest:
            self.dropped += not last
            return
        self._in_work, self._answered = False, last
        if last and self._waiting is not None:
            self._waiting = None
            if not self._over:
                self._news.clear()

    def end(self, error: Exception | None = None) -> None:
        """No more frames come; ``error`` is raised when the one that waits has been taken. The first call counts."""
        if not self._over:
            self._over, self._error = True, error
            self._news.set()

    async def wait(self) -> bool:
        """Whether there is a frame to :meth:`take`; False at the end.

        Raises:
            Exception: That with which the frames ended, if there is no frame any more.
        """
        await self._news.wait()
        if self._waiting is None and self._error is not None:
            raise self._error
        return self._waiting is not None

    @property
    def kind(self) -> Kind:
        """Of work, that the frame that waits is."""
        return kind_of(self._waiting.parts[-1]) if self._waiting else FEATURES

    def take(self) -> Frame:
        """The frame that waits; :meth:`wait` has said that there is one."""
        frame, self._waiting = self._waiting, None
        if frame is None:
            raise LookupError("no frame waits")
        self._in_work = True
        if not self._over:
            self._news.clear()
        return frame


FrameAnswerer: TypeAlias = Callable[[Query, float, bool], tuple[Answer, bool]]
"""Answers one frame, whose features may come in parts: from the frame or the next part of it, when that came, by
``time.perf_counter``, and whether it is the last, to the answer to all so far, and whether it is certain. Blocking; one
call at a time."""


async def answer_frames(
    requests: AsyncIterator[IdentifyStreamRequest],
    answerer: Callable[[], FrameAnswerer],
    pool: Pool,
    readiness: Readiness,
) -> AsyncGenerator[IdentifyStreamResponse, None]:
    """Answers to the frames that are taken, in order.

    A frame is taken only when there is a thread of the pool for it, so that it is the newest by then. Cameras wait for
    their turns like all others, but are not told to come back: what they would send again is out of date.
    After an error in the frames, those before it are answered first.

    Args:
        requests: The frames.
        answerer: Makes what answers one frame; that runs in the pool.
        pool: Of threads.
        readiness: Says when the server stops: the stream ends then, after the frame that waits.

    Raises:
        SteepleError: What the answerer or a malformed frame raised.
    """
    newest = NewestFrame()
    watchers = [asyncio.create_task(_receive(requests, newest)), asyncio.create_task(_end_on_stop(readiness, newest))]
    begun: tuple[int, FrameAnswerer] | None = None
    try:
        while await newest.wait():
            turn = await pool.turn(newest.kind, patient=True)
            frame = newest.take()
            number, answer = begun if begun and begun[0] == frame.number else (frame.number, answerer())
            begun = (number, answer)
            found, certain = await pool.run_in(turn, _answer_parts, answer, frame)
            provisional = frame.more and not certain
            newest.done(number, last=not provisional)
            yield IdentifyStreamResponse(
                frame_id=number, answer=found, dropped_frames=newest.dropped, provisional=provisional
            )
    finally:
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)


def _answer_parts(answer: FrameAnswerer, frame: Frame) -> tuple[Answer, bool]:
    """Answers the parts in turn, until one makes it certain."""
    *before, last = frame.parts
    for part in before:
        found, certain = answer(part, frame.arrival, False)
        if certain:
            return found, certain
    return answer(last, frame.arrival, not frame.more)


async def _receive(requests: AsyncIterator[IdentifyStreamRequest], newest: NewestFrame) -> None:
    try:
        async for request in requests:
            newest.put(request, time.perf_counter())
    except Exception as error:  # whatever it is, the answering side raises it
        newest.end(error)
    finally:
        newest.end()


async def _end_on_stop(readiness: Readiness, newest: NewestFrame) -> None:
    await readiness.stopping.wait()
    newest.end(stopping_error())
