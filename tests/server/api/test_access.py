"""Keys in front of every method: what each scope may call, and how the rest is refused."""

from __future__ import annotations

import importlib
import logging
import pkgutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.field_mask_pb2 import FieldMask
from grpc_health.v1 import health_pb2  # type: ignore[import-untyped]
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc  # type: ignore[import-untyped]

import steeple.v1
from steeple.errors import InternalError
from steeple.server.access import Limits, NewKey, Scope
from steeple.server.api.policy import RULES, rule_of
from steeple.v1.catalog_service_pb2 import ListLandmarksRequest
from steeple.v1.key_service_pb2 import (
    CreateKeyRequest,
    GetKeyRequest,
    Key,
    ListKeysRequest,
    RevokeKeyRequest,
    RotateKeyRequest,
    UpdateKeyRequest,
)
from steeple.v1.key_service_pb2_grpc import KeyServiceStub
from steeple.v1.visual_search_service_pb2 import ListModelsRequest

from .conftest import Refused, Running, Start


def methods() -> dict[str, MethodDescriptor]:
    """Every method of the contract, by ``{service}/{method}``."""
    found = {}
    for module in pkgutil.iter_modules(steeple.v1.__path__):
        if module.name.endswith("_service_pb2"):
            descriptor = importlib.import_module(f"steeple.v1.{module.name}").DESCRIPTOR
            for service in descriptor.services_by_name.values():
                found.update({f"{service.full_name}/{method.name}": method for method in service.methods})
    return found


METHODS = methods()
PUBLIC = {f"steeple.v1.PersonService/{name}" for name in ("SignIn", "SignInWithIdToken", "GetMe")}
"""What those may call who have no key yet."""

OF_ONES_OWN = {
    f"steeple.v1.PersonService/{name}" for name in ("SignOut", "SetPassword", "ListSessions", "RevokeSession")
}
"""What people may do to themselves; what they may not do to others is in test_people.py."""


def least(method: str) -> Scope:
    """What a method should ask for, by the rules that the contract states."""
    service, _, name = method.removeprefix("steeple.v1.").partition("/")
    reads = name.startswith(("Get", "List", "Download"))
    of_apps = service in ("VisualSearchService", "FeedbackService") or (service == "PackService" and reads)
    if of_apps or method in PUBLIC:
        return Scope.DEVICE
    if service == "ViewService" or method in OF_ONES_OWN:  # one's own views are no part of the catalogue
        return Scope.READER
    if service in ("PersonService", "KeyService", "AuditService", "SnapshotService", "ModelService"):
        return Scope.ADMIN
    if service == "ReviewService":  # other people's photos are no reader's business; what is erased does not come back
        return Scope.ADMIN if name.startswith("Erase") else Scope.EDITOR
    if name == "DownloadOperationFile":  # archives hold photos as they were uploaded, with their metadata
        return Scope.EDITOR
    return Scope.READER if name.startswith(("Get", "List", "Download", "Explain")) else Scope.EDITOR


async def call(channel: grpc.aio.Channel, method: str, secret: str | None) -> None:
    """Calls with an empty request, or an empty stream of them."""
    descriptor = METHODS[method]
    request, response = (message_factory.GetMessageClass(of) for of in (descriptor.input_type, descriptor.output_type))
    given: dict[str, Any] = {
        "request_serializer": request.SerializeToString,
        "response_deserializer": response.FromString,
    }
    metadata = None if secret is None else bearer(secret)
    if descriptor.client_streaming:
        stream: Any = channel.stream_stream(f"/{method}", **given)(metadata=metadata)
        await stream.done_writing()
        await stream.read()
        if (code := await stream.code()) is not grpc.StatusCode.OK:
            raise grpc.aio.AioRpcError(
                code, await stream.initial_metadata(), await stream.trailing_metadata(), await stream.details()
            )
    else:
        await channel.unary_unary(f"/{method}", **given)(request(), metadata=metadata)


