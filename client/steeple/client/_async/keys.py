"""Calls of the KeyService."""

from __future__ import annotations

from datetime import datetime

from google.protobuf.field_mask_pb2 import FieldMask

from steeple.client._async.connection import AsyncConnection
from steeple.client._async.listing import AsyncListing
from steeple.client._convert_access import key_name, limits_message, scope_value, to_key
from steeple.client._times import timestamp
from steeple.client.access import Key, KeyLimits, NewKey, Scope
from steeple.client.resources import UNSET, Unset
from steeple.errors import InvalidArgumentError
from steeple.v1 import key_service_pb2 as api


class AsyncKeyCalls:
    """The part of the client that keeps the keys.

    Keys are given by id, by name (``keys/{id}``) or as what another call returned.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def create_key(
        self,
        display_name: str,
        scope: Scope | str,
        *,
        expire_time: datetime | None = None,
        limits: KeyLimits | None = None,
        timeout: float | None = None,
    ) -> NewKey:
        """Makes a key. If the answer is lost, there is a key whose secret nobody knows: revoke it.

        Args:
            display_name: What it is for, and whose; 1 to 200 characters.
            scope: What it may do.
            expire_time: It ends then; None: it does not.
            limits: What it may use; None: as much as it likes.
            timeout: Seconds; None: the client's.

        Raises:
            InvalidArgumentError: If a value is out of its limits.
        """
        key = api.Key(
            display_name=display_name,
            scope=scope_value(scope),
            expire_time=timestamp(expire_time, "expire_time"),
            limits=limits_message(limits or KeyLimits()),
        )
        request = api.CreateKeyRequest(key=key)
        response = await self._connection.call(self._connection.link.keys.CreateKey, request, timeout=timeout)
        return NewKey(to_key(response.key), response.secret)

    async def get_key(self, key: str | Key, *, timeout: float | None = None) -> Key:
        """A key.

        Raises:
            NotFoundError: If there is none.
        """
        request = api.GetKeyRequest(name=key_name(key))
        return to_key((await self._connection.call(self._connection.link.keys.GetKey, request, timeout=timeout)).key)

    def list_keys(self, *, page_size: int = 50, timeout: float | None = None) -> AsyncListing[Key]:
        """All keys by id, revoked and expired ones among them; ``timeout`` is for each page."""
        request = api.ListKeysRequest(page_size=page_size)
        return self._connection.listing(
            self._connection.link.keys.ListKeys, request, lambda page: map(to_key, page.keys), timeout=timeout
        )

    async def update_key(
        self,
        key: str | Key,
        *,
        display_name: str | None = None,
        expire_time: datetime | Unset | None = UNSET,
        limits: KeyLimits | None = None,
        timeout: float | None = None,
    ) -> Key:
        """Changes what is given and leaves the rest.

        Args:
            key: Which.
            display_name: What it is for, and whose.
            expire_time: It ends then; None: it does not.
            limits: All of them.
            timeout: Seconds; None: the client's.

        Raises:
            NotFoundError: If there is no such key.
            FailedPreconditionError: If it was revoked.
            InvalidArgumentError: If nothing is given, or a value is out of its limits.
        """
        given = {
            "display_name": display_name is not None,
            "expire_time": not isinstance(expire_time, Unset),
            "limits": limits is not None,
        }
        if not any(given.values()):
            raise InvalidArgumentError(f"nothing to update; give at least one of {', '.join(given)}")
        message = api.Key(
            name=key_name(key),
            display_name=display_name or "",
            expire_time=None if isinstance(expire_time, Unset) else timestamp(expire_time, "expire_time"),
            limits=limits_message(limits or KeyLimits()),
        )
        mask = FieldMask(paths=[path for path, is_given in given.items() if is_given])
        request = api.UpdateKeyRequest(key=message, update_mask=mask)
        response = await self._connection.call(self._connection.link.keys.UpdateKey, request, timeout=timeout)
        return to_key(response.key)

    async def revoke_key(self, key: str | Key, *, timeout: float | None = None) -> Key:
        """Ends a key at once, and for good.

        Raises:
            NotFoundError: If there is no such key.
        """
        request = api.RevokeKeyRequest(name=key_name(key))
        response = await self._connection.call(self._connection.link.keys.RevokeKey, request, timeout=timeout)
        return to_key(response.key)

    async def rotate_key(
        self,
        key: str | Key,
        *,
        old_expire_time: datetime | None = None,
        new_expire_time: datetime | None = None,
        timeout: float | None = None,
    ) -> NewKey:
        """Makes a successor of a key, with the same name, scope and limits.

        Args:
            key: The old one.
            old_expire_time: It ends then, or when it would have ended anyway; None: at once.
            new_expire_time: The new key ends then; None: it does not.
            timeout: Seconds; None: the client's.

        Raises:
            NotFoundError: If there is no such key.
            FailedPreconditionError: If it has a successor, was revoked or has expired.
        """
        request = api.RotateKeyRequest(
            name=key_name(key),
            old_expire_time=timestamp(old_expire_time, "old_expire_time"),
            new_expire_time=timestamp(new_expire_time, "new_expire_time"),
        )
        response = await self._connection.call(self._connection.link.keys.RotateKey, request, timeout=timeout)
        return NewKey(to_key(response.key), response.secret, to_key(response.old_key))
