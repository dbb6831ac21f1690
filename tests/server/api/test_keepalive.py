"""Half-open connections: both sides notice a peer that has vanished, and no ping of the SDK's is one too many."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import grpc
import pytest

from steeple.client import _transport
from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.server.api.transport import LEAST_PING_SECONDS, channel_options
from steeple.server.settings import Settings
from steeple.v1.visual_search_service_pb2 import IdentifyStreamRequest, Query
from steeple.v1.visual_search_service_pb2_grpc import VisualSearchServiceStub
from tests.blackhole import blackhole

MakeFeatures = Callable[..., FeatureSet]

SCALE = 25  # pings of tests are so much more frequent than usual; gRPC sends no more than one a second
SCALED = (
    "grpc.keepalive_time_ms",
    "grpc.keepalive_timeout_ms",
    "grpc.http2.ping_timeout_ms",
    "grpc.http2.min_ping_interval_without_data_ms",
)


def client_options(**more: object) -> dict[str, Any]:
    settings = _transport.Settings(
        target="localhost:1",
        timeout=1.0,
        long_timeout=1.0,
        max_attempts=1,
        tls=False,
        root_certificates=None,
        channel_options=(("grpc.use_local_subchannel_pool", 1),),
    )
    return {**dict(settings.options()), **more}


def scaled(options: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(name, value // SCALE if name in SCALED else value) for name, value in options.items()]


@asynccontextmanager
async def quiet_server(options: list[tuple[str, Any]]) -> AsyncIterator[int]:
    """A server whose only method says nothing until the caller is done."""

    async def listen(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        yield b"here"
        async for _ in requests:
            pass

    server = grpc.aio.server(options=options)
    handler: Any = grpc.stream_stream_rpc_method_handler(cast("Any", listen))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("Quiet", {"Listen": handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield port
    finally:
        await server.stop(None)


def test_the_client_pings_no_more_often_than_the_server_takes() -> None:
    server, client = dict(channel_options(Settings())), client_options()
    assert client["grpc.keepalive_time_ms"] >= 2 * server["grpc.http2.min_ping_interval_without_data_ms"]
    assert server["grpc.http2.min_ping_interval_without_data_ms"] == 1000 * LEAST_PING_SECONDS
    # Whoever is there has answered before the next question is due.
    assert server["grpc.keepalive_timeout_ms"] <= server["grpc.keepalive_time_ms"]
    assert client["grpc.keepalive_timeout_ms"] <= client["grpc.keepalive_time_ms"]


async def pinged(server: dict[str, Any], client: dict[str, Any], seconds: float) -> grpc.StatusCode | None:
    """How a call ends on which nothing is said for so long; None: it does not."""
    server = {**server, "grpc.keepalive_time_ms": 10**6}  # its own pings would excuse those of the client
    server["grpc.http2.max_ping_strikes"] = 1
    async with (
        quiet_server(scaled(server)) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=scaled(client)) as channel,
    ):
        call: Any = channel.stream_stream("/Quiet/Listen")()
        assert await call.read() == b"here"
        done, _ = await asyncio.wait([asyncio.ensure_future(call.read())], timeout=seconds)
        return await call.code() if done else None


async def test_the_pings_of_the_sdk_are_not_held_for_abuse() -> None:
    server, client = dict(channel_options(Settings())), client_options()
    strict = {**server, "grpc.http2.min_ping_interval_without_data_ms": 10**6}
    taken, refused = await asyncio.gather(pinged(server, client, 4.0), pinged(strict, client, 10.0))
    assert taken is None
    assert refused is grpc.StatusCode.UNAVAILABLE, "the client did not ping, and this proves nothing"


async def test_a_client_notices_that_the_server_has_vanished() -> None:
    async with (
        quiet_server(scaled(dict(channel_options(Settings())))) as port,
        blackhole(port) as proxy,
        grpc.aio.insecure_channel(f"127.0.0.1:{proxy.port}", options=scaled(client_options())) as channel,
    ):
        call: Any = channel.stream_stream("/Quiet/Listen")()
        assert await call.read() == b"here"
        proxy.swallow()
        began = asyncio.get_running_loop().time()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await asyncio.wait_for(call.read(), 10)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        # 30 s of silence and 15 s without an answer, scaled, and something for the machine.
        assert asyncio.get_running_loop().time() - began < 45 / SCALE + 3.0


async def test_a_server_lets_go_of_a_camera_that_has_vanished(start: Any, make_features: MakeFeatures) -> None:
    async with (
        start(keepalive_seconds=0.3, keepalive_timeout_seconds=0.15) as running,
        blackhole(running.port) as proxy,
        grpc.aio.insecure_channel(
            f"127.0.0.1:{proxy.port}", options=[("grpc.use_local_subchannel_pool", 1)]
        ) as channel,
    ):
        stub: Any = VisualSearchServiceStub(channel)
        call = stub.IdentifyStream()
        query = Query(features=wire.pack(make_features(0)))
        await call.write(IdentifyStreamRequest(frame_id=1, query=query))
        assert (await call.read()).frame_id == 1
        readiness = running.server._readiness
        assert readiness.busy
        proxy.swallow()
        await asyncio.wait_for(readiness.idle(), 10)
