"""``steeple.v1.ServerService``: what a server tells of itself."""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Callable
from typing import Any

import faiss

from steeple.delf.features import FeatureSet
from steeple.server.keeper import Activity, UpkeepState
from steeple.v1.server_service_pb2 import GetServerInfoRequest, ServerInfo, Upkeep
from steeple.v1.server_service_pb2_grpc import ServerServiceStub

MakeFeatures = Callable[..., FeatureSet]


async def info(running: Any) -> ServerInfo:
    stub: Any = ServerServiceStub(running.channel)
    told: ServerInfo = (await stub.GetServerInfo(GetServerInfoRequest())).server_info
    return told


async def test_a_server_tells_what_it_serves(start: Any, make_features: MakeFeatures) -> None:
    async with start() as running:
        before = time.time()
        await running.add("a", make_features(0))
        await running.add("b", make_features(1))
        told = await info(running)
        assert told.version == importlib.metadata.version("steeple")
        assert before - 60 < told.start_time.seconds <= before
        assert 0 < told.uptime.ToNanoseconds() < 60e9
        assert list(told.models) == ["models/delf-lite2-v1"]
        index = told.index
        assert (index.factory, index.device, index.faiss_version) == ("IVF1024,PQ20", "CPU", faiss.__version__)
        assert (index.probes, index.neighbours, index.batching) == (16, 20, False)
        assert (index.image_count, index.descriptor_count, index.bytes_per_descriptor) == (2, 400, 28.0)
        assert (index.live_descriptor_count, index.dead_descriptor_count) == (400, 0)
        assert (index.sequence, index.catalogue_sequence) == (2, 2)
        assert told.upkeep == Upkeep(activity=Upkeep.ACTIVITY_IDLE)
        engine = await running.server.ready()
        engine.ingest.delete_image("a", "one")
        index = (await info(running)).index
        assert (index.image_count, index.descriptor_count, index.dead_descriptor_count) == (1, 200, 200)
        engine.index_keeper.snapshot()
        index = (await info(running)).index
        assert (index.live_descriptor_count, index.dead_descriptor_count) == (0, 0)


async def test_the_state_of_upkeep_is_told(start: Any, make_features: MakeFeatures) -> None:
    async with start(index="IVF16,PQ8") as running:
        await running.add("a", make_features(0))
        engine = await running.server.ready()
        told = (await info(running)).upkeep
        assert told.activity == Upkeep.ACTIVITY_IDLE
        assert told.waiting_for.startswith("IVF16,PQ8 is trained once the catalogue has 9,984 descriptors; it has 200")
        for state, activity in (
            (UpkeepState(Activity.SAVING), Upkeep.ACTIVITY_SAVING),
            (UpkeepState(Activity.REBUILDING, 3, 8), Upkeep.ACTIVITY_REBUILDING),
        ):
            engine.index_keeper._upkeep_state = state
            told = (await info(running)).upkeep
            assert told.activity == activity
            assert (told.images_done, told.images_total) == (state.images_done, state.images_total)
