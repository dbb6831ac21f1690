from __future__ import annotations

import hashlib
from typing import Any
from uuid import uuid4

import grpc
import pytest

from steeple.packs import Pack as OpenedPack
from steeple.server.access import Scope
from steeple.v1.catalog_service_pb2 import UpdateLandmarkRequest
from steeple.v1.landmark_pb2 import Landmark, LatLng
from steeple.v1.pack_service_pb2 import (
    CreatePackRequest,
    DeletePackRequest,
    DownloadPackRequest,
    ExportPackRequest,
    GetPackRequest,
    ListPacksRequest,
    Pack,
    PackSettings,
    RefreshPackRequest,
)
from steeple.v1.pack_service_pb2_grpc import PackServiceStub
from tests.server.conftest import MakeFeatures

from .conftest import Refused, Running, Start

ALL = PackSettings(display_name="All there is")


@pytest.fixture
def database_url(catalogue_url: str) -> str:
    return catalogue_url


async def make(running: Running, request: Any, *, metadata: Any = None) -> str:
    """Name of the pack that a call makes, once it is published."""
    stub: Any = PackServiceStub(running.channel)
    call = stub.RefreshPack if isinstance(request, RefreshPackRequest) else stub.CreatePack
    operation = (await call(request, metadata=metadata)).operation
    engine = await running.server.ready()
    done = engine.operations.wait(operation.name.removeprefix("operations/"), 20.0)
    assert done.error_message == ""
    return str(done.results["pack"])


async def download(running: Running, *, metadata: Any = None, **request: Any) -> bytes:
    stub: Any = PackServiceStub(running.channel)
    call = stub.DownloadPack(DownloadPackRequest(**request), metadata=metadata)
    return b"".join([part.data async for part in call])


async def test_a_pack_is_made_listed_downloaded_refreshed_and_deleted(
    running: Running, refused: Refused, make_features: MakeFeatures
) -> None:
    stub: Any = PackServiceStub(running.channel)
    await running.add("tower", make_features(1))
    request = CreatePackRequest(pack_id="all", settings=ALL, request_id=str(uuid4()))
    began = (await stub.CreatePack(request)).operation
    assert (await stub.CreatePack(request)).operation.name == began.name
    assert await make(running, request) == "packs/all"
    (found,) = (await stub.ListPacks(ListPacksRequest())).packs
    assert (await stub.GetPack(GetPackRequest(name="packs/all"))).pack == found
    assert (found.name, found.state, found.model) == ("packs/all", Pack.STATE_CURRENT, "models/delf-lite2-v1")
    assert (found.landmark_count, found.image_count, found.sequence) == (1, 1, 1)
    settings = found.settings
    assert (settings.display_name, settings.HasField("near")) == ("All there is", False)
    assert (settings.max_images, settings.max_features, settings.exact_descriptors) == (3, 1000, False)
    data = await download(running, name="packs/all")
    assert (len(data), hashlib.sha256(data).hexdigest()) == (found.size_bytes, found.sha256)
    assert await download(running, name="packs/all", sha256=found.sha256, offset=100) == data[100:]

    landmark = Landmark(name="landmarks/tower", display_name="Renamed")
    await running.catalog.UpdateLandmark(UpdateLandmarkRequest(landmark=landmark))
    assert (await stub.GetPack(GetPackRequest(name="packs/all"))).pack.state == Pack.STATE_STALE
    assert await make(running, RefreshPackRequest(name="packs/all")) == "packs/all"
    (new,) = (await stub.ListPacks(ListPacksRequest())).packs
    assert (new.state, new.settings, new.sha256 == found.sha256) == (Pack.STATE_CURRENT, found.settings, False)
    refusal = await refused(download(running, name="packs/all", sha256=found.sha256, offset=100))
    assert refusal.code is grpc.StatusCode.FAILED_PRECONDITION
    assert refusal.details["ResourceInfo"].resource_type == "steeple.v1.Pack"
    await stub.DeletePack(DeletePackRequest(name="packs/all"))
    refusal = await refused(stub.GetPack(GetPackRequest(name="packs/all")))
    assert refusal.code is grpc.StatusCode.NOT_FOUND
    assert refusal.details["ResourceInfo"].resource_name == "packs/all"


