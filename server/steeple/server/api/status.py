"""From an exception to a gRPC status with its details: the one place that knows how."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]

from steeple.errors import InternalError, InvalidArgumentError, SteepleError

DOMAIN: Final = "steeple"
"""``google.rpc.ErrorInfo.domain`` of every error."""

FIELD: Final = "field"
"""Metadata of an :class:`InvalidArgumentError`: path of the field that is wrong, as in ``query.max_candidates``."""

RESOURCE: Final = "resource"
"""Metadata of any error: name of the resource it is about, as in ``landmarks/big-ben``."""

RETRY_DELAY: Final = "retry_delay_seconds"
"""Metadata of an error that goes away: seconds after which another try is worth while."""

INCIDENT: Final = "incident"
"""Metadata of an :class:`InternalError`: what to look for in the server's log."""

# Details travel in HTTP/2 trailers, of which clients take 8 KiB unless told otherwise.
_LONGEST_MESSAGE: Final = 1024
_LONGEST_VALUE: Final = 256

_TYPES: Final = {  # by the collections in a name
    "auditEvents": "AuditEvent",
    "discoveries": "Discovery",
    "discoveries/photos": "DiscoveryPhoto",
    "discoveries/proposals": "Proposal",
    "keys": "Key",
    "landmarks": "Landmark",
    "landmarks/images": "ReferenceImage",
    "models": "Model",
    "operations": "Operation",
    "packs": "Pack",
    "people": "Person",
    "people/sessions": "Session",
    "queries": "KeptQuery",
    "snapshots": "Snapshot",
    "uploads": "Upload",
    "views": "View",
}


def incident(error: BaseException) -> InternalError:
    """What the caller is told of an exception that nobody expected: nothing but a number to report."""
    number = secrets.token_hex(4)
    told = InternalError(
        f"the server met an error it did not expect; its log has the details under incident {number}",
        **{INCIDENT: number},
    )
    told.__cause__ = error
    return told


def rich_status(error: SteepleError, request_id: str = "") -> status_pb2.Status:
    """The ``google.rpc.Status`` of an error.

    Always with ErrorInfo; with RequestInfo if there is a ``request_id``, and with BadRequest, ResourceInfo and
    RetryInfo where the error's metadata say which field, which resource and when to try again.
    """
    code = grpc.StatusCode[error.status]
    message = _clip(error.message, _LONGEST_MESSAGE)
    details: list[Message] = [
        error_details_pb2.ErrorInfo(
            reason=error.reason,
            domain=DOMAIN,
            metadata={key: _clip(value, _LONGEST_VALUE) for key, value in error.metadata.items()},
        )
    ]
    if request_id:
        details.append(error_details_pb2.RequestInfo(request_id=request_id))
    if FIELD in error.metadata:
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=_clip(error.metadata[FIELD], _LONGEST_VALUE), description=message
        )
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    if RESOURCE in error.metadata:
        name = error.metadata[RESOURCE]
        details.append(
            error_details_pb2.ResourceInfo(
                resource_type=_resource_type(name), resource_name=_clip(name, _LONGEST_VALUE), description=message
            )
        )
    if RETRY_DELAY in error.metadata:
        delay = duration_pb2.Duration()
        delay.FromNanoseconds(round(float(error.metadata[RETRY_DELAY]) * 1e9))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    return status_pb2.Status(code=code.value[0], message=message, details=[_packed(detail) for detail in details])


@contextmanager
def about(field: str) -> Iterator[None]:
    """Errors of wrong arguments inside name ``field``, unless they name one; also those of a file that it names."""
    try:
        yield
    except InvalidArgumentError as error:
        error.metadata.setdefault(FIELD, field)
        raise


def _packed(message: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed


def _clip(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _resource_type(name: str) -> str:
    of = _TYPES.get("/".join(name.split("/")[::2])) if name.count("/") % 2 else None
    return f"steeple.v1.{of}" if of else "steeple.v1"