def bearer(secret: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {secret}"),)


async def make_key(running: Running, scope: Scope, **more: Any) -> NewKey:
    """A key that is in effect."""
    keyring = (await running.server.ready()).keyring
    made = keyring.store.create(f"The {scope}'s", scope, **more)
    keyring.reload()
    return made


@pytest.fixture
async def closed(start: Start) -> AsyncIterator[Running]:
    """A server that asks for keys."""
    async with start(access="keys") as server:
        yield server


# --- the table ---


def test_every_method_has_a_row_and_every_row_a_method() -> None:
    assert set(RULES) == set(METHODS)
    assert len(METHODS) >= 22


@pytest.mark.parametrize("method", METHODS)
def test_what_changes_something_is_recorded(method: str) -> None:
    name = method.partition("/")[2]
    changes = not name.startswith(("Get", "List", "Download", "Identify", "Explain", "Group"))
    assert (rule_of(method).changes is not None) == changes
    assert rule_of(method).identifies == name.startswith("Identify")
    assert rule_of(method).public == (method in PUBLIC)


def test_a_method_without_a_row_is_closed() -> None:
    with pytest.raises(InternalError, match="no row"):
        rule_of("steeple.v1.CatalogService/Obliterate")


async def test_each_scope_may_call_exactly_what_it_should(closed: Running, refused: Refused) -> None:
    keys = {scope: (await make_key(closed, scope)).secret for scope in Scope}
    for method in METHODS:
        for scope, secret in keys.items():
            code = await outcome(closed, method, secret)
            assert code is not grpc.StatusCode.UNAUTHENTICATED, (method, scope)
            assert (code is grpc.StatusCode.PERMISSION_DENIED) == (scope < least(method)), (method, scope)
        for unknown in (None, "stp_x_y", "sts_x_y"):
            code = await outcome(closed, method, unknown)
            open_to_them = unknown is None and method in PUBLIC
            assert (code is grpc.StatusCode.UNAUTHENTICATED) != open_to_them, (method, unknown)


async def outcome(running: Running, method: str, secret: str | None) -> grpc.StatusCode:
    try:
        await call(running.channel, method, secret)
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


async def test_an_open_server_asks_nobody(running: Running) -> None:
    for method in METHODS:
        for secret in (None, "stp_x_y"):
            assert await outcome(running, method, secret) not in (
                grpc.StatusCode.UNAUTHENTICATED,
                grpc.StatusCode.PERMISSION_DENIED,
                grpc.StatusCode.INTERNAL,
            ), method


# --- refusals ---


async def test_refusals_say_why_and_never_repeat_the_key(
    closed: Running, refused: Refused, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="steeple")
    key = await make_key(closed, Scope.DEVICE)
    found = await refused(closed.catalog.ListLandmarks(ListLandmarksRequest(), metadata=bearer(key.secret)))
    assert found.code is grpc.StatusCode.PERMISSION_DENIED
    info = found.details["ErrorInfo"]
    assert (info.reason, info.domain, info.metadata["scope"], info.metadata["needed_scope"]) == (
        "PERMISSION_DENIED",
        "steeple",
        "device",
        "reader",
    )
    wrong = key.secret[:-4] + "aaaa"
    found = await refused(closed.search.ListModels(ListModelsRequest(), metadata=bearer(wrong)))
    assert (found.code, found.details["ErrorInfo"].reason) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")
    found = await refused(closed.search.ListModels(ListModelsRequest(), metadata=(("authorization", "Basic eA=="),)))
    assert 'must read "Bearer stp_ID_SECRET"' in found.message
    found = await refused(closed.search.ListModels(ListModelsRequest()))
    assert "this server asks for a key" in found.message
    await closed.search.ListModels(ListModelsRequest(), metadata=bearer(key.secret))
    records = [f"{record.getMessage()} {record.__dict__}" for record in caplog.records]
    assert any(f"keys/{key.key.id}" in record for record in records), "the log says who called"
    for secret in (key.secret, wrong):
        assert not any(secret.split("_")[2] in record for record in records)


async def test_a_key_at_its_rate_is_told_when_to_try_again(closed: Running, refused: Refused) -> None:
    key = await make_key(closed, Scope.DEVICE, limits=Limits(requests_per_second=0.01, burst=2))
    for _ in range(2):
        await closed.search.ListModels(ListModelsRequest(), metadata=bearer(key.secret))
    found = await refused(closed.search.ListModels(ListModelsRequest(), metadata=bearer(key.secret)))
    assert found.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert 90 < found.details["RetryInfo"].retry_delay.seconds <= 100
    assert found.details["ErrorInfo"].metadata["limit"] == "requests_per_second"


# --- the service ---


async def test_keys_are_made_changed_rotated_and_revoked(closed: Running, refused: Refused) -> None:
    admin = bearer((await make_key(closed, Scope.ADMIN)).secret)
    keys: Any = KeyServiceStub(closed.channel)
    asked = Key(display_name="App", scope=Key.SCOPE_DEVICE)
    asked.limits.monthly_identifications = 7
    made = await keys.CreateKey(CreateKeyRequest(key=asked), metadata=admin)
    await closed.search.ListModels(ListModelsRequest(), metadata=bearer(made.secret))
    assert (made.key.display_name, made.key.scope, made.key.limits.monthly_identifications) == ("App", 1, 7)
    assert made.secret.split("_")[1] == made.key.name.removeprefix("keys/")

    update = Key(name=made.key.name, display_name="The app")
    changed = (await keys.UpdateKey(UpdateKeyRequest(key=update), metadata=admin)).key
    assert (changed.display_name, changed.limits.monthly_identifications) == ("The app", 7)
    request = UpdateKeyRequest(key=update, update_mask=FieldMask(paths=["scope"]))
    found = await refused(keys.UpdateKey(request, metadata=admin))
    assert "update_mask cannot have 'scope'" in found.message

    rotate = RotateKeyRequest(name=made.key.name)
    rotate.old_expire_time.FromDatetime(datetime.now(UTC) + timedelta(hours=1))
    rotated = await keys.RotateKey(rotate, metadata=admin)
    for secret in (made.secret, rotated.secret):
        await closed.search.ListModels(ListModelsRequest(), metadata=bearer(secret))
    assert rotated.old_key.successor == rotated.key.name

    await keys.RevokeKey(RevokeKeyRequest(name=made.key.name), metadata=admin)
    found = await refused(closed.search.ListModels(ListModelsRequest(), metadata=bearer(made.secret)))
    assert found.code is grpc.StatusCode.UNAUTHENTICATED, "at once"
    await closed.search.ListModels(ListModelsRequest(), metadata=bearer(rotated.secret))

    listed = (await keys.ListKeys(ListKeysRequest(), metadata=admin)).keys
    assert {made.key.name, rotated.key.name} < {key.name for key in listed}
    found = await refused(keys.GetKey(GetKeyRequest(name="keys/nobody"), metadata=admin))
    assert (found.code, found.details["ResourceInfo"].resource_type) == (grpc.StatusCode.NOT_FOUND, "steeple.v1.Key")
    found = await refused(keys.CreateKey(CreateKeyRequest(key=Key(display_name="x")), metadata=admin))
    assert found.details["BadRequest"].field_violations[0].field == "key.scope"


# --- health and reflection ---


async def names(channel: grpc.aio.Channel, metadata: Any = None) -> set[str]:
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
    requests = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    async for response in stub.ServerReflectionInfo(requests, metadata=metadata):
        return {service.name for service in response.list_services_response.service}
    return set()


async def test_health_and_reflection_are_open_unless_closed(closed: Running) -> None:
    assert (await closed.health.Check(health_pb2.HealthCheckRequest())).status == health_pb2.HealthCheckResponse.SERVING
    assert "steeple.v1.KeyService" in await names(closed.channel)


async def test_health_and_reflection_take_any_key_when_closed(start: Start, refused: Refused) -> None:
    async with start(access="keys", health_access="keys", reflection_access="keys") as running:
        check = health_pb2.HealthCheckRequest()
        for answer in (running.health.Check(check), names(running.channel), anext(aiter(running.health.Watch(check)))):
            assert (await refused(answer)).code is grpc.StatusCode.UNAUTHENTICATED
        key = bearer((await make_key(running, Scope.DEVICE)).secret)
        assert (await running.health.Check(check, metadata=key)).status == health_pb2.HealthCheckResponse.SERVING
        assert "steeple.v1.KeyService" in await names(running.channel, key)
