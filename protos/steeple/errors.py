"""The one exception tree of Steeple.

Every error that Steeple raises on purpose derives from :class:`SteepleError`. A class stands for a
gRPC status, so that an error keeps its type from the server, over the wire, to the caller of the SDK::

    SteepleError
    ├── InvalidArgumentError        the request can never succeed as it is
    │   ├── ImageError              the photo cannot be used: unreadable, truncated, too small, too large
    │   └── FeatureSetError         the local features are malformed
    ├── NotFoundError               no such landmark, reference image or model release
    ├── AlreadyExistsError          the id is taken
    ├── FailedPreconditionError     the state of the system forbids it
    │   └── ModelMismatchError      features of a model release that is not served
    ├── AbortedError                somebody else was faster (etag)
    │   └── ChangedSinceError       what is to be undone was changed again
    ├── ResourceExhaustedError      too large, or too many at once
    ├── UnauthenticatedError        no key, or an unknown one
    ├── PermissionDeniedError       the key does not cover this call
    ├── DeadlineExceededError       not done in time
    ├── CancelledError              the caller gave up
    ├── UnavailableError            the server cannot be reached, or is not ready
    ├── DataLossError               stored data is missing or corrupt
    │   ├── ReleaseError            a model release is incomplete or altered
    │   ├── SnapshotError           a snapshot of an index or a server is truncated, corrupt or foreign
    │   └── PackError               an offline pack is truncated, corrupt or foreign
    └── InternalError               a defect in Steeple
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

__all__ = [
    "AbortedError",
    "AlreadyExistsError",
    "CancelledError",
    "ChangedSinceError",
    "DataLossError",
    "DeadlineExceededError",
    "FailedPreconditionError",
    "FeatureSetError",
    "ImageError",
    "InternalError",
    "InvalidArgumentError",
    "ModelMismatchError",
    "NotFoundError",
    "PackError",
    "PermissionDeniedError",
    "ReleaseError",
    "ResourceExhaustedError",
    "SnapshotError",
    "SteepleError",
    "UnauthenticatedError",
    "UnavailableError",
    "error_class",
]


class SteepleError(Exception):
    """Base of all errors of Steeple.

    Attributes:
        message: What is wrong and what to do, for a person.
        metadata: Facts for programs, such as ``{"resource": "landmarks/big-ben"}``.
        status: Name of the gRPC status that stands for this class.
        reason: Stable identifier of the class, as in ``google.rpc.ErrorInfo.reason``.
        exit_code: What the command line exits with.
    """

    status: ClassVar[str] = "UNKNOWN"
    reason: ClassVar[str] = "UNKNOWN"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, **metadata: str) -> None:
        super().__init__(message)
        self.message = message
        self.metadata = metadata


class InvalidArgumentError(SteepleError):
    """The request can never succeed as it is."""

    status = "INVALID_ARGUMENT"
    reason = "INVALID_ARGUMENT"
    exit_code = 2


class ImageError(InvalidArgumentError):
    """The photo cannot be used: unreadable, truncated, too small or too large."""

    reason = "IMAGE_INVALID"


class FeatureSetError(InvalidArgumentError):
    """The local features are malformed."""

    reason = "FEATURE_SET_INVALID"


class NotFoundError(SteepleError):
    """No such landmark, reference image or model release."""

    status = "NOT_FOUND"
    reason = "NOT_FOUND"
    exit_code = 4


class AlreadyExistsError(SteepleError):
    """The id is taken."""

    status = "ALREADY_EXISTS"
    reason = "ALREADY_EXISTS"
    exit_code = 5


class FailedPreconditionError(SteepleError):
    """The state of the system forbids it."""

    status = "FAILED_PRECONDITION"
    reason = "FAILED_PRECONDITION"
    exit_code = 6


class ModelMismatchError(FailedPreconditionError):
    """The features are of a model release that is not served."""

    reason = "MODEL_MISMATCH"


class AbortedError(SteepleError):
    """Somebody else changed the resource in the meantime (its etag differs)."""

    status = "ABORTED"
    reason = "ETAG_MISMATCH"
    exit_code = 7


class ChangedSinceError(AbortedError):
    """Somebody changed again what a change that is to be undone had changed."""

    reason = "CHANGED_SINCE"


class ResourceExhaustedError(SteepleError):
    """Too large, or too many at once."""

    status = "RESOURCE_EXHAUSTED"
    reason = "RESOURCE_EXHAUSTED"
    exit_code = 8


class UnauthenticatedError(SteepleError):
    """No key, or an unknown one."""

    status = "UNAUTHENTICATED"
    reason = "UNAUTHENTICATED"
    exit_code = 9


class PermissionDeniedError(SteepleError):
    """The key does not cover this call."""

    status = "PERMISSION_DENIED"
    reason = "PERMISSION_DENIED"
    exit_code = 9


class DeadlineExceededError(SteepleError):
    """Not done in time."""

    status = "DEADLINE_EXCEEDED"
    reason = "DEADLINE_EXCEEDED"
    exit_code = 10


class CancelledError(SteepleError):
    """The caller gave up."""

    status = "CANCELLED"
    reason = "CANCELLED"
    exit_code = 130


class UnavailableError(SteepleError):
    """The server cannot be reached, or is not ready."""

    status = "UNAVAILABLE"
    reason = "UNAVAILABLE"
    exit_code = 11


class DataLossError(SteepleError):
    """Stored data is missing or corrupt."""

    status = "DATA_LOSS"
    reason = "DATA_LOSS"
    exit_code = 12


class ReleaseError(DataLossError):
    """A model release is incomplete or altered."""

    reason = "RELEASE_INVALID"


class SnapshotError(DataLossError):
    """A snapshot of an index or of a server is truncated, corrupt or foreign."""

    reason = "SNAPSHOT_INVALID"


class PackError(DataLossError):
    """An offline pack is truncated, corrupt or foreign."""

    reason = "PACK_INVALID"


class InternalError(SteepleError):
    """A defect in Steeple."""

    status = "INTERNAL"
    reason = "INTERNAL"
    exit_code = 70


def _tree(root: type[SteepleError]) -> Iterator[type[SteepleError]]:
    yield root
    for child in root.__subclasses__():
        yield from _tree(child)


def error_class(status: str, reason: str = "") -> type[SteepleError]:
    """The class that stands for a gRPC status name and an ``ErrorInfo.reason``.

    An unknown reason falls back to the class of the status, an unknown status to :class:`SteepleError`.
    """
    of_status = [cls for cls in _tree(SteepleError) if cls.status == status]
    for cls in of_status:
        if cls.reason == reason:
            return cls
    return of_status[0] if of_status else SteepleError
