"""Points in time: the SDK's and the protocol's."""

from __future__ import annotations

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from steeple.errors import InvalidArgumentError


def to_time(message: Timestamp) -> datetime:
    """A point in time, UTC."""
    return message.ToDatetime(tzinfo=UTC)


def timestamp(time: datetime | None, field: str) -> Timestamp | None:
    """The message of a time; None for None.

    Raises:
        InvalidArgumentError: If the time has no zone.
    """
    if time is None:
        return None
    if time.tzinfo is None:
        raise InvalidArgumentError(f"{field} needs a time zone, such as datetime.UTC", field=field)
    message = Timestamp()
    message.FromDatetime(time)
    return message
