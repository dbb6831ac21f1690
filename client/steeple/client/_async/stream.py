"""Answers to the frames of a camera."""

from __future__ import annotations

import concurrent.futures
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
from steeple.client._concurrency import AsyncFrames, AsyncWorker, iterate_async, result_async
from steeple.client._convert import to_answer
from steeple.client._errors import failure_of
from steeple.client._photos import Photo, Source
from steeple.client._responses import AsyncResponses
from steeple.client.types import StreamAnswer
from steeple.errors import CancelledError
from steeple.v1.features_pb2 import CompactFeatureSet
from steeple.v1.visual_search_service_pb2 import IdentifyStreamRequest, IdentifyStreamResponse, Query


@dataclass(frozen=True)
class _Sent:
    frame_id: int
    request_bytes: int  # of all parts of the frame so far
    device_extract: float | None
    time: float


class _AsyncFeed(AsyncIterator[IdentifyStreamRequest]):
    """Turns frames into requests, one whenever gRPC can send one.

    Of a frame in parts, one part is sent, and the next, or the next frame, when the server has answered it.

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
        self._parts: deque[CompactFeatureSet] = deque()  # of the last frame, not sent yet
        self._more_wanted: concurrent.futures.Future[bool] | None = None  # None: nothing is waited for
        self._last = _Sent(0, 0, None, 0.0)
        self.sent: deque[_Sent] = deque()
        self.error: Exception | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> IdentifyStreamRequest:
        self._worker.enter()
        if self._stopped:
            raise StopAsyncIteration
        try:
            request = await self._next_part() or await self._next_frame()
        except StopAsyncIteration:
            self._stopped = True
            raise
        except Exception as error:
            self._stopped = True
            self.error = error
            raise StopAsyncIteration from None
        self.sent.append(self._last)
        return request

    def answered(self, *, provisional: bool) -> None:
        """Says that what was sent last is answered, and whether the server wants more of the frame."""
        waited_for = self._more_wanted
        if waited_for is not None:
            with contextlib.suppress(concurrent.futures.InvalidStateError):  # stopped already
                waited_for.set_result(provisional)

    def stop(self) -> None:
        """Asks for no more frames."""
        self._stopped = True
        self._worker.stop()
        self.answered(provisional=False)

    async def _next_part(self) -> IdentifyStreamRequest | None:
        """The next part of the last frame, if it came in parts and the server wants another."""
        if self._more_wanted is None:
            return None
        wanted = await result_async(self._more_wanted)
        if self._stopped:
            raise StopAsyncIteration
        if not wanted or not self._parts:
            self._more_wanted = None
            return None
        return self._part(self._last.frame_id, self._last.request_bytes, self._last.device_extract)

    async def _next_frame(self) -> IdentifyStreamRequest:
        frame = await anext(self._frames)
        if self._stopped:
            raise StopAsyncIteration
        source = await self._prepare(frame)
        number = next(self._numbers)
        if len(source.compact) > 1:
            self._parts = deque(source.compact)
            return self._part(number, 0, source.device_extract)
        request = IdentifyStreamRequest(frame_id=number, query=self._query)
        source.put_into(request.query)
        self._last = _Sent(number, request.ByteSize(), source.device_extract, time.perf_counter())
        return request

    def _part(self, number: int, bytes_before: int, device_extract: float | None) -> IdentifyStreamRequest:
        request = IdentifyStreamRequest(frame_id=number, query=self._query)
        request.query.compact_features.CopyFrom(self._parts.popleft())
        request.more = bool(self._parts)
        self._more_wanted = concurrent.futures.Future()
        self._last = _Sent(number, bytes_before + request.ByteSize(), device_extract, time.perf_counter())
        return request


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
                metadata = self._connection.metadata()
                self._responses = AsyncResponses(method(self._feed, timeout=self._timeout, metadata=metadata))
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
        self._feed.answered(provisional=response.provisional)
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
        return StreamAnswer(response.frame_id, answer, response.dropped_frames, response.provisional)
