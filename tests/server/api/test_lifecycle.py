"""From the first moment to the last: loading, ready, overloaded, failing, stopping."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc  # type: ignore[import-untyped]

from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.errors import CancelledError, FailedPreconditionError, NotFoundError
from steeple.server.api.lifecycle import SERVICES, Server
from steeple.server.engine import Engine
from steeple.server.identification import Identification
from steeple.server.settings import Settings
from steeple.v1.visual_search_service_pb2 import IdentifyRequest, ListModelsRequest, Query

MakeFeatures = Callable[..., FeatureSet]
Refused = Callable[[Awaitable[object]], Awaitable[Any]]

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Gate:
    """An engine that identifies once it is let; counts what it has begun."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.opened = threading.Event()
        self.count = 0

    def __call__(self, settings: Settings, stopping: threading.Event) -> Engine:
        gate = self

        class Gated(Engine):
            def identify(self, source: FeatureSet | bytes, **how: Any) -> Identification:
                gate.count += 1
                gate.begun.release()
                assert gate.opened.wait(10)
                return super().identify(source, **how)

        return Gated(settings, stopping=stopping)

    async def entered(self) -> None:
        assert await asyncio.to_thread(self.begun.acquire, timeout=10)


async def health(running: Any, service: str = "") -> int:
    return int((await running.health.Check(health_pb2.HealthCheckRequest(service=service))).status)


async def test_until_the_index_is_current_the_server_says_so(start: Any, refused: Refused) -> None:
    may_load = threading.Event()

    def slow(settings: Settings, stopping: threading.Event) -> Engine:
        assert may_load.wait(10)
        return Engine(settings, stopping=stopping)

    async with start(engine=slow, ready=False) as running:
        watch = running.health.Watch(health_pb2.HealthCheckRequest(service=SERVICES[0]))
        assert (await watch.read()).status == NOT_SERVING
        for service in ("", *SERVICES):
            assert await health(running, service) == NOT_SERVING
        refusal = await refused(running.search.ListModels(ListModelsRequest()))
        assert refusal.code is grpc.StatusCode.UNAVAILABLE
        assert "starting" in refusal.message
        assert refusal.details["RetryInfo"].retry_delay.seconds == 1
        may_load.set()
        await running.server.ready()
        assert (await watch.read()).status == SERVING
        for service in ("", *SERVICES):
            assert await health(running, service) == SERVING
        await running.search.ListModels(ListModelsRequest())
        watch.cancel()


async def test_a_stop_interrupts_a_long_start(tmp_path: Path) -> None:
    began = threading.Event()

    def endless(settings: Settings, stopping: threading.Event) -> Engine:
        began.set()
        assert stopping.wait(10)
        raise CancelledError("the server was told to stop")

    server = Server(Settings.load(address="127.0.0.1:0", data_dir=tmp_path), open_engine=endless)
    await server.start()
    assert await asyncio.to_thread(began.wait, 10)
    await server.stop(60.0)
    with pytest.raises(CancelledError):
        await server.ready()


async def test_what_keeps_the_engine_from_opening_is_raised(tmp_path: Path) -> None:
    server = Server(Settings.load(address="127.0.0.1:0", data_dir=tmp_path, model="delf-nowhere"))
    await server.start()
    with pytest.raises(NotFoundError, match="delf-nowhere"):
        await server.ready()
    await server.stop(1.0)


async def test_reflection_lists_the_services(running: Any) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(running.channel)
    requests = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    answers = [answer async for answer in stub.ServerReflectionInfo(requests)]
    names = {service.name for service in answers[0].list_services_response.service}
    assert names == {*SERVICES, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}


async def test_a_unix_socket_will_do(tmp_path: Path) -> None:
    server = Server(Settings.load(address=f"unix:{tmp_path}/socket", data_dir=tmp_path / "data"))
    assert await server.start() == 0
    await server.ready()
    async with grpc.aio.insecure_channel(f"unix:{tmp_path}/socket") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        assert (await stub.Check(health_pb2.HealthCheckRequest())).status == SERVING
    await server.stop(5.0)


async def test_an_address_in_use_is_refused(running: Any, tmp_path: Path) -> None:
    settings = Settings.load(address=f"127.0.0.1:{running.port}", data_dir=tmp_path / "other")
    with pytest.raises(FailedPreconditionError, match=f"cannot listen on 127.0.0.1:{running.port}"):
        await Server(settings).start()


async def test_a_data_folder_in_use_is_refused(running: Any) -> None:
    second = Server(Settings.load(address="127.0.0.1:0", data_dir=running.settings.data_dir))
    await second.start()
    with pytest.raises(FailedPreconditionError, match="in use by another server"):
        await second.ready()
    await second.stop(1.0)
    assert await health(running) == SERVING


