"""A database that is locked or gone, and clients that are slow: each told what it is, and nothing lost."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.v1.catalog_service_pb2 import CreateLandmarkRequest, GetLandmarkRequest, ListLandmarksRequest
from steeple.v1.landmark_pb2 import Landmark
from steeple.v1.visual_search_service_pb2 import IdentifyRequest, IdentifyStreamRequest, Query
from steeple.v1.visual_search_service_pb2_grpc import VisualSearchServiceStub
from tests.blackhole import blackhole

MakeFeatures = Callable[..., FeatureSet]

LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another process holds the database's lock."""
    holder = subprocess.Popen(
        [sys.executable, "-c", LOCK, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        yield
    finally:
        holder.communicate(timeout=30)


def create(landmark_id: str) -> CreateLandmarkRequest:
    request_id = str(uuid.uuid5(uuid.NAMESPACE_OID, landmark_id))
    return CreateLandmarkRequest(
        landmark=Landmark(display_name=landmark_id), landmark_id=landmark_id, request_id=request_id
    )


async def ids(running: Any) -> set[str]:
    listed = (await running.catalog.ListLandmarks(ListLandmarksRequest())).landmarks
    return {one.name.removeprefix("landmarks/") for one in listed}


async def test_while_the_database_is_locked_everything_is_answered_but_changes(
    start: Any, refused: Any, make_features: MakeFeatures, tmp_path: Path
) -> None:
    path = tmp_path / "data" / "catalogue.db"
    async with start(database_url=f"sqlite:///{path}?timeout=0.2") as running:
        name = await running.add("a", make_features(0))
        with locked(path):
            requests = [create(f"landmark-{number}") for number in range(6)]  # more than there are threads
            changes = [asyncio.create_task(refused(running.catalog.CreateLandmark(one))) for one in requests]
            await asyncio.sleep(0)
            reads = [running.catalog.GetLandmark(GetLandmarkRequest(name="landmarks/a")) for _ in range(8)]
            assert [one.landmark.display_name for one in await asyncio.gather(*reads)] == ["A"] * 8
            assert not any(change.done() for change in changes), "reading did not wait for those who cannot write"
            assert (await running.ask(make_features(0))).candidates[0].reference_image == name
            for refusal in await asyncio.gather(*changes):
                assert refusal.code is grpc.StatusCode.UNAVAILABLE
                assert "another process keeps the catalogue locked" in refusal.message
        assert await ids(running) == {"a"}
        await asyncio.gather(*(running.catalog.CreateLandmark(one) for one in requests))
        assert await ids(running) == {"a", *(f"landmark-{number}" for number in range(6))}


@pytest.mark.parametrize("replaced", [False, True], ids=["gone", "replaced"])
async def test_what_would_be_lost_with_the_databases_file_is_not_acknowledged(
    start: Any, refused: Any, make_features: MakeFeatures, tmp_path: Path, replaced: bool
) -> None:
    path, aside = tmp_path / "data" / "catalogue.db", tmp_path / "aside"
    async with start() as running:
        name = await running.add("a", make_features(0))
        shutil.move(path, aside)
        if replaced:
            with sqlite3.connect(path) as other:
                other.execute("CREATE TABLE something (else_ TEXT)")
            other.close()
        # More at once than there are connections that wait to be used.
        refusals = await asyncio.gather(*(refused(running.catalog.CreateLandmark(create(f"b-{n}"))) for n in range(12)))
        for refusal in refusals:
            assert refusal.code is grpc.StatusCode.FAILED_PRECONDITION
            assert ("was replaced" if replaced else "is gone") in refusal.message
        assert (await running.ask(make_features(0))).candidates[0].reference_image == name
        assert path.exists() is replaced, "no empty database was made in its place"
        shutil.move(aside, path)
        await running.catalog.CreateLandmark(create("b-0"))
        assert await ids(running) == {"a", "b-0"}
    async with start() as running:
        assert await ids(running) == {"a", "b-0"}


async def test_a_camera_that_reads_no_answers_holds_nothing_that_others_need(
    start: Any, make_features: MakeFeatures
) -> None:
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.http2.lookahead_bytes", 1), ("grpc.http2.bdp_probe", 0)]
    async with (
        start(workers=2) as running,
        grpc.aio.insecure_channel(f"127.0.0.1:{running.port}", options=options) as channel,
    ):
        await running.add("a", make_features(0, count=400))
        stub: Any = VisualSearchServiceStub(channel)
        call = stub.IdentifyStream()
        query = Query(features=wire.pack(make_features(0, count=400)), include_matches=True)
        writing = asyncio.create_task(_write_frames(call, query))
        for _ in range(8):  # as many others are answered meanwhile
            assert (await running.ask(make_features(0, count=400))).outcome == 1
        assert running.server._readiness.busy
        call.cancel()
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        await asyncio.wait_for(running.server._readiness.idle(), 10)
        assert (running.server._queries.running, running.server._queries.waiting) == (0, 0)


async def _write_frames(call: Any, query: Query) -> None:
    number = 0
    while True:
        number += 1
        await call.write(IdentifyStreamRequest(frame_id=number, query=query))


async def test_an_upload_that_trickles_takes_no_thread_until_it_is_there(
    start: Any, make_features: MakeFeatures, make_photo: Any
) -> None:
    photo = make_photo(3)
    async with (
        start(workers=1) as running,
        blackhole(running.port) as proxy,
        grpc.aio.insecure_channel(
            f"127.0.0.1:{proxy.port}", options=[("grpc.use_local_subchannel_pool", 1)]
        ) as channel,
    ):
        await running.add("a", make_features(0))
        stub: Any = VisualSearchServiceStub(channel)
        await channel.channel_ready()
        proxy.allowance = len(photo) // 3
        slow = asyncio.ensure_future(stub.Identify(IdentifyRequest(query=Query(image=photo))))
        for _ in range(5):
            assert (await running.ask(make_features(0))).outcome == 1
        assert not slow.done()
        assert not running.server._readiness.busy
        while not slow.done():
            await asyncio.sleep(0.001)
            proxy.allowance = 1000
            proxy.forward()
        assert (await slow).answer.feature_count > 0
