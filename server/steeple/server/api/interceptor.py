"""What every call goes through: an id, readiness, keys, errors to statuses, metrics, one line in the log."""

from __future__ import annotations

import asyncio
import logging
import math
import re
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final, NoReturn, TypeAlias, TypeVar, cast

import grpc
from google.protobuf.message import DecodeError

from steeple.errors import CancelledError, InternalError, InvalidArgumentError, SteepleError, UnavailableError
from steeple.server.access import Credential
from steeple.server.api.caller import Caller, address_of, within_call
from steeple.server.api.guard import Admission, Guard
from steeple.server.api.metrics import Metrics
from steeple.server.api.readiness import Readiness
from steeple.server.api.status import INCIDENT, incident, rich_status
from steeple.server.api.tracing import Tracing
from steeple.server.descriptors import check_descriptors
from steeple.server.logs import facts, within_request
from steeple.v1.visual_search_service_pb2 import Answer, IdentifyStreamResponse

log = logging.getLogger(__name__)

_OURS: Final = "/steeple.v1."
_DETAILS: Final = "grpc-status-details-bin"

REQUEST_ID: Final = "x-request-id"
"""Metadata of a call and trailing metadata of its answer: an id to find the call by, the caller's or one made here."""

_USABLE_ID: Final = re.compile(r"[!-~]{1,128}", re.ASCII)

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"  # generic in the stubs only
Context = grpc.aio.ServicerContext[Any, Any]
UnaryHandler = Callable[[object, Context], Awaitable[object]]
CollectHandler = Callable[[AsyncIterator[object], Context], Awaitable[object]]
SendHandler = Callable[[object, Context], AsyncGenerator[object, None]]
StreamHandler = Callable[[AsyncIterator[object], Context], AsyncGenerator[object, None]]
ResponseT = TypeVar("ResponseT")


