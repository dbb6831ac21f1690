"""Protocol messages of keys to the SDK's types, and back."""

from __future__ import annotations

from typing import Final

from steeple.client._requests import number_of, prefixed
from steeple.client._times import to_time
from steeple.client.access import Key, KeyLimits, MonthlyUsage, Scope
from steeple.errors import InvalidArgumentError
from steeple.v1 import key_service_pb2

_SCOPES: Final = {
    Scope.DEVICE: key_service_pb2.Key.SCOPE_DEVICE,
    Scope.READER: key_service_pb2.Key.SCOPE_READER,
    Scope.EDITOR: key_service_pb2.Key.SCOPE_EDITOR,
    Scope.ADMIN: key_service_pb2.Key.SCOPE_ADMIN,
}
_SCOPE_OF: Final[dict[int, Scope]] = {number: scope for scope, number in _SCOPES.items()}


def key_name(key: str | Key) -> str:
    """``keys/{id}`` of an id, a name or a key."""
    return key.name if isinstance(key, Key) else prefixed("keys/", key)


def scope_value(scope: Scope | str) -> key_service_pb2.Key.Scope.ValueType:
    """The number of a scope, or of its name.

    Raises:
        InvalidArgumentError: If there is none of that name.
    """
    return number_of(scope, _SCOPES, says="scope must be", field="scope")


def to_scope(number: int) -> Scope:
    """The scope of a number."""
    return _SCOPE_OF.get(number, Scope.OTHER)


def limits_message(limits: KeyLimits) -> key_service_pb2.KeyLimits:
    """The message of limits.

    Raises:
        InvalidArgumentError: If a number does not fit.
    """
    try:
        return key_service_pb2.KeyLimits(
            requests_per_second=limits.requests_per_second,
            burst=limits.burst,
            monthly_identifications=limits.monthly_identifications,
        )
    except ValueError as error:
        raise InvalidArgumentError(f"a limit is too large: {error}", field="limits") from error


def to_key(message: key_service_pb2.Key) -> Key:
    """A key."""
    return Key(
        name=message.name,
        display_name=message.display_name,
        scope=to_scope(message.scope),
        limits=KeyLimits(
            message.limits.requests_per_second, message.limits.burst, message.limits.monthly_identifications
        ),
        create_time=to_time(message.create_time),
        expire_time=to_time(message.expire_time) if message.HasField("expire_time") else None,
        revoke_time=to_time(message.revoke_time) if message.HasField("revoke_time") else None,
        last_use_time=to_time(message.last_use_time) if message.HasField("last_use_time") else None,
        successor=message.successor,
        usage=tuple(to_monthly_usage(month) for month in message.usage),
    )


def to_monthly_usage(message: key_service_pb2.MonthlyUsage) -> MonthlyUsage:
    """The usage of a month."""
    return MonthlyUsage(message.month, message.identified_count, message.unknown_count)
