# Made from _async/stream.py by tools/generate_sync_client.py; do not edit.
"""Answers to the frames of a camera."""

from __future__ import annotations

import concurrent.futures
import contextlib
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import grpc

from steeple.client._concurrency import Frames, Turn, Worker, iterate, result, sleep
from steeple.client._convert import to_answer
from steeple.client._errors import failure_of
from steeple.client._photos import Photo, Source
from steeple.client._responses import Responses, StreamCall
from steeple.client._sync.connection import Connection
from steeple.client._transport import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS
from steeple.client.types import StreamAnswer
from steeple.errors import CancelledError, UnavailableError
from steeple.v1.features_pb2 import CompactFeatureSet
from steeple.v1.visual_search_service_pb2 import IdentifyStreamRequest, IdentifyStreamResponse, Query


@dataclass(frozen=True)
class _Sent:
    frame_id: int
    request_bytes: int  # of all parts of the frame so far
    device_extract: float | None
    time: float


class _Feed:
    """Turns frames into requests, one whenever gRPC can send one.

    A call that breaks is made again, with all that was sent and not answered, on another server if there are several.
    gRPC would do so by itself before the first answer, but may lose what is sent while an attempt fails.

    Of a frame in parts, one part is sent, and the next, or the next frame, when the server has answered it.

    gRPC would answer an exception here with a bare status, so the feed ends instead and keeps the exception
    for the consumer of the answers.
    """

    def __init__(self, frames: Frames[Photo], prepare: Callable[[Photo], Source], query: Query) -> None:
        self._frames = iterate(frames)
        self._prepare = prepare
        self._query = query
        self._numbers = itertools.count()
        self._worker = Worker()
        self._stopped = False
        self._parts: deque[CompactFeatureSet] = deque()  # of the last frame, not sent yet
        self._more_wanted: concurrent.futures.Future[bool] | None = None  # None: nothing is waited for
        self._last = _Sent(0, 0, None, 0.0)
        self._turn = Turn()
        self._keeping = threading.Lock()  # never held while waiting
        self._kept: deque[IdentifyStreamRequest] = deque()  # of frames that have not had their last answer
        self._first = 0  # number of the first of them
        self._open_frame = 0  # the first frame that has not had its last answer
        self._attempt: object = None  # the call that frames are for
        self.sent: deque[_Sent] = deque()
        self.error: Exception | None = None

    def attempt(self) -> _Attempt:
        """The requests of a call, from the first that needs an answer on; calls before it get no more."""
        with self._keeping:
            self._forget_answered()
            self._attempt = attempt = _Attempt(self, self._first)
        return attempt

    def request(self, number: int, attempt: _Attempt) -> IdentifyStreamRequest:
        """The request of that number, which may have been made for a call before."""
        request = self._made(number, attempt)
        if request is None:  # what was made is sent again at once: a call before may wait for the camera in its turn
            with self._turn:
                request = self._made(number, attempt)
                if request is None:
                    if attempt is not self._attempt:
                        raise StopIteration
                    request = self._next()
                    with self._keeping:
                        self._forget_answered()
                        self._kept.append(request)
        return request

    def _made(self, number: int, attempt: _Attempt) -> IdentifyStreamRequest | None:
        """The request of that number, if it was made and the call is not over."""
        with self._keeping:
            if attempt is self._attempt and 0 <= number - self._first < len(self._kept):
                return self._kept[number - self._first]
        return None

    def _forget_answered(self) -> None:
        while self._kept and self._kept[0].frame_id < self._open_frame:
            self._kept.popleft()
            self._first += 1

    def _next(self) -> IdentifyStreamRequest:
        self._worker.enter()
        if self._stopped:
            raise StopIteration
        try:
            request = self._next_part() or self._next_frame()
        except StopIteration:
            self._stopped = True
            raise
        except Exception as error:
            self._stopped = True
            self.error = error
            raise StopIteration from None
        self.sent.append(self._last)
        return request

    def answered(self, frame_id: int, *, provisional: bool) -> None:
        """Says that a frame is answered, and whether the server wants more of it."""
        self._open_frame = frame_id + (not provisional)
        self._tell(more_wanted=provisional)

    def _tell(self, *, more_wanted: bool) -> None:
        waited_for = self._more_wanted
        if waited_for is not None:
            with contextlib.suppress(concurrent.futures.InvalidStateError):  # told before
                waited_for.set_result(more_wanted)

    def stop(self) -> None:
        """Asks for no more frames, and lets go of the camera: a generator that nothing else holds ends then."""
        self._stopped = True
        self._worker.stop()
        self._tell(more_wanted=False)
        self._frames = iterate(())
        self._attempt = None  # which refers to this

    def _next_part(self) -> IdentifyStreamRequest | None:
        """The next part of the last frame, if it came in parts and the server wants another."""
        if self._more_wanted is None:
            return None
        wanted = result(self._more_wanted)
        if self._stopped:
            raise StopIteration
        if not wanted or not self._parts:
            self._more_wanted = None
            return None
        return self._part(self._last.frame_id, self._last.request_bytes, self._last.device_extract)

    def _next_frame(self) -> IdentifyStreamRequest:
        frame = next(self._frames)
        if self._stopped:
            raise StopIteration
        source = self._prepare(frame)
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


