"""What Milvus's errors mean to Steeple."""

from __future__ import annotations

from typing import Any, Final

import grpc

from steeple.errors import (
    FailedPreconditionError,
    InternalError,
    ResourceExhaustedError,
    SteepleError,
    UnavailableError,
)

COLLECTION_NOT_FOUND: Final = 100

ABOUT: Final = {"engine": "Milvus"}
"""Metadata of errors: what is away is Milvus, and not a server of Steeple's."""

# Codes of Milvus 2.3 and later (pkg/util/merr); 0 is success.
_EXHAUSTED: Final = frozenset({3, 4, 8, 9, 102})  # memory, requests, rate, denied for want of a quota, collections
_REFUSED: Final = frozenset({1400, 1401, 1402})  # credentials, privileges
_MISSING: Final = frozenset(
    {COLLECTION_NOT_FOUND, 200, 700, 800, 1600}
)  # collection, partition, index, database, alias
_WRONG: Final = range(1100, 1200)

# Of servers before, and of parts of 2.3 that still answer so: common.ErrorCode.
_OLD_EXHAUSTED: Final = frozenset({48, 49, 52, 53, 54})
_OLD_REFUSED: Final = frozenset({3})
_OLD_MISSING: Final = frozenset({4, 28, 25})
_OLD_WRONG: Final = frozenset({5, 7, 8, 9, 10, 11, 12, 22, 23, 51})

_LENGTH: Final = 500  # of Milvus's words in ours


class MissingError(FailedPreconditionError):
    """A collection, partition, index or alias is not there."""


def of_status(status: Any, doing: str) -> SteepleError | None:  # noqa: ANN401 - common_pb2.Status
    """The error that a status stands for; None: success.

    Args:
        status: Of an answer.
        doing: What was tried, as in ``search``.
    """
    code, old = int(status.code), int(status.error_code)
    if not code and not old:
        return None
    words = f"Milvus failed to {doing}: {status.reason[:_LENGTH]} (code {code or old})"
    if code in _EXHAUSTED or (not code and old in _OLD_EXHAUSTED):
        return ResourceExhaustedError(words)
    if code in _REFUSED or (not code and old in _OLD_REFUSED):
        return FailedPreconditionError(f"{words}; check milvus_token")
    if code in _MISSING or (not code and old in _OLD_MISSING):
        return MissingError(words)
    if not status.retriable and (code in _WRONG or (not code and old in _OLD_WRONG)):
        return InternalError(words)
    # All others are what a part of it that is starting, moving or failing says; also "unexpected" ones.
    return UnavailableError(words, **ABOUT)


def of_call(error: grpc.RpcError, doing: str, where: str) -> SteepleError:
    """The error that a failed call stands for.

    Args:
        error: As gRPC raises it.
        doing: What was tried.
        where: Host and port.
    """
    code: grpc.StatusCode = error.code()
    details = str(error.details() or "")[:_LENGTH]
    if code in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
        return FailedPreconditionError(f"Milvus at {where} refuses to {doing}: {details}; check milvus_token")
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return FailedPreconditionError(
            f"what answers at {where} is no Milvus, or one too old to {doing}; check milvus_uri"
        )
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return ResourceExhaustedError(f"Milvus at {where} has no room to {doing}: {details}")
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return UnavailableError(f"Milvus at {where} did not {doing} in time", **ABOUT)
    return UnavailableError(f"Milvus at {where} cannot be reached to {doing}: {details}", **ABOUT)