async def test_overload_is_refused_with_a_delay(start: Any, refused: Refused, make_features: MakeFeatures) -> None:
    gate = Gate()
    async with start(engine=gate, workers=1, max_concurrent_queries=2) as running:
        queries = [asyncio.create_task(running.ask(make_features(0))) for _ in range(3)]
        await gate.entered()
        done, pending = await asyncio.wait(queries, return_when=asyncio.FIRST_COMPLETED)
        refusal = await refused(done.pop())
        assert refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "limit of 2 concurrent queries" in refusal.message
        retry = refusal.details["RetryInfo"].retry_delay
        assert 0.05 <= retry.seconds + retry.nanos / 1e9 <= 1.1
        assert refusal.details["ErrorInfo"].metadata["reason"] == "full"
        await running.search.ListModels(ListModelsRequest())  # others are served meanwhile
        gate.opened.set()
        assert [answer.feature_count for answer in await asyncio.gather(*pending)] == [200, 200]


async def test_work_whose_deadline_has_passed_is_not_started(
    start: Any, refused: Refused, make_features: MakeFeatures
) -> None:
    gate = Gate()
    async with start(engine=gate, workers=1) as running:
        first = asyncio.create_task(running.ask(make_features(0)))
        await gate.entered()
        waiting = running.search.Identify(
            IdentifyRequest(query=Query(features=wire.pack(make_features(0)))), timeout=0.05
        )
        assert (await refused(waiting)).code is grpc.StatusCode.DEADLINE_EXCEEDED
        gate.opened.set()
        await first
        await running.ask(make_features(0))
        assert gate.count == 2


async def test_what_nobody_expected_is_reported_by_number_and_the_server_stays_up(
    start: Any, refused: Refused, make_features: MakeFeatures, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Engine):
        def identify(self, source: FeatureSet | bytes, **how: Any) -> Identification:
            raise ZeroDivisionError("the password is swordfish")

    def broken(settings: Settings, stopping: threading.Event) -> Engine:
        return Broken(settings, stopping=stopping)

    async with start(engine=broken) as running:
        refusal = await refused(running.ask(make_features(0)))
        assert refusal.code is grpc.StatusCode.INTERNAL
        assert "swordfish" not in refusal.message
        number = refusal.details["ErrorInfo"].metadata["incident"]
        assert number in refusal.message
        (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
        assert record.__dict__["facts"]["incident"] == number
        assert record.exc_info is not None
        assert "swordfish" in str(record.exc_info[1])
        await running.search.ListModels(ListModelsRequest())


async def test_every_call_leaves_one_line_in_the_log(
    running: Any, refused: Refused, make_features: MakeFeatures, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "steeple")
    await running.ask(make_features(0))
    await refused(running.ask(b"no photo"))
    calls = [record.__dict__["facts"] for record in caplog.records if record.message == "call"]
    assert [(call["method"], call["status"]) for call in calls] == [
        ("/steeple.v1.VisualSearchService/Identify", "OK"),
        ("/steeple.v1.VisualSearchService/Identify", "INVALID_ARGUMENT"),
    ]
    assert all(call["ms"] >= 0 and call["peer"].startswith("ipv4:127.0.0.1") for call in calls)
    assert "not an image" in calls[1]["error"]


async def test_a_stop_lets_calls_in_progress_end_and_refuses_new_ones(
    start: Any, refused: Refused, make_features: MakeFeatures
) -> None:
    gate = Gate()
    async with start(engine=gate) as running:
        watch = running.health.Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == SERVING
        call = asyncio.create_task(running.ask(make_features(0)))
        await gate.entered()
        stopping = asyncio.create_task(running.server.stop(60.0))
        assert (await watch.read()).status == NOT_SERVING
        refusal = await refused(running.search.ListModels(ListModelsRequest()))
        assert refusal.code is grpc.StatusCode.UNAVAILABLE
        gate.opened.set()
        assert (await call).feature_count == 200
        # The watch never ends by itself, and does not make the server wait for its whole grace.
        await asyncio.wait_for(stopping, 30)


async def test_calls_that_outlast_the_grace_are_cancelled(
    start: Any, refused: Refused, make_features: MakeFeatures
) -> None:
    gate = Gate()
    async with start(engine=gate) as running:
        call = asyncio.create_task(running.ask(make_features(0)))
        await gate.entered()
        stopping = asyncio.create_task(running.server.stop(0.05))
        assert (await refused(call)).code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
        gate.opened.set()
        await asyncio.wait_for(stopping, 30)


async def test_a_restart_finds_everything_again(start: Any, make_features: MakeFeatures) -> None:
    async with start() as running:
        name = await running.add("big-ben", make_features(0))
        before = await running.state()
    async with start() as running:
        assert await running.state() == before
        assert (await running.ask(make_features(0))).candidates[0].reference_image == name
