"""A server on a real socket, and what its answers say."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]
from grpc_health.v1 import health_pb2_grpc  # type: ignore[import-untyped]

from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.server.api.lifecycle import Server
from steeple.server.api.tracing import Tracing
from steeple.server.engine import Engine
from steeple.server.settings import Settings
from steeple.v1 import landmark_pb2
from steeple.v1.catalog_service_pb2 import CreateLandmarkRequest, CreateReferenceImageRequest
from steeple.v1.catalog_service_pb2_grpc import CatalogServiceStub
from steeple.v1.visual_search_service_pb2 import Answer, IdentifyRequest, Query
from steeple.v1.visual_search_service_pb2_grpc import VisualSearchServiceStub

if TYPE_CHECKING:
    from steeple.v1.catalog_service_pb2_grpc import CatalogServiceAsyncStub
    from steeple.v1.visual_search_service_pb2_grpc import VisualSearchServiceAsyncStub


@dataclass(frozen=True)
class Running:
    """A server that listens, and stubs that are connected to it."""

    server: Server
    settings: Settings
    port: int
    channel: grpc.aio.Channel
    search: VisualSearchServiceAsyncStub
    catalog: CatalogServiceAsyncStub
    health: Any

    async def add(
        self, landmark_id: str, source: bytes | FeatureSet, image_id: str = "one", *, metadata: Any = None
    ) -> str:
        """Name of a new reference image of a new landmark."""
        landmark = landmark_pb2.Landmark(display_name=landmark_id.title())
        request = CreateLandmarkRequest(landmark=landmark, landmark_id=landmark_id)
        await self.catalog.CreateLandmark(request, metadata=metadata)
        return await self.add_image(landmark_id, source, image_id, metadata=metadata)

    async def add_image(
        self, landmark_id: str, source: bytes | FeatureSet, image_id: str, *, metadata: Any = None
    ) -> str:
        """Name of a new reference image."""
        request = CreateReferenceImageRequest(parent=f"landmarks/{landmark_id}", reference_image_id=image_id)
        if isinstance(source, bytes):
            request.image = source
        else:
            request.features.CopyFrom(wire.pack(source))
        return (await self.catalog.CreateReferenceImage(request, metadata=metadata)).reference_image.name

    async def ask(
        self, source: bytes | FeatureSet, *, max_candidates: int = 0, include_matches: bool = False
    ) -> Answer:
        """The answer to a query."""
        query = Query(max_candidates=max_candidates, include_matches=include_matches)
        if isinstance(source, bytes):
            query.image = source
        else:
            query.features.CopyFrom(wire.pack(source))
        return (await self.search.Identify(IdentifyRequest(query=query))).answer

    async def state(self) -> tuple[object, ...]:
        """All that a refused change must leave as it was."""
        engine = await self.server.ready()
        photos = sorted(path.name for path in Path(self.settings.photos_url).rglob("*") if path.is_file())
        catalogue = engine.catalogue
        return (
            catalogue.sequence(),
            catalogue.image_count(),
            catalogue.list_landmarks().items,
            photos,
            engine.index_keeper.index.stats(),
        )


@dataclass(frozen=True)
class Refusal:
    """A status that is not OK: its code, message, and details by name."""

    code: grpc.StatusCode
    message: str
    details: dict[str, Any]


Start = Callable[..., AbstractAsyncContextManager[Running]]
Refused = Callable[[Awaitable[object]], Awaitable[Refusal]]


@pytest.fixture
def database_url() -> str:
    """Of the catalogue of servers that are started; empty: a file in their data folder. Modules may have their own."""
    return ""


@pytest.fixture
def start(tmp_path: Path, database_url: str) -> Start:
    """Starts servers on a data folder of the test; each is stopped when its block is left."""
    database = {"database_url": database_url} if database_url else {}

    @asynccontextmanager
    async def started(
        *,
        engine: Callable[[Settings, threading.Event], Engine] | None = None,
        ready: bool = True,
        interceptors: tuple[grpc.aio.ServerInterceptor, ...] = (),
        tracing: Tracing | None = None,
        **flags: object,
    ) -> AsyncIterator[Running]:
        settings = Settings.load(
            None,
            **{
                "address": "127.0.0.1:0",
                "data_dir": tmp_path / "data",
                "max_queue_delay_ms": 60_000.0,
                **database,
                **flags,
            },
        )
        given: dict[str, Any] = {} if engine is None else {"open_engine": engine}
        server = Server(settings, interceptors=interceptors, tracing=tracing, **given)
        port = await server.start()
        try:
            if ready:
                await server.ready()
            options = [("grpc.max_receive_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
                yield Running(
                    server=server,
                    settings=settings,
                    port=port,
                    channel=channel,
                    search=cast("VisualSearchServiceAsyncStub", VisualSearchServiceStub(channel)),
                    catalog=cast("CatalogServiceAsyncStub", CatalogServiceStub(channel)),
                    health=health_pb2_grpc.HealthStub(channel),
                )
        finally:
            await server.stop(5.0)

    return started


@pytest.fixture
async def running(start: Start) -> AsyncIterator[Running]:
    """A server with an empty catalogue."""
    async with start() as server:
        yield server


@pytest.fixture
def refused() -> Refused:
    """Awaits a call that must fail, and says how it did."""

    async def wait(call: Awaitable[object]) -> Refusal:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        details = {}
        for key, value in caught.value.trailing_metadata() or ():
            if key == "grpc-status-details-bin":
                for packed in status_pb2.Status.FromString(value).details:
                    name = packed.TypeName().removeprefix("google.rpc.")
                    details[name] = getattr(error_details_pb2, name)()
                    packed.Unpack(details[name])
        return Refusal(caught.value.code(), caught.value.details() or "", details)

    return wait
