"""gRPC statuses to the errors of :mod:`steeple.errors`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2  # type: ignore[import-untyped]
from grpc_status import rpc_status  # type: ignore[import-untyped]

from steeple.errors import CancelledError, SteepleError, error_class

DOMAIN: Final = "steeple"
"""``google.rpc.ErrorInfo.domain`` of reasons that are names of classes of :mod:`steeple.errors`."""

_TOO_LARGE: Final = "message larger than max"  # gRPC's own words, in all its languages' servers
_M = TypeVar("_M", bound=Message)


@dataclass(frozen=True)
class Failure:
    """How a call failed.

    Attributes:
        error: What to raise.
        retry_delay: Seconds after which the server asks to be called again; None if it does not.
        lost: Whether the connection broke in a way that gRPC does not make a call again for.
    """

    error: SteepleError
    retry_delay: float | None = None
    lost: bool = False


@dataclass
class _Details:
    info: error_details_pb2.ErrorInfo | None = None
    request_id: str = ""
    retry_delay: float | None = None
    fields: list[str] = field(default_factory=list)


class _FinishedCall(Protocol):
    """What an RpcError of either of gRPC's APIs is at the same time."""

    def code(self) -> grpc.StatusCode: ...
    def details(self) -> str | None: ...


# What gRPC says where the server has said nothing: its asyncio API of a message that is sent while the connection
# breaks, both of a proxy that has lost its server in the middle of an answer, and both of a call that was on its way
# when a server closed its connections. Who cancels a call, or closes the client, is told so in other words.
_GONE: Final = "Internal error from Core"
_RESET: Final = "RST_STREAM"
_CLOSING: Final = "CANCELLED"


def failure_of(error: grpc.RpcError, *, target: str, timeout: float | None) -> Failure:
    """The failure that an RpcError (of ``grpc`` or ``grpc.aio``) stands for.

    The class comes from the status and, when the server sent one, ``google.rpc.ErrorInfo``; its metadata, the field of
    a ``google.rpc.BadRequest`` and the ``request_id`` of a ``google.rpc.RequestInfo`` become the error's metadata.
    """
    call: _FinishedCall = error
    code = call.code()
    details = _details(error)
    lost = details.info is None and _is_of_grpc(code, call.details() or "")
    if lost:
        code = grpc.StatusCode.UNAVAILABLE
    if details.info is not None:
        cls, text = error_class(code.name, details.info.reason), call.details() or code.name
    else:
        cls, text = error_class(code.name), _explained(code, call.details() or code.name, target, timeout)
    result = cls(text)
    if details.info is not None:
        result.metadata.update(details.info.metadata)
    if details.fields:
        result.metadata.setdefault("field", ", ".join(details.fields))
    if details.request_id:
        result.metadata.setdefault("request_id", details.request_id)
    return Failure(result, details.retry_delay, lost)


def _is_of_grpc(code: grpc.StatusCode, text: str) -> bool:
    if code is grpc.StatusCode.CANCELLED:
        return text == _CLOSING
    return code is grpc.StatusCode.INTERNAL and (text == _GONE or _RESET in text)


def abandoned(cancelled: asyncio.CancelledError) -> BaseException:
    """What to raise for a cancellation seen by a task: itself if the task was cancelled, else our own error.

    gRPC's asyncio API raises ``asyncio.CancelledError`` also for a call that ended because its channel was closed.
    """
    task = asyncio.current_task()
    return cancelled if task is None or task.cancelling() else closed()


def closed() -> CancelledError:
    """The error of a call that was under way when the client was closed."""
    return CancelledError("the client was closed before the call was done")


def _explained(code: grpc.StatusCode, text: str, target: str, timeout: float | None) -> str:
    """The text of a status that the server did not explain, with what to do about it."""
    if code is grpc.StatusCode.UNAVAILABLE:
        return f"cannot reach a Steeple server at {target}: {text}"
    if code is grpc.StatusCode.DEADLINE_EXCEEDED and timeout is not None:
        return f"no answer from {target} within {timeout:g} s; a longer timeout allows more"
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return f"what answers at {target} is no Steeple server of this version: {text}"
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and _TOO_LARGE in text:
        return f"the request is larger than the server takes; send the photo smaller, or less at once ({text})"
    if code is grpc.StatusCode.CANCELLED:
        return f"the call was cancelled: {text}"
    return text


def _details(error: grpc.RpcError) -> _Details:
    details = _Details()
    try:
        status = rpc_status.from_call(error)
    except (ValueError, DecodeError):  # not what the status says: somebody between altered one of them
        return details
    for packed in status.details if status is not None else ():
        if info := _unpacked(packed, error_details_pb2.ErrorInfo()):
            details.info = info if info.domain == DOMAIN else details.info
        elif retry := _unpacked(packed, error_details_pb2.RetryInfo()):
            details.retry_delay = max(0.0, retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9)
        elif request := _unpacked(packed, error_details_pb2.RequestInfo()):
            details.request_id = request.request_id
        elif bad := _unpacked(packed, error_details_pb2.BadRequest()):
            details.fields += [violation.field for violation in bad.field_violations if violation.field]
    return details


def _unpacked(packed: AnyMessage, message: _M) -> _M | None:
    try:
        return message if packed.Unpack(message) else None
    except DecodeError:
        return None
