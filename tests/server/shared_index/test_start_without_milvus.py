"""A real server that starts before its Milvus does."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]

from steeple.delf.features import FeatureSet
from steeple.errors import FailedPreconditionError
from steeple.server.api.lifecycle import LIVE, SERVICES, Server
from steeple.server.catalogue import LandmarkDraft
from steeple.server.settings import Settings
from tests.engines.gate import Gate
from tests.engines.ports import free_port
from tests.faults.serving import environment, serve_command

pytestmark = pytest.mark.engines  # all need the package pymilvus, one a Milvus

MakeFeatures = Callable[..., FeatureSet]

WAITS = "not ready: the server waits for what keeps its index"
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Said(logging.Handler):
    """An event that is set when a server logs some message."""

    def __init__(self, message: str) -> None:
        super().__init__()
        self._message = message
        self._loop = asyncio.get_running_loop()
        self.event = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage() == self._message:
            self._loop.call_soon_threadsafe(self.event.set)

    def __enter__(self) -> Said:
        logging.getLogger("steeple").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("steeple").removeHandler(self)


def metric(port: int, name: str) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    return float(next(line for line in lines if line.startswith(f"{name} ")).split()[1])


async def test_it_is_live_and_gets_ready_when_milvus_is_there(
    tmp_path: Path, milvus_uri: str, milvus_prefix: str, make_features: MakeFeatures
) -> None:
    port = free_port()
    settings = Settings.load(
        address="127.0.0.1:0",
        metrics_address="127.0.0.1:0",
        data_dir=tmp_path,
        milvus_uri=f"http://127.0.0.1:{port}",
        milvus_prefix=milvus_prefix,
    )
    async with AsyncExitStack() as opened:
        waits = opened.enter_context(Said(WAITS))
        server = Server(settings)
        bound = await server.start()
        opened.push_async_callback(server.stop, 1.0)
        channel = await opened.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{bound}"))
        health = health_pb2_grpc.HealthStub(channel)

        async def status(service: str) -> int:
            return int((await health.Check(health_pb2.HealthCheckRequest(service=service))).status)

        await asyncio.wait_for(waits.event.wait(), 60)
        assert [await status(service) for service in (LIVE, "", SERVICES[0])] == [SERVING, NOT_SERVING, NOT_SERVING]
        assert await asyncio.to_thread(metric, server.metrics_port, "steeple_ready") == 0
        opened.enter_context(Gate(urlsplit(milvus_uri).port or 0, at=port))
        engine = await asyncio.wait_for(server.ready(), 60)
        assert [await status(service) for service in (LIVE, "", SERVICES[0])] == [SERVING] * 3
        assert await asyncio.to_thread(metric, server.metrics_port, "steeple_ready") == 1

        def add_and_identify() -> bool:
            engine.catalogue.create_landmark(LandmarkDraft("A"), landmark_id="a")
            engine.ingest.create_image("a", make_features(1), image_id="one")
            return engine.identify(make_features(1), max_candidates=1).identified

        assert await asyncio.to_thread(add_and_identify)


async def test_what_is_no_milvus_ends_the_start(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        other = grpc.server(pool)
        port = other.add_insecure_port("127.0.0.1:0")
        other.start()
        milvus = {"milvus_uri": f"http://127.0.0.1:{port}"}
        server = Server(Settings.load(address="127.0.0.1:0", data_dir=tmp_path, **milvus))
        await server.start()
        with pytest.raises(FailedPreconditionError, match="is no Milvus"):
            await asyncio.wait_for(server.ready(), 60)
        await server.stop(1.0)
        other.stop(None).wait()


@pytest.mark.parametrize("silent", [False, True], ids=["closed", "silent"])
def test_told_to_stop_while_it_waits_it_ends_as_it_should(tmp_path: Path, silent: bool) -> None:
    with ExitStack() as opened:
        port = free_port()
        if silent:
            opened.enter_context(socket.create_server(("127.0.0.1", port)))  # which takes connections, and no more
        command = serve_command(tmp_path / "data", "--milvus-uri", f"http://127.0.0.1:{port}")
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), text=True
        )
        opened.callback(process.kill)
        assert process.stderr is not None
        waiting = next(told for told in map(json.loads, process.stderr) if told["message"] == WAITS)
        assert f"Milvus at 127.0.0.1:{port} " in waiting["reason"]
        assert waiting["level"] == "WARNING"
        process.send_signal(signal.SIGTERM)
        out, rest = process.communicate(timeout=60)
    messages = [json.loads(line)["message"] for line in rest.splitlines()]
    assert (process.returncode, out) == (0, ""), "it was never ready"
    assert messages[-1] == "stopped"
    assert "Traceback" not in rest
