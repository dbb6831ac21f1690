"""What every call of ``steeple.v1`` goes through: an id, readiness, errors to statuses, metrics, a line in the log."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar, cast

import grpc
from google.protobuf.message import DecodeError

from steeple.errors import InternalError, InvalidArgumentError, SteepleError
from steeple.server.api.metrics import Metrics
from steeple.server.api.readiness import Readiness
from steeple.server.api.status import INCIDENT, incident, rich_status
from steeple.server.api.tracing import Tracing
from steeple.server.logs import facts, within_request

log = logging.getLogger(__name__)

_OURS: Final = "/steeple.v1."
_DETAILS: Final = "grpc-status-details-bin"

REQUEST_ID: Final = "x-request-id"
"""Metadata of a call and trailing metadata of its answer: an id to find the call by, the caller's or one made here."""

_USABLE_ID: Final = re.compile(r"[!-~]{1,128}", re.ASCII)

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"  # generic in the stubs only
Context = grpc.aio.ServicerContext[Any, Any]
UnaryHandler = Callable[[object, Context], Awaitable[object]]
StreamHandler = Callable[[AsyncIterator[object], Context], AsyncGenerator[object, None]]
ResponseT = TypeVar("ResponseT")


@dataclass(frozen=True)
class _Call:
    """A call in progress.

    Attributes:
        method: ``/steeple.v1.Service/Method``.
        context: gRPC's.
        request_id: To find it by.
        traced: Told the status that it ends with.
        began: When it came, by ``time.perf_counter``.
    """

    method: str
    context: Context
    request_id: str
    traced: Callable[[str], None]
    began: float


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Wraps the handlers of our own services; those of others (health, reflection) stay as they are."""

    def __init__(self, readiness: Readiness, metrics: Metrics, tracing: Tracing) -> None:
        self._readiness = readiness
        self._metrics = metrics
        self._tracing = tracing

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """The handler of the called method, wrapped."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or handler.request_deserializer is None or not method.startswith(_OURS):
            return handler
        deserialize = _tolerant(handler.request_deserializer)
        # The stubs describe handlers of the blocking server only.
        if handler.unary_unary is not None:
            unary = self._unary(method, cast("UnaryHandler", handler.unary_unary))
            return grpc.unary_unary_rpc_method_handler(unary, deserialize, handler.response_serializer)
        streams = self._streams(method, cast("StreamHandler", handler.stream_stream))
        return grpc.stream_stream_rpc_method_handler(streams, deserialize, handler.response_serializer)

    def _unary(self, method: str, handle: UnaryHandler) -> UnaryHandler:
        async def call(request: object, context: Context) -> object:
            async def work() -> object:
                return await handle(_checked(request), context)

            return await self._run(method, context, work)

        return call

    def _streams(
        self, method: str, handle: StreamHandler
    ) -> Callable[[AsyncIterator[object], Context], Awaitable[None]]:
        async def call(requests: AsyncIterator[object], context: Context) -> None:
            async def work() -> None:
                async with aclosing(handle(_all_checked(requests), context)) as responses:
                    async for response in responses:
                        await context.write(response)

            await self._run(method, context, work)

        return call

    async def _run(self, method: str, context: Context, work: Callable[[], Awaitable[ResponseT]]) -> ResponseT:
        metadata = context.invocation_metadata() or ()
        request_id = _request_id_of(metadata)
        with within_request(request_id), self._tracing.call(method[1:], metadata, request_id) as traced:
            context.set_trailing_metadata(((REQUEST_ID, request_id),))
            self._metrics.began(_short(method))
            return await self._attempt(_Call(method, context, request_id, traced, time.perf_counter()), work)

    async def _attempt(self, call: _Call, work: Callable[[], Awaitable[ResponseT]]) -> ResponseT:
        try:
            with self._readiness.call():
                response = await work()
        except asyncio.CancelledError:
            remaining = call.context.time_remaining()
            self._end(call, "DEADLINE_EXCEEDED" if remaining is not None and remaining <= 0 else "CANCELLED")
            raise
        except Exception as error:
            told = _told(error)
            self._end(call, told.status, told)
            status = rich_status(told, call.request_id)
            trailers = ((REQUEST_ID, call.request_id), (_DETAILS, status.SerializeToString()))
            await call.context.abort(grpc.StatusCode[told.status], status.message, trailers)
        self._end(call, "OK")
        return response

    def _end(self, call: _Call, status: str, error: SteepleError | None = None) -> None:
        seconds = time.perf_counter() - call.began
        call.traced(status)
        self._metrics.ended(_short(call.method), status, seconds)
        _log_call(call, status, seconds, error)


def _request_id_of(metadata: Iterable[tuple[str, str | bytes]]) -> str:
    """The caller's id of the call, if it can be logged as it is, else a new one."""
    for key, value in metadata:
        if key == REQUEST_ID and isinstance(value, str) and _USABLE_ID.fullmatch(value):
            return value
    return secrets.token_hex(8)


def _short(method: str) -> str:
    """``Service/Method`` of ``/steeple.v1.Service/Method``."""
    return method.removeprefix(_OURS)


def _told(error: Exception) -> SteepleError:
    """What the caller is told of an error."""
    if isinstance(error, InternalError) and INCIDENT not in error.metadata:
        return incident(error)
    return error if isinstance(error, SteepleError) else incident(error)


def _log_call(call: _Call, status: str, seconds: float, error: SteepleError | None) -> None:
    values: dict[str, object] = {
        "method": call.method,
        "status": status,
        "ms": round(seconds * 1000, 1),
        "peer": call.context.peer(),
    }
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