@dataclass
class _Call:
    """A call in progress.

    Attributes:
        method: ``/steeple.v1.Service/Method``.
        context: gRPC's.
        request_id: To find it by.
        traced: Told the status that it ends with.
        began: When it came, by ``time.perf_counter``.
        key: Who calls, once that is known.
    """

    method: str
    context: Context
    request_id: str
    traced: Callable[[str], None]
    began: float
    key: Credential | None = None


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Wraps the handlers of our own services; those of others (health, reflection) at most ask for a key.

    Args:
        readiness: Where the engine is.
        guard: Lets calls through.
        metrics: Count calls.
        tracing: Makes spans of them.
        closed: What the methods that ask for a key begin with, beside those of our own services.
    """

    def __init__(
        self, readiness: Readiness, guard: Guard, metrics: Metrics, tracing: Tracing, closed: tuple[str, ...] = ()
    ) -> None:
        self._readiness = readiness
        self._metrics = metrics
        self._tracing = tracing
        self._guard = guard
        self._closed = closed

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """The handler of the called method, wrapped."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is not None and method.startswith(self._closed):
            try:
                self._guard.identify(handler_call_details.invocation_metadata)
            except SteepleError as error:
                return _refusing(handler, error)
        if handler is None or handler.request_deserializer is None:
            return handler
        deserialize = _tolerant(handler.request_deserializer)
        if not method.startswith(_OURS):
            return _forgiving(handler, deserialize)
        return self._wrapped(handler, method, deserialize)

    def _wrapped(self, handler: Handler, method: str, deserialize: Callable[[bytes], object]) -> Handler:
        # The stubs describe handlers of the blocking server only.
        if handler.unary_unary is not None:
            unary = self._unary(method, cast("UnaryHandler", handler.unary_unary))
            return grpc.unary_unary_rpc_method_handler(unary, deserialize, handler.response_serializer)
        if handler.stream_unary is not None:
            collects = self._collects(method, cast("CollectHandler", handler.stream_unary))
            return grpc.stream_unary_rpc_method_handler(collects, deserialize, handler.response_serializer)
        if handler.unary_stream is not None:
            sends = self._sends(method, cast("SendHandler", handler.unary_stream))
            return grpc.unary_stream_rpc_method_handler(sends, deserialize, handler.response_serializer)
        streams = self._streams(method, cast("StreamHandler", handler.stream_stream))
        return grpc.stream_stream_rpc_method_handler(streams, deserialize, handler.response_serializer)

    def _unary(self, method: str, handle: UnaryHandler) -> UnaryHandler:
        async def call(request: object, context: Context) -> object:
            async def work(admission: Admission) -> object:
                return await admission.answer(lambda: handle(_checked(request), context))

            return await self._run(method, context, work, request)

        return call

    def _collects(self, method: str, handle: CollectHandler) -> CollectHandler:
        async def call(requests: AsyncIterator[object], context: Context) -> object:
            async def work(admission: Admission) -> object:
                checked = admission.requests(_all_checked(requests))
                return await admission.answer(lambda: handle(checked, context))

            return await self._run(method, context, work)

        return call

    def _sends(self, method: str, handle: SendHandler) -> Callable[[object, Context], Awaitable[None]]:
        async def call(request: object, context: Context) -> None:
            async def send() -> None:
                async with aclosing(handle(_checked(request), context)) as responses:
                    async for response in responses:
                        await _write(context, response)

            async def work(admission: Admission) -> None:
                await admission.answer(send)

            await self._run(method, context, work, request)

        return call

    def _streams(
        self, method: str, handle: StreamHandler
    ) -> Callable[[AsyncIterator[object], Context], Awaitable[None]]:
        async def call(requests: AsyncIterator[object], context: Context) -> None:
            async def work(admission: Admission) -> None:
                async with aclosing(handle(_all_checked(requests), context)) as responses:
                    await _answer_frames(responses, admission, context)

            await self._run(method, context, work)

        return call

    async def _run(
        self,
        method: str,
        context: Context,
        work: Callable[[Admission], Awaitable[ResponseT]],
        request: object = None,
    ) -> ResponseT:
        metadata = context.invocation_metadata() or ()
        request_id = _request_id_of(metadata)
        with within_request(request_id), self._tracing.call(method[1:], metadata, request_id) as traced:
            context.set_trailing_metadata(((REQUEST_ID, request_id),))
            self._metrics.began(_short(method))
            return await self._attempt(_Call(method, context, request_id, traced, time.perf_counter()), work, request)

    async def _attempt(
        self, call: _Call, work: Callable[[Admission], Awaitable[ResponseT]], request: object
    ) -> ResponseT:
        try:
            with self._readiness.call():
                method = call.method.removeprefix("/")
                call.key = self._guard.identify(call.context.invocation_metadata(), method)
                admission = self._guard.admit(method, call.key, request)
                with within_call(_caller_of(call, changes=admission.changes)):
                    response = await work(admission)
        except asyncio.CancelledError:
            remaining = call.context.time_remaining()
            self._end(call, "DEADLINE_EXCEEDED" if remaining is not None and remaining <= 0 else "CANCELLED")
            raise
        except Exception as error:
            told = _told(error)
            self._end(call, told.status, told)
            await _abort(call.context, told, call.request_id)
        self._end(call, "OK")
        return response

    def _end(self, call: _Call, status: str, error: SteepleError | None = None) -> None:
        seconds = time.perf_counter() - call.began
        call.traced(status)
        self._metrics.ended(_short(call.method), status, seconds)
        _log_call(call, status, seconds, error)


def _caller_of(call: _Call, *, changes: bool) -> Caller:
    remaining = call.context.time_remaining()
    deadline = math.inf if remaining is None else time.monotonic() + remaining
    return Caller(call.key, address_of(call.context.peer()), deadline, changes)


def _request_id_of(metadata: Iterable[tuple[str, str | bytes]]) -> str:
    """The caller's id of the call, if it can be logged as it is, else a new one."""
    for key, value in metadata:
        if key == REQUEST_ID and isinstance(value, str) and _USABLE_ID.fullmatch(value):
            return value
    return secrets.token_hex(8)


def _short(method: str) -> str:
    """``Service/Method`` of ``/steeple.v1.Service/Method``."""
    return method.removeprefix(_OURS)


async def _answer_frames(responses: AsyncGenerator[object, None], admission: Admission, context: Context) -> None:
    """Sends the answers of a stream, each frame counted once, none faster than the key's rate."""
    admission.begin_frame()  # what is used up already is told before any work is done
    admission.end_frame(None)
    frame: int | None = None  # that was counted and may get more answers
    answer: Answer | None = None
    try:
        async for response in cast("AsyncGenerator[IdentifyStreamResponse, None]", responses):
            if response.frame_id != frame:
                if frame is not None:  # overtaken after a provisional answer
                    await _end_frame(admission, answer)
                    frame = None
                admission.begin_frame()
                frame = response.frame_id
            answer = response.answer
            await _write(context, response)
            if not response.provisional:
                frame = None
                await _end_frame(admission, answer)
    finally:
        if frame is not None:
            admission.end_frame(answer)


