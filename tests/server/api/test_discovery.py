from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import pytest

from steeple.delf.photo_metadata import without_metadata
from steeple.v1.catalog_service_pb2 import ListReferenceImagesRequest
from steeple.v1.discovery_service_pb2 import (
    AcceptProposalRequest,
    DeleteDiscoveryRequest,
    DiscardProposalRequest,
    Discovery,
    DiscoveryOptions,
    DownloadProposalPhotoRequest,
    GetDiscoveryRequest,
    GetProposalRequest,
    ListDiscoveriesRequest,
    ListLeftoversRequest,
    ListProposalsRequest,
    MergeProposalsRequest,
    Proposal,
    RestoreProposalRequest,
    SplitProposalRequest,
    StartDiscoveryRequest,
)
from steeple.v1.discovery_service_pb2_grpc import DiscoveryServiceStub
from steeple.v1.landmark_pb2 import Landmark
from tests.hostile_photos import png_chunk
from tests.known_photos import seen_from
from tests.scenes import encoded, scene

from .conftest import Refused, Running, Start

LONGEST = 120.0


END_OF_HEADER = 33  # of a PNG: its first bytes and IHDR


@pytest.fixture
def database_url(catalogue_url: str) -> str:
    return catalogue_url


def write_photos(folder: Path) -> Mapping[str, bytes]:
    """Two views of one building, which say who took them."""
    folder.mkdir(parents=True)
    views = {f"{view}.png": encoded(seen_from(scene(700, 400, 300), view), ".png") for view in (0, 2)}
    author = png_chunk(b"tEXt", b"Author\0Ada Lovelace")
    files = {name: data[:END_OF_HEADER] + author + data[END_OF_HEADER:] for name, data in views.items()}
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return files


async def wait(server: Running, name: str) -> Mapping[str, str]:
    """What came of an operation that has succeeded."""
    engine = await server.server.ready()
    done = engine.operations.wait(name.removeprefix("operations/"), LONGEST)
    assert done.error_message == ""
    return done.results


async def test_photos_become_a_proposal_and_that_a_landmark(start: Start, tmp_path: Path, refused: Refused) -> None:
    files = write_photos(tmp_path / "import" / "heap")
    async with start(import_dir=tmp_path / "import") as server:
        stub: Any = DiscoveryServiceStub(server.channel)
        request = StartDiscoveryRequest(
            folder="heap", options=DiscoveryOptions(radius_meters=50.0), request_id=str(uuid4())
        )
        operation = (await stub.StartDiscovery(request)).operation
        assert (await stub.StartDiscovery(request)).operation.name == operation.name
        assert operation.method == "steeple.v1.DiscoveryService/StartDiscovery"
        name = (await wait(server, operation.name))["discovery"]
        assert name == operation.name.replace("operations", "discoveries")
        found = (await stub.GetDiscovery(GetDiscoveryRequest(name=name))).discovery
        assert (found.state, found.source, found.photo_count) == (Discovery.STATE_READY, "heap", 2)
        assert (found.options.radius_meters, found.options.min_views) == (50.0, 2)
        assert [each.name for each in (await stub.ListDiscoveries(ListDiscoveriesRequest())).discoveries] == [name]
        (listed,) = (await stub.ListProposals(ListProposalsRequest(parent=name))).proposals
        assert (listed.photo_count, listed.view_count, len(listed.photos)) == (2, 2, 0)
        assert not listed.HasField("location")
        proposal = (await stub.GetProposal(GetProposalRequest(name=listed.name))).proposal
        assert {photo.item for photo in proposal.photos} == set(files)
        assert [pair.inliers > 100 for pair in proposal.pairs] == [True]
        photo = proposal.photos[0]
        full = await stub.DownloadProposalPhoto(DownloadProposalPhotoRequest(name=photo.name))
        assert (full.image, full.media_type) == (without_metadata(files[photo.item]), "image/png")
        assert b"Ada Lovelace" in files[photo.item]
        assert b"Ada Lovelace" not in full.image
        small = await stub.DownloadProposalPhoto(DownloadProposalPhotoRequest(name=photo.name, thumbnail=True))
        assert small.media_type == "image/jpeg"
        assert (await stub.ListLeftovers(ListLeftoversRequest(parent=name))).total_size == 0

        request_id = str(uuid4())
        accept = AcceptProposalRequest(
            name=proposal.name, landmark=Landmark(display_name="A tower"), photos=[photo.name], request_id=request_id
        )
        accepted = await stub.AcceptProposal(accept)
        assert (accepted.landmark.name, len(accepted.reference_images)) == ("landmarks/a-tower", 1)
        assert (await stub.AcceptProposal(accept)).reference_images == accepted.reference_images
        assert accepted.proposal.state == Proposal.STATE_ACCEPTED
        became = {each.name: each.reference_image for each in accepted.proposal.photos}
        assert became[photo.name] == accepted.reference_images[0]
        images = await server.catalog.ListReferenceImages(ListReferenceImagesRequest(parent="landmarks/a-tower"))
        assert [image.sha256 for image in images.reference_images] == [photo.sha256]
        refusal = await refused(stub.DiscardProposal(DiscardProposalRequest(name=proposal.name)))
        assert refusal.code is grpc.StatusCode.FAILED_PRECONDITION
        refusal = await refused(stub.RestoreProposal(RestoreProposalRequest(name=proposal.name)))
        assert refusal.code is grpc.StatusCode.FAILED_PRECONDITION, "it is accepted"
        await stub.DeleteDiscovery(DeleteDiscoveryRequest(name=name))
        refusal = await refused(stub.GetDiscovery(GetDiscoveryRequest(name=name)))
        assert refusal.code is grpc.StatusCode.NOT_FOUND


