"""``steeple.v1.PackService``."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any, Final

import grpc

from steeple.errors import InvalidArgumentError
from steeple.packs import DEFAULT_FEATURES
from steeple.server.api.names import model_name, parse_pack
from steeple.server.api.operations import operation_message
from steeple.server.api.pools import Pool
from steeple.server.api.readiness import Readiness
from steeple.server.api.resources import place_message, timestamp
from steeple.server.api.sending import pieces
from steeple.server.api.status import FIELD
from steeple.server.catalogue import LatLng
from steeple.server.catalogue.ids import check_id
from steeple.server.catalogue.limits import check_sha256
from steeple.server.packs import Packs, PackSettings, PackState, PublishedPack
from steeple.server.packs.records import DEFAULT_IMAGES, pack_restriction
from steeple.v1 import pack_service_pb2 as api
from steeple.v1 import pack_service_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]

_SENT_AT_ONCE: Final = 1 << 17  # a phone loses what has come of a message when its connection breaks
_STATES: Final = {
    PackState.CURRENT: api.Pack.STATE_CURRENT,
    PackState.STALE: api.Pack.STATE_STALE,
    PackState.LOST: api.Pack.STATE_LOST,
}


class PackService(pack_service_pb2_grpc.PackServiceServicer):
    """Makes offline packs, and sends them to devices.

    Args:
        readiness: Where the engine, and so the packs, are.
        calls: Threads for what only reads and writes the catalogue.
        files: Threads for what reads and writes large files.
    """

    def __init__(self, readiness: Readiness, calls: Pool, files: Pool) -> None:
        self._readiness = readiness
        self._calls = calls
        self._files = files

    async def CreatePack(  # noqa: N802
        self, request: api.CreatePackRequest, context: Context
    ) -> api.CreatePackResponse:
        """Begins to make a pack and to publish it."""
        pack_id, settings = check_id(request.pack_id, "pack_id"), read_settings(request.settings)
        operation = await self._calls.run(self._packs.create, pack_id, settings, request_id=request.request_id)
        return api.CreatePackResponse(operation=operation_message(operation))

    async def RefreshPack(  # noqa: N802
        self, request: api.RefreshPackRequest, context: Context
    ) -> api.RefreshPackResponse:
        """Begins to make a pack anew."""
        pack_id = parse_pack(request.name)
        operation = await self._calls.run(self._packs.refresh, pack_id, request_id=request.request_id)
        return api.RefreshPackResponse(operation=operation_message(operation))

    async def ExportPack(  # noqa: N802
        self, request: api.ExportPackRequest, context: Context
    ) -> api.ExportPackResponse:
        """Begins to make a pack that is not published."""
        pack_id, settings = check_id(request.pack_id, "pack_id"), read_settings(request.settings)
        operation = await self._calls.run(self._packs.export, pack_id, settings, request_id=request.request_id)
        return api.ExportPackResponse(operation=operation_message(operation))

    async def GetPack(  # noqa: N802
        self, request: api.GetPackRequest, context: Context
    ) -> api.GetPackResponse:
        """A pack by name."""
        pack_id = parse_pack(request.name)

        def found() -> api.GetPackResponse:
            (pack,) = self._messages([self._packs.store.get(pack_id)])
            return api.GetPackResponse(pack=pack)

        return await self._calls.run(found)

    async def ListPacks(  # noqa: N802
        self, request: api.ListPacksRequest, context: Context
    ) -> api.ListPacksResponse:
        """Packs by id, a page at a time."""

        def listed() -> api.ListPacksResponse:
            page = self._packs.store.list(request.page_size, request.page_token)
            return api.ListPacksResponse(
                packs=self._messages(page.items),
                next_page_token=page.next_page_token,
                total_size=page.total_size,
            )

        return await self._calls.run(listed)

    async def DownloadPack(  # noqa: N802
        self, request: api.DownloadPackRequest, context: Context
    ) -> AsyncGenerator[api.DownloadPackResponse, None]:
        """Sends a pack's file."""
        pack_id = parse_pack(request.name)
        if request.sha256:
            check_sha256(request.sha256)
        with await self._files.run(self._packs.store.open, pack_id, request.offset, request.sha256) as file:
            async for data in pieces(self._files, file, _SENT_AT_ONCE):
                yield api.DownloadPackResponse(data=data)

    async def DeletePack(  # noqa: N802
        self, request: api.DeletePackRequest, context: Context
    ) -> api.DeletePackResponse:
        """Takes a pack away."""
        await self._calls.run(self._packs.store.delete, parse_pack(request.name))
        return api.DeletePackResponse()

    def _messages(self, packs: Sequence[PublishedPack]) -> list[api.Pack]:
        return [pack_message(pack, state) for pack, state in zip(packs, self._packs.states(packs), strict=True)]

    @property
    def _packs(self) -> Packs:
        return self._readiness.engine.packs


def read_settings(message: api.PackSettings) -> PackSettings:
    """What is to be in a pack.

    Raises:
        InvalidArgumentError: If a value is out of bounds.
    """
    near = LatLng(message.near.latitude, message.near.longitude) if message.HasField("near") else None
    try:
        return PackSettings(
            display_name=message.display_name,
            restriction=pack_restriction(near, message.radius_meters, dict(message.metadata), list(message.labels)),
            max_images=message.max_images or DEFAULT_IMAGES,
            max_features=message.max_features or DEFAULT_FEATURES,
            exact=message.exact_descriptors,
        )
    except InvalidArgumentError as error:
        error.metadata[FIELD] = f"settings.{error.metadata[FIELD].replace('location.', 'near.')}"
        raise


def pack_message(pack: PublishedPack, state: PackState) -> api.Pack:
    """A pack as the API shows it."""
    settings = pack.settings
    message = api.Pack(
        name=pack.name,
        settings=api.PackSettings(
            display_name=settings.display_name,
            radius_meters=settings.restriction.radius_meters,
            metadata=dict(settings.restriction.metadata),
            labels=settings.restriction.labels,
            max_images=settings.max_images,
            max_features=settings.max_features,
            exact_descriptors=settings.exact,
        ),
        state=_STATES[state],
        model=model_name(pack.model),
        tflite_sha256=pack.tflite_sha256,
        sequence=pack.sequence,
        landmark_count=pack.landmark_count,
        image_count=pack.image_count,
        feature_count=pack.feature_count,
        size_bytes=pack.size_bytes,
        sha256=pack.sha256,
        create_time=timestamp(pack.create_time),
    )
    place_message(settings.restriction.near, message.settings.near)
    return message