class _Attempt(Iterator[IdentifyStreamRequest]):
    """The requests of one call."""

    def __init__(self, feed: _Feed, first: int) -> None:
        self._feed = feed
        self._number = first

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> IdentifyStreamRequest:
        request = self._feed.request(self._number, self)
        self._number += 1
        return request


class AnswerStream(Iterator[StreamAnswer]):
    """Iterates over the answers to the frames; the call begins with the first and ends with the last.

    Where the server goes, the call is made again, on another server if there are several, and goes on with the frames
    that were not answered.

    Leaving the loop early cancels the call; a ``with`` block around it, or :meth:`cancel`, makes sure of that when
    something else still holds the iterator.
    """

    def __init__(
        self,
        connection: Connection,
        frames: Frames[Photo],
        prepare: Callable[[Photo], Source],
        query: Query,
        timeout: float | None,
    ) -> None:
        self._connection = connection
        self._feed = _Feed(frames, prepare, query)
        self._timeout = timeout
        self._attempts = 0  # since the last answer
        self._dropped = 0  # in calls before
        self._dropped_now = 0  # in this one
        self._last_sent = _Sent(0, 0, None, 0.0)  # of the last answer
        self._deadline: float | None = None  # of all attempts, by time.monotonic
        self._responses: Responses[IdentifyStreamResponse] | None = None
        self._ended = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> StreamAnswer:
        if self._ended:
            raise StopIteration
        try:
            response = self._read()
        except (grpc.RpcError, CancelledError) as error:
            cancelled_by_consumer = self._ended
            self.cancel()
            if cancelled_by_consumer:
                raise StopIteration from None
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
            raise StopIteration
        self._attempts = 1
        self._dropped_now = response.dropped_frames
        self._feed.answered(response.frame_id, provisional=response.provisional)
        return self._answer(response)

    def _read(self) -> IdentifyStreamResponse | None:
        """The next response, of a further call if one breaks."""
        while True:
            if self._responses is None:
                self._responses = Responses(self._called())
            try:
                return self._responses.read()
            except grpc.RpcError as error:
                pause = FIRST_PAUSE_SECONDS * 2 ** (self._attempts - 1)
                if not self._makes_again(error, pause):
                    raise
            sleep(min(pause, LONGEST_PAUSE_SECONDS))
            self._responses = None
            self._dropped, self._dropped_now = self._dropped + self._dropped_now, 0

    def _called(self) -> StreamCall[IdentifyStreamResponse]:
        if self._timeout is not None and self._deadline is None:
            self._deadline = time.monotonic() + self._timeout
        self._attempts += 1
        timeout = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
        method = self._connection.link.visual_search.IdentifyStream
        return method(self._feed.attempt(), timeout=timeout, metadata=self._connection.metadata())

    def _makes_again(self, error: grpc.RpcError, pause: float) -> bool:
        settings = self._connection.settings
        failure = failure_of(error, target=settings.target, timeout=self._timeout)
        return (
            isinstance(failure.error, UnavailableError)
            and not (self._ended or self._feed.error)
            and self._attempts < settings.max_attempts
            and (self._deadline is None or time.monotonic() + pause < self._deadline)
        )

    def cancel(self) -> None:
        """Ends the stream: no more frames are taken, no more answers come."""
        self._ended = True
        self._feed.stop()
        if self._responses is not None:
            self._responses.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cancel()

    def __del__(self) -> None:
        if not getattr(self, "_ended", True):
            with contextlib.suppress(RuntimeError):  # the event loop was closed before
                self.cancel()

    def _answer(self, response: IdentifyStreamResponse) -> StreamAnswer:
        while self._feed.sent and self._feed.sent[0].frame_id <= response.frame_id:
            self._last_sent = self._feed.sent.popleft()
        sent = self._last_sent
        if sent.frame_id != response.frame_id:  # of no frame that was sent
            sent = _Sent(response.frame_id, 0, None, time.perf_counter())
        answer = to_answer(
            response.answer,
            request_bytes=sent.request_bytes,
            device_extract=sent.device_extract,
            round_trip=(time.perf_counter() - sent.time) * 1e3,
        )
        return StreamAnswer(response.frame_id, answer, self._dropped + self._dropped_now, response.provisional)