async def test_an_archive_without_photos_fails_and_says_so(running: Running, refused: Refused) -> None:
    engine = await running.server.ready()
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("notes.txt", "no photo")
    data = content.getvalue()
    upload = engine.uploads.create("notes.zip", len(data))
    writer = engine.uploads.begin(upload.id)
    writer.write(0, data)
    writer.end()
    stub: Any = DiscoveryServiceStub(running.channel)
    operation = (await stub.StartDiscovery(StartDiscoveryRequest(upload=f"uploads/{upload.id}"))).operation
    done = engine.operations.wait(operation.name.removeprefix("operations/"), LONGEST)
    assert (done.error_status, "there is no photo" in done.error_message) == ("INVALID_ARGUMENT", True)


async def test_bad_requests_name_the_field(running: Running, refused: Refused) -> None:
    stub: Any = DiscoveryServiceStub(running.channel)
    calls = {
        "source": stub.StartDiscovery(StartDiscoveryRequest()),
        "upload": stub.StartDiscovery(StartDiscoveryRequest(upload="x")),
        "options.min_views": stub.StartDiscovery(
            StartDiscoveryRequest(folder="x", options=DiscoveryOptions(min_views=0))
        ),
        "name": stub.GetProposal(GetProposalRequest(name="discoveries/x/proposals/one")),
        "parent": stub.ListProposals(ListProposalsRequest(parent="x")),
        "states": stub.ListProposals(ListProposalsRequest(parent="discoveries/x", states=[9])),  # type: ignore[list-item]
        "page_token": stub.ListDiscoveries(ListDiscoveriesRequest(page_token="x")),  # noqa: S106
        "target": stub.AcceptProposal(AcceptProposalRequest(name="discoveries/x/proposals/1")),
        "existing_landmark": stub.AcceptProposal(
            AcceptProposalRequest(name="discoveries/x/proposals/1", existing_landmark="x")
        ),
        "names": stub.MergeProposals(
            MergeProposalsRequest(
                parent="discoveries/x", names=["discoveries/y/proposals/1", "discoveries/x/proposals/2"]
            )
        ),
        "photos": stub.SplitProposal(
            SplitProposalRequest(name="discoveries/x/proposals/1", photos=["discoveries/x/proposals/1"])
        ),
    }
    for field, call in calls.items():
        refusal = await refused(call)
        assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT, field
        assert [violation.field for violation in refusal.details["BadRequest"].field_violations] == [field]
    refusal = await refused(stub.StartDiscovery(StartDiscoveryRequest(folder="x")))
    assert refusal.code is grpc.StatusCode.FAILED_PRECONDITION
    assert "import_dir" in refusal.message
    refusal = await refused(stub.ListProposals(ListProposalsRequest(parent="discoveries/x")))
    assert refusal.code is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize("name", ["discoveries/x/photos/1", "discoveries/x/photos/999999999"])
async def test_a_photo_that_is_not_there(running: Running, refused: Refused, name: str) -> None:
    stub: Any = DiscoveryServiceStub(running.channel)
    refusal = await refused(stub.DownloadProposalPhoto(DownloadProposalPhotoRequest(name=name)))
    assert refusal.code is grpc.StatusCode.NOT_FOUND