async def _write(context: Context, response: object) -> None:
    try:
        await context.write(response)
    except grpc.aio.BaseError as error:  # before gRPC cancels the call, which it does next
        raise CancelledError("the caller hung up before all was sent") from error


async def _end_frame(admission: Admission, answer: Answer | None) -> None:
    admission.end_frame(answer)
    await admission.pace()


def _refusing(handler: Handler, error: SteepleError) -> Handler:
    """A handler of the same kind that only says why not."""

    async def refuse(_: object, context: Context) -> None:
        await _abort(context, error, _request_id_of(context.invocation_metadata() or ()))

    make = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }[bool(handler.request_streaming), bool(handler.response_streaming)]
    return make(cast("Any", refuse), handler.request_deserializer, handler.response_serializer)


def _forgiving(handler: Handler, deserialize: Callable[[bytes], object]) -> Handler:
    """A handler of the same kind, of another's service, that refuses what is no message; gRPC calls that INTERNAL."""
    if handler.stream_stream is not None:
        answer = cast("StreamHandler", handler.stream_stream)

        async def streams(requests: AsyncIterator[object], context: Context) -> AsyncIterator[object]:
            try:
                async for response in answer(_all_checked(requests), context):
                    yield response
            except InvalidArgumentError as error:
                await _abort(context, error, _request_id_of(context.invocation_metadata() or ()))

        return grpc.stream_stream_rpc_method_handler(streams, deserialize, handler.response_serializer)
    handle = cast("UnaryHandler", handler.unary_unary or handler.unary_stream)

    async def call(request: object, context: Context) -> object:
        try:
            checked = _checked(request)
        except InvalidArgumentError as error:
            await _abort(context, error, _request_id_of(context.invocation_metadata() or ()))
        return await handle(checked, context)

    make = grpc.unary_unary_rpc_method_handler if handler.unary_unary else grpc.unary_stream_rpc_method_handler
    return make(cast("Any", call), deserialize, handler.response_serializer)


async def _abort(context: Context, error: SteepleError, request_id: str) -> NoReturn:
    status = rich_status(error, request_id)
    trailers = ((REQUEST_ID, request_id), (_DETAILS, status.SerializeToString()))
    await context.abort(grpc.StatusCode[error.status], status.message, trailers)
    raise error  # never reached: abort raises


def _told(error: Exception) -> SteepleError:
    """What the caller is told of an error."""
    if isinstance(error, InternalError) and INCIDENT not in error.metadata:
        return incident(error)
    if isinstance(error, SteepleError):
        return error
    try:
        check_descriptors()
    except UnavailableError as shortage:
        log.warning("there are no file descriptors left; raise the limit (ulimit -n)", exc_info=error)
        return shortage
    return incident(error)


def _log_call(call: _Call, status: str, seconds: float, error: SteepleError | None) -> None:
    values: dict[str, object] = {
        "method": call.method,
        "status": status,
        "ms": round(seconds * 1000, 1),
        "peer": call.context.peer(),
    }
    if call.key is not None:
        values["key"] = call.key.name
    if error is not None:
        values["error"] = error.message
    if isinstance(error, InternalError):
        log.error("call", extra=facts(**{**error.metadata, **values}), exc_info=error.__cause__)
    else:
        log.info("call", extra=facts(**values))


class _Malformed:
    """Stands for a request whose bytes are no message, until it can be answered in the usual way."""

    def __init__(self, error: DecodeError) -> None:
        self.error = error


def _tolerant(deserialize: Callable[[bytes], object]) -> Callable[[bytes], object]:
    def deserialize_or_mark(data: bytes) -> object:
        try:
            return deserialize(data)
        except DecodeError as error:
            return _Malformed(error)

    return deserialize_or_mark


def _checked(request: object) -> object:
    if isinstance(request, _Malformed):
        raise InvalidArgumentError(
            f"the request is not the Protocol Buffers message that this method takes ({request.error})"
        )
    return request


async def _all_checked(requests: AsyncIterator[object]) -> AsyncIterator[object]:
    async for request in requests:
        yield _checked(request)
