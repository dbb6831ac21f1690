"""A server that is told to stop says so before it refuses calls, and one that may no longer use its database too."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Any

import grpc
from grpc_health.v1 import health_pb2  # type: ignore[import-untyped]

from steeple.delf.features import FeatureSet
from steeple.server.api.lifecycle import LIVE, SERVICES
from steeple.server.engine import Engine
from steeple.v1.visual_search_service_pb2 import ListModelsRequest

MakeFeatures = Callable[..., FeatureSet]
Refused = Callable[[Awaitable[object]], Awaitable[Any]]

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def status(running: Any, service: str) -> int:
    return int((await running.health.Check(health_pb2.HealthCheckRequest(service=service))).status)


async def test_calls_are_taken_while_load_balancers_notice(
    start: Any, refused: Refused, make_features: MakeFeatures
) -> None:
    async with start(drain_delay_seconds=600) as running:
        watch = running.health.Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == SERVING
        stopping = asyncio.create_task(running.server.stop(60.0))
        assert (await watch.read()).status == NOT_SERVING
        for service in SERVICES:
            assert await status(running, service) == NOT_SERVING
        assert (await running.ask(make_features(0))).feature_count == 200
        assert not stopping.done()
        await running.server.cancel_calls()  # as a second signal does
        await asyncio.wait_for(stopping, 30)


async def test_the_delay_ends(start: Any) -> None:
    async with start(drain_delay_seconds=0.05) as running:
        await asyncio.wait_for(running.server.stop(60.0), 30)


async def test_liveness_is_another_service(start: Any) -> None:
    may_load = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(settings: Any, stopping: Any) -> Engine:
        asyncio.run_coroutine_threadsafe(may_load.wait(), loop).result(10)
        return Engine(settings, stopping=stopping)

    async with start(engine=slow, ready=False) as running:
        assert await status(running, "") == NOT_SERVING
        assert await status(running, LIVE) == SERVING
        may_load.set()
        await running.server.ready()
        assert await status(running, "") == await status(running, LIVE) == SERVING


async def test_a_database_beyond_the_server_ends_its_readiness(start: Any, refused: Refused) -> None:
    async with start() as running:
        watch = running.health.Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == SERVING
        with closing(sqlite3.connect(running.settings.data_dir / "catalogue.db")) as connection:
            connection.execute("UPDATE schema_compatibility SET oldest_revision = '9999', migrated_by = '9.1'")
            connection.commit()
        engine = await running.server.ready()
        await asyncio.to_thread(engine.catalogue.schema.check)  # as upkeep does every few seconds
        assert (await watch.read()).status == NOT_SERVING
        refusal = await refused(running.search.ListModels(ListModelsRequest()))
        assert refusal.code is grpc.StatusCode.UNAVAILABLE
        assert "install Steeple 9.1 or a newer one" in refusal.message
        assert await status(running, LIVE) == SERVING