async def test_devices_fetch_what_editors_make(
    start: Start, refused: Refused, make_features: MakeFeatures, tmp_path: Any
) -> None:
    async with start(access="keys") as running:
        keyring = (await running.server.ready()).keyring
        secrets = {scope: keyring.store.create(str(scope), scope).secret for scope in Scope}
        keyring.reload()
        as_scope = {scope: (("authorization", f"Bearer {secret}"),) for scope, secret in secrets.items()}
        device, editor = as_scope[Scope.DEVICE], as_scope[Scope.EDITOR]
        stub: Any = PackServiceStub(running.channel)
        await running.add("tower", make_features(1), metadata=editor)
        for call in (
            stub.CreatePack(CreatePackRequest(pack_id="all", settings=ALL), metadata=as_scope[Scope.READER]),
            stub.ExportPack(ExportPackRequest(pack_id="all", settings=ALL), metadata=as_scope[Scope.READER]),
            stub.RefreshPack(RefreshPackRequest(name="packs/all"), metadata=device),
            stub.DeletePack(DeletePackRequest(name="packs/all"), metadata=device),
        ):
            assert (await refused(call)).code is grpc.StatusCode.PERMISSION_DENIED
        await make(running, CreatePackRequest(pack_id="all", settings=ALL), metadata=editor)
        (found,) = (await stub.ListPacks(ListPacksRequest(), metadata=device)).packs
        assert (await stub.GetPack(GetPackRequest(name=found.name), metadata=device)).pack == found
        (tmp_path / "all.pack").write_bytes(await download(running, name=found.name, metadata=device))
        opened = OpenedPack.open(tmp_path / "all.pack")
        assert list(opened.landmarks) == ["tower"]
        opened.close()


async def test_an_exported_pack_is_fetched_from_its_operation(running: Running, make_features: MakeFeatures) -> None:
    stub: Any = PackServiceStub(running.channel)
    await running.add("tower", make_features(1))
    operation = (await stub.ExportPack(ExportPackRequest(pack_id="all", settings=ALL))).operation
    engine = await running.server.ready()
    done = engine.operations.wait(operation.name.removeprefix("operations/"), 20.0)
    assert (done.results["file"], done.results["landmarks"]) == ("all.pack", "1")
    assert (await stub.ListPacks(ListPacksRequest())).total_size == 0


async def test_bad_requests_name_the_field(running: Running, refused: Refused) -> None:
    stub: Any = PackServiceStub(running.channel)

    def create(pack_id: str = "x", request_id: str = "", **settings: Any) -> Any:
        asked = PackSettings(**{"display_name": "X", **settings})
        return stub.CreatePack(CreatePackRequest(pack_id=pack_id, settings=asked, request_id=request_id))

    calls = {
        "pack_id": create("X"),
        "request_id": create(request_id="x"),
        "settings.display_name": create(display_name=""),
        "settings.radius_meters": create(near=LatLng(latitude=1)),
        "settings.near.latitude": create(near=LatLng(latitude=91), radius_meters=5),
        "settings.near": create(radius_meters=5),
        "settings.metadata": create(metadata={"": "x"}),
        "settings.labels": create(labels=["X"]),
        "settings.max_images": create(max_images=101),
        "settings.max_features": create(max_features=-1),
        "name": stub.RefreshPack(RefreshPackRequest(name="packs/../a")),
        "page_token": stub.ListPacks(ListPacksRequest(page_token="x")),  # noqa: S106
        "sha256": download(running, name="packs/x", sha256="x"),
    }
    for field, call in calls.items():
        refusal = await refused(call)
        assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT, field
        assert [violation.field for violation in refusal.details["BadRequest"].field_violations] == [field]
    assert (await refused(create())).code is grpc.StatusCode.FAILED_PRECONDITION, "there is nothing to put into it"
    assert (await refused(stub.RefreshPack(RefreshPackRequest(name="packs/x")))).code is grpc.StatusCode.NOT_FOUND
