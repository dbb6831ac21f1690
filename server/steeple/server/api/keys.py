"""``steeple.v1.KeyService``."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import grpc

from steeple.errors import InvalidArgumentError
from steeple.server.access import UNCHANGED, ApiKey, Keyring, KeyStore, Limits, Scope
from steeple.server.access.records import key_name
from steeple.server.api.conversion import KEY_FIELDS, read_update_mask, within
from steeple.server.api.names import parse_key
from steeple.server.api.pools import Pool
from steeple.server.api.readiness import Readiness
from steeple.server.api.resources import read_time, timestamp, usage_message
from steeple.server.api.status import FIELD
from steeple.v1 import key_service_pb2, key_service_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]

SCOPES: Final = {
    Scope.DEVICE: key_service_pb2.Key.SCOPE_DEVICE,
    Scope.READER: key_service_pb2.Key.SCOPE_READER,
    Scope.EDITOR: key_service_pb2.Key.SCOPE_EDITOR,
    Scope.ADMIN: key_service_pb2.Key.SCOPE_ADMIN,
}
"""As the API has them."""


class KeyService(key_service_pb2_grpc.KeyServiceServicer):
    """Keeps the keys.

    Args:
        readiness: Where the engine, and so the keys, are.
        calls: Threads for what only reads and writes the catalogue.
    """

    def __init__(self, readiness: Readiness, calls: Pool) -> None:
        self._readiness = readiness
        self._calls = calls

    async def CreateKey(  # noqa: N802
        self, request: key_service_pb2.CreateKeyRequest, context: Context
    ) -> key_service_pb2.CreateKeyResponse:
        """Makes a key, and tells its secret."""
        with within("key", KEY_FIELDS):
            made = await self._calls.run(
                self._keyring.apply,
                self._store.create,
                request.key.display_name,
                _read_scope(request.key),
                expire_time=_read_time(request.key, "expire_time", "key.expire_time"),
                limits=_read_limits(request.key),
            )
        return key_service_pb2.CreateKeyResponse(key=_message(made.key), secret=made.secret)

    async def GetKey(  # noqa: N802
        self, request: key_service_pb2.GetKeyRequest, context: Context
    ) -> key_service_pb2.GetKeyResponse:
        """A key by name."""
        key = await self._calls.run(self._store.get, parse_key(request.name))
        return key_service_pb2.GetKeyResponse(key=_message(key))

    async def ListKeys(  # noqa: N802
        self, request: key_service_pb2.ListKeysRequest, context: Context
    ) -> key_service_pb2.ListKeysResponse:
        """Keys by id, a page at a time."""
        page = await self._calls.run(self._store.list, request.page_size, request.page_token)
        return key_service_pb2.ListKeysResponse(
            keys=[_message(key) for key in page.items],
            next_page_token=page.next_page_token,
            total_size=page.total_size,
        )

    async def UpdateKey(  # noqa: N802
        self, request: key_service_pb2.UpdateKeyRequest, context: Context
    ) -> key_service_pb2.UpdateKeyResponse:
        """Changes the named fields of a key."""
        update = request.key
        key_id = parse_key(update.name, "key.name")
        fields = read_update_mask(update, request.update_mask.paths)
        expire_time = _read_time(update, "expire_time", "key.expire_time")
        with within("key", KEY_FIELDS):
            key = await self._calls.run(
                self._keyring.apply,
                self._store.update,
                key_id,
                display_name=update.display_name if "display_name" in fields else None,
                expire_time=expire_time if "expire_time" in fields else UNCHANGED,
                limits=_read_limits(update) if "limits" in fields else None,
            )
        return key_service_pb2.UpdateKeyResponse(key=_message(key))

    async def RevokeKey(  # noqa: N802
        self, request: key_service_pb2.RevokeKeyRequest, context: Context
    ) -> key_service_pb2.RevokeKeyResponse:
        """Ends a key."""
        key = await self._calls.run(self._keyring.apply, self._store.revoke, parse_key(request.name))
        return key_service_pb2.RevokeKeyResponse(key=_message(key))

    async def RotateKey(  # noqa: N802
        self, request: key_service_pb2.RotateKeyRequest, context: Context
    ) -> key_service_pb2.RotateKeyResponse:
        """Makes a successor of a key, and tells its secret."""
        made, old = await self._calls.run(
            self._keyring.apply,
            self._store.rotate,
            parse_key(request.name),
            old_expire_time=_read_time(request, "old_expire_time", "old_expire_time"),
            new_expire_time=_read_time(request, "new_expire_time", "new_expire_time"),
        )
        return key_service_pb2.RotateKeyResponse(key=_message(made.key), secret=made.secret, old_key=_message(old))

    @property
    def _keyring(self) -> Keyring:
        return self._readiness.engine.keyring

    @property
    def _store(self) -> KeyStore:
        return self._keyring.store


def _read_scope(message: key_service_pb2.Key) -> Scope:
    for scope, value in SCOPES.items():
        if message.scope == value:
            return scope
    names = ", ".join(key_service_pb2.Key.Scope.Name(value) for value in SCOPES.values())
    raise InvalidArgumentError(f"a key needs a scope: {names}", **{FIELD: "key.scope"})


def _read_limits(message: key_service_pb2.Key) -> Limits:
    limits = message.limits
    return Limits(limits.requests_per_second, limits.burst, limits.monthly_identifications)


def _read_time(
    message: key_service_pb2.Key | key_service_pb2.RotateKeyRequest, name: str, field: str
) -> datetime | None:
    return read_time(getattr(message, name), field) if message.HasField(name) else None  # type: ignore[arg-type]


def _message(key: ApiKey) -> key_service_pb2.Key:
    limits = key.limits
    return key_service_pb2.Key(
        name=key.name,
        display_name=key.display_name,
        scope=SCOPES[key.scope],
        limits=key_service_pb2.KeyLimits(
            requests_per_second=limits.requests_per_second,
            burst=limits.burst,
            monthly_identifications=limits.monthly_identifications,
        ),
        successor=key_name(key.successor) if key.successor else "",
        usage=[usage_message(of) for of in key.usage],
        create_time=timestamp(key.create_time),
        expire_time=timestamp(key.expire_time),
        revoke_time=timestamp(key.revoke_time),
        last_use_time=timestamp(key.last_use_time),
    )
