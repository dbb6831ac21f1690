"""Answers to the frames of a camera."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import grpc

from steeple.client._async.connection import AsyncConnection
from steeple.client._concurrency import AsyncFrames, AsyncWorker, iterate_async
from steeple.client._convert import to_answer
from steeple.client._errors import failure_of
from steeple.client._photos import Photo, Source
from steeple.client._responses import AsyncResponses
from steeple.client.types import StreamAnswer
from steeple.errors import CancelledError
from steeple.v1.visual_search_service_pb2 import IdentifyStreamRequest, IdentifyStreamResponse, Query


@dataclass(frozen=True)
class _Sent:
    frame_id: int
    request_bytes: int
    device_extract: float | None
    time: float


class _AsyncFeed(AsyncIterator[IdentifyStreamRequest]):
    """Turns frames into requests, one whenever gRPC can send one.

    gRPC would answer an exception here with a bare status, so the feed ends instead and keeps the exception
    for the consumer of the answers.
    """

    def __init__(self, frames: AsyncFrames[Photo], prepare: Callable[[Photo], Awaitable[Source]], query: Query) -> None:
        self._frames = iterate_async(frames)
        self._prepare = prepare
        self._query = query
        self._numbers = itertools.count()
        self._worker = AsyncWorker()
        self._stopped = False
        self.sent: deque[_Sent] = deque()
        self.error: Exception | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> IdentifyStreamRequest:
        self._worker.enter()
        if self._stopped:
            raise StopAsyncIteration
        try:
            frame = await anext(self._frames)
            if self._stopped:
                raise StopAsyncIteration
            source = await self._prepare(frame)
            request = IdentifyStreamRequest(frame_id=next(self._numbers), query=self._query)
            source.put_into(request.query)
        except StopAsyncIteration:
            self._stopped = True
            raise
        except Exception as error:
            self._stopped = True
            self.error = error
            raise StopAsyncIteration from None
        self.sent.append(_Sent(request.frame_id, request.ByteSize(), source.device_extract, time.perf_counter()))
        return request

    def stop(self) -> None:
        """Asks for no more frames."""
        self._stopped = True
        self._worker.stop()


class AsyncAnswerStream(AsyncIterator[StreamAnswer]):
    """Iterates over the answers to the frames; the call begins with the first and ends with the last.

    Leaving the loop early cancels the call; a ``with`` block around it, or :meth:`cancel`, makes sure of that when
    something else still holds the iterator.
    """

    def __init__(
        self,
        connection: AsyncConnection,
        frames: AsyncFrames[Photo],
        prepare: Callable[[Photo], Awaitable[Source]],
        query: Query,
        timeout: float | None,
    ) -> None:
        self._connection = connection
        self._feed = _AsyncFeed(frames, prepare, query)
        self._timeout = timeout
        self._responses: AsyncResponses[IdentifyStreamResponse] | None = None
        self._ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StreamAnswer:
        if self._ended:
            raise StopAsyncIteration
        try:
            if self._responses is None:
                method = self._connection.link.visual_search.IdentifyStream
                self._responses = AsyncResponses(method(self._feed, timeout=self._timeout))
            response = await self._responses.read()
        except (grpc.RpcError, CancelledError) as error:
            cancelled_by_consumer = self._ended
            self.cancel()
            if cancelled_by_consumer:
                raise StopAsyncIteration from None
            if self._feed.error is not None:
                raise self._feed.error from None
            if isinstance(error, CancelledError):
                raise
            failure = failure_of(error, target=self._connection.settings.target, timeout=self._timeout)
            raise failure.error from error
        except BaseException:
            self.cancel()
            raise
        if response is None:
            self.cancel()
            if self._feed.error is not None:
                raise self._feed.error
            raise StopAsyncIteration
        return self._answer(response)

    def cancel(self) -> None:
        """Ends the stream: no more frames are taken, no more answers come."""
        self._ended = True
        self._feed.stop()
        if self._responses is not None:
            self._responses.cancel()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cancel()

    def __del__(self) -> None:
        if not getattr(self, "_ended", True):
            with contextlib.suppress(RuntimeError):  # the event loop was closed before
                self.cancel()

    def _answer(self, response: IdentifyStreamResponse) -> StreamAnswer:
        sent = _Sent(response.frame_id, 0, None, time.perf_counter())
        while self._feed.sent and self._feed.sent[0].frame_id <= response.frame_id:
            sent = self._feed.sent.popleft()
        answer = to_answer(
            response.answer,
            request_bytes=sent.request_bytes,
            device_extract=sent.device_extract,
            round_trip=(time.perf_counter() - sent.time) * 1e3,
        )
        return StreamAnswer(response.frame_id, answer, response.dropped_frames)
