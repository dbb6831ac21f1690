from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc

from steeple.server.catalogue import audit
from steeple.v1 import catalog_service_pb2 as catalog
from steeple.v1 import discovery_service_pb2 as discovery
from steeple.v1 import import_service_pb2 as api
from steeple.v1.discovery_service_pb2_grpc import DiscoveryServiceStub
from steeple.v1.import_service_pb2_grpc import ImportServiceStub
from steeple.v1.operation_service_pb2 import Operation

from .conftest import Refused, Start

MakePhoto = Callable[..., bytes]


async def test_an_import_is_begun_once_and_told(start: Start, tmp_path: Path, make_photo: MakePhoto) -> None:
    folder = tmp_path / "photos" / "paris" / "Tour Eiffel"
    folder.mkdir(parents=True)
    (folder / "1.jpg").write_bytes(make_photo(1, width=96, height=72))
    async with start(import_dir=tmp_path / "photos") as running:
        stub: Any = ImportServiceStub(running.channel)
        request = api.ImportReferenceImagesRequest(folder="paris", request_id="0b0f4c5e-6a3c-4a57-9d43-0e7ba9a3a111")
        begun = (await stub.ImportReferenceImages(request)).operation
        assert begun.method == "steeple.v1.ImportService/ImportReferenceImages"
        assert (await stub.ImportReferenceImages(request)).operation.name == begun.name
        engine = await running.server.ready()
        done = engine.operations.wait(begun.name.removeprefix("operations/"), 60.0)
        assert (done.results["photos_added"], done.results["failed"]) == ("1", "0")
        assert (await running.ask(make_photo(1, width=96, height=72))).candidates[0].landmark.name == (
            "landmarks/tour-eiffel"
        )
        events = {
            event.resource: (event.actor, event.method) for event in audit.events(engine.catalogue.database).items
        }
        assert events[begun.name] == ("open", begun.method)
        assert events["landmarks/tour-eiffel"] == ("open", "steeple.v1.CatalogService/BatchCreateLandmarks")
        assert begun.state in (Operation.STATE_QUEUED, Operation.STATE_RUNNING)


async def test_bad_requests_name_the_field_and_begin_nothing(start: Start, tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "manifest.csv").write_text("photo,landmark,colour\n")
    async with start(import_dir=tmp_path / "photos") as running:
        stub: Any = ImportServiceStub(running.channel)
        calls = {
            "source": api.ImportReferenceImagesRequest(),
            "upload": api.ImportReferenceImagesRequest(upload="x"),
            "folder": api.ImportReferenceImagesRequest(folder="../.."),
            "manifest": api.ImportReferenceImagesRequest(folder="."),
            "existing_landmark_policy": api.ImportReferenceImagesRequest(
                folder=".",
                existing_landmark_policy=9,  # type: ignore[arg-type]
            ),
            "duplicate_policy": api.ImportReferenceImagesRequest(folder=".", duplicate_policy=9),  # type: ignore[arg-type]
        }
        for field, request in calls.items():
            refusal = await refused(stub.ImportReferenceImages(request))
            assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
            assert [violation.field for violation in refusal.details["BadRequest"].field_violations] == [field]
        refusal = await refused(stub.ImportReferenceImages(api.ImportReferenceImagesRequest(upload="uploads/none")))
        assert refusal.code is grpc.StatusCode.NOT_FOUND
        assert (await running.server.ready()).operations.store.list().total_size == 0


async def test_a_photo_can_be_added_without_looking_for_near_duplicates(start: Start, make_photo: MakePhoto) -> None:
    async with start() as running:
        await running.add("a", make_photo(1))
        request = catalog.CreateReferenceImageRequest(
            parent="landmarks/a", image=make_photo(1, suffix=".png"), duplicate_policy=catalog.DUPLICATE_POLICY_NONE
        )
        assert list((await running.catalog.CreateReferenceImage(request)).duplicates) == []
        request.duplicate_policy = catalog.DUPLICATE_POLICY_REPORT
        request.image = make_photo(1, suffix=".bmp")
        (found,) = (await running.catalog.CreateReferenceImage(request)).duplicates
        assert found.kind == catalog.Duplicate.KIND_NEAR_DUPLICATE


async def test_what_cannot_be_opened_is_told_of_the_field_that_names_it(
    start: Start, tmp_path: Path, refused: Refused
) -> None:
    (tmp_path / "photos").mkdir()
    async with start(import_dir=tmp_path / "photos") as running:
        imports: Any = ImportServiceStub(running.channel)
        discoveries: Any = DiscoveryServiceStub(running.channel)
        uploads = (await running.server.ready()).uploads
        broken = uploads.create("photos.zip", 9)
        writer = uploads.begin(broken.id)
        writer.write(0, b"PK\3\4 what")
        assert writer.end().complete
        for service, call, request in (
            ("import", imports.ImportReferenceImages, api.ImportReferenceImagesRequest),
            ("discovery", discoveries.StartDiscovery, discovery.StartDiscoveryRequest),
        ):
            refusal = await refused(call(request(upload=broken.name)))
            assert (service, refusal.code) == (service, grpc.StatusCode.INVALID_ARGUMENT)
            assert [one.field for one in refusal.details["BadRequest"].field_violations] == ["upload"]
            for missing in ("x" * 300, "x/" * 1000, "no"):  # the first two are names that no system has
                refusal = await refused(call(request(folder=missing)))
                assert (service, refusal.code) == (service, grpc.StatusCode.NOT_FOUND)
            refusal = await refused(call(request(folder="a/../../b")))
            assert [one.field for one in refusal.details["BadRequest"].field_violations] == ["folder"]
