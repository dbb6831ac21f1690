"""A camera's frames: the newest waits, those it overtakes are dropped."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass

from steeple.errors import InvalidArgumentError
from steeple.server.api.pools import Pool
from steeple.server.api.readiness import Readiness, stopping_error
from steeple.server.api.status import FIELD
from steeple.v1.visual_search_service_pb2 import Answer, IdentifyStreamRequest, IdentifyStreamResponse, Query


@dataclass(frozen=True)
class Frame:
    """One frame of a camera.

    Attributes:
        number: The application's; rises from frame to frame.
        query: What to look for.
        arrival: When it came, by ``time.perf_counter``.
    """

    number: int
    query: Query
    arrival: float


class NewestFrame:
    """A place for one waiting frame. Belongs to one event loop.

    Attributes:
        dropped: Frames that were overtaken while they waited.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._waiting: Frame | None = None
        self._newest: int | None = None
        self._over = False
        self._error: Exception | None = None
        self._news = asyncio.Event()

    def put(self, frame: Frame) -> None:
        """Lets ``frame`` wait; one that still waits is dropped. Does nothing after :meth:`end`.

        Raises:
            InvalidArgumentError: If its number is not higher than that of the frame before.
        """
        if self._over:
            return
        if self._newest is not None and frame.number <= self._newest:
            raise InvalidArgumentError(
                f"frame_id must rise from frame to frame; {frame.number} came after {self._newest}",
                **{FIELD: "frame_id"},
            )
        if self._waiting is not None:
            self.dropped += 1
        self._newest = frame.number
        self._waiting = frame
        self._news.set()

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

    def take(self) -> Frame:
        """The frame that waits; :meth:`wait` has said that there is one."""
        frame, self._waiting = self._waiting, None
        if frame is None:
            raise LookupError("no frame waits")
        if not self._over:
            self._news.clear()
        return frame


async def answer_frames(
    requests: AsyncIterator[IdentifyStreamRequest],
    answer: Callable[[Query, float], Answer],
    pool: Pool,
    readiness: Readiness,
) -> AsyncGenerator[IdentifyStreamResponse, None]:
    """Answers to the frames that are taken, in order.

    A frame is taken only when there is a place in the pool for it, so that it is the newest by then.
    After an error in the frames, those before it are answered first.

    Args:
        requests: The frames.
        answer: Blocking; from a query and when it arrived (``time.perf_counter``) to its answer.
        pool: Where ``answer`` runs.
        readiness: Says when the server stops: the stream ends then, after the frame that waits.

    Raises:
        SteepleError: What ``answer`` or a malformed frame raised.
    """
    newest = NewestFrame()
    watchers = [asyncio.create_task(_receive(requests, newest)), asyncio.create_task(_end_on_stop(readiness, newest))]
    try:
        while await newest.wait():
            await pool.reserve()
            frame = newest.take()
            found = await pool.run_reserved(answer, frame.query, frame.arrival)
            yield IdentifyStreamResponse(frame_id=frame.number, answer=found, dropped_frames=newest.dropped)
    finally:
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)


async def _receive(requests: AsyncIterator[IdentifyStreamRequest], newest: NewestFrame) -> None:
    try:
        async for request in requests:
            newest.put(Frame(request.frame_id, request.query, time.perf_counter()))
    except Exception as error:  # whatever it is, the answering side raises it
        newest.end(error)
    finally:
        newest.end()


async def _end_on_stop(readiness: Readiness, newest: NewestFrame) -> None:
    await readiness.stopping.wait()
    newest.end(stopping_error())
