"""What is given out of a photo: nothing that it says of its maker, unless its maker's editors ask."""

from __future__ import annotations

import struct
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import numpy as np

from steeple.delf import tiff
from steeple.delf.image import read_image
from steeple.server.access import Scope
from steeple.v1.catalog_service_pb2 import DownloadReferenceImageRequest, GetReferenceImageRequest
from steeple.v1.model_pb2 import RequestLimits
from steeple.v1.server_service_pb2 import GetServerInfoRequest
from steeple.v1.server_service_pb2_grpc import ServerServiceStub
from steeple.v1.visual_search_service_pb2 import ListModelsRequest
from tests.hostile_photos import jpeg_segment

from .test_access import bearer, make_key

MakePhoto = Callable[..., bytes]
Refused = Callable[[Awaitable[object]], Awaitable[Any]]
SECRET = b"serial 4711"


def told(photo: bytes) -> bytes:
    """A JPEG that says how to turn it, and something else."""
    exif = jpeg_segment(0xE1, tiff.HEADER + tiff.orientation_block(6) + SECRET)
    return photo[:2] + exif + jpeg_segment(0xFE, SECRET) + photo[2:]


async def test_a_photo_is_downloaded_without_its_metadata(start: Any, refused: Refused, make_photo: MakePhoto) -> None:
    photo = told(make_photo(0))
    async with start(access="keys") as running:
        reader = bearer((await make_key(running, Scope.READER)).secret)
        editor = bearer((await make_key(running, Scope.EDITOR)).secret)
        name = await running.add("big-ben", photo, metadata=editor)
        asked, original = (DownloadReferenceImageRequest(name=name, original=wanted) for wanted in (False, True))
        bare = await running.catalog.DownloadReferenceImage(asked, metadata=reader)
        assert bare.media_type == "image/jpeg"
        assert SECRET not in bare.image
        np.testing.assert_array_equal(read_image(bare.image), read_image(photo))
        assert read_image(bare.image).shape == (320, 240, 3)  # turned
        refusal = await refused(running.catalog.DownloadReferenceImage(original, metadata=reader))
        assert refusal.code is grpc.StatusCode.PERMISSION_DENIED
        assert "editor" in refusal.message
        whole = await running.catalog.DownloadReferenceImage(original, metadata=editor)
        assert whole.image == photo
        kept = await running.catalog.GetReferenceImage(GetReferenceImageRequest(name=name), metadata=reader)
        assert kept.reference_image.size_bytes == len(photo)


async def test_a_photo_as_large_as_a_request_comes_back(start: Any, make_photo: MakePhoto) -> None:
    """Both directions agree: what was taken can be given out."""
    photo = make_photo(0)
    limit = 200_000
    profile = jpeg_segment(0xE2, b"ICC_PROFILE\0\1\1" + bytes(50_000))
    large = photo[:2] + profile * ((limit - len(photo)) // len(profile)) + photo[2:]
    async with start(max_message_bytes=limit) as running:
        name = await running.add("big-ben", large)
        response = await running.catalog.DownloadReferenceImage(DownloadReferenceImageRequest(name=name))
        assert len(response.image) > limit - 60_000


async def test_what_is_taken_is_told(start: Any) -> None:
    limits = RequestLimits(max_message_bytes=100_000, max_image_pixels=123_456)
    async with start(max_message_bytes=100_000, max_image_pixels=123_456) as running:
        assert (await running.search.ListModels(ListModelsRequest())).limits == limits
        stub: Any = ServerServiceStub(running.channel)
        assert (await stub.GetServerInfo(GetServerInfoRequest())).server_info.limits == limits


async def test_a_photo_that_would_take_too_much_memory_is_refused(start: Any, refused: Refused) -> None:
    """Within the pixels that are taken, but with an alpha channel of 16 bits: 8 times as large as a JPEG."""
    header = struct.pack(">IIBBBBB", 4000, 3000, 16, 6, 0, 0, 0)
    chunk = struct.pack(">I", len(header)) + b"IHDR" + header + bytes(4)
    photo = b"\x89PNG\r\n\x1a\n" + chunk + bytes(4) + b"IDAT" + bytes(4) + bytes(4) + b"IEND" + bytes(4)
    async with start(decode_memory_bytes=64 * 2**20) as running:
        refusal = await refused(running.ask(photo))
        assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
        assert "takes 183 MiB of memory" in refusal.message
        assert refusal.details["BadRequest"].field_violations[0].field == "query.image"
