"""What a server tells of itself, as the SDK has it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from steeple.client import IndexInfo, ServerInfo, UpkeepActivity, UpkeepInfo
from steeple.v1 import server_service_pb2 as api
from steeple.v1.model_pb2 import RequestLimits

from .peer import Peer

MESSAGE = api.ServerInfo(
    version="1.2.3",
    models=["models/delf-lite2-v1"],
    index=api.Index(
        factory="IVF1024,PQ20",
        device="GPU 0",
        faiss_version="1.15.1",
        batching=True,
        probes=16,
        neighbours=20,
        image_count=3,
        descriptor_count=3000,
        live_descriptor_count=10,
        dead_descriptor_count=1000,
        bytes_per_descriptor=28.0,
        sequence=7,
        catalogue_sequence=9,
    ),
    upkeep=api.Upkeep(activity=api.Upkeep.ACTIVITY_REBUILDING, images_done=1, images_total=3, waiting_for="more"),
    limits=RequestLimits(max_message_bytes=1 << 20, max_image_pixels=100),
)
MESSAGE.start_time.FromDatetime(datetime(2025, 6, 1, 12, tzinfo=UTC))
MESSAGE.uptime.FromMilliseconds(90_500)


def test_a_server_is_told(client: Any, peer: Peer) -> None:
    peer.server_info = MESSAGE
    info = client.server_info()
    assert info == ServerInfo(
        version="1.2.3",
        start_time=datetime(2025, 6, 1, 12, tzinfo=UTC),
        uptime=90.5,
        models=("models/delf-lite2-v1",),
        index=IndexInfo("IVF1024,PQ20", "GPU 0", "1.15.1", True, 16, 20, 3, 3000, 10, 1000, 28.0, 7, 9),
        upkeep=UpkeepInfo(UpkeepActivity.REBUILDING, 1, 3, "more"),
        max_message_bytes=1 << 20,
        max_image_pixels=100,
    )
    assert info.index.dead_share == 0.25
    assert info.index.changes_behind == 2
    told = json.loads(json.dumps(info.to_dict()))
    assert told["start_time"] == "2025-06-01T12:00:00+00:00"
    assert told["index"]["dead_share"] == 0.25
    assert told["upkeep"] == {"activity": "rebuilding", "images_done": 1, "images_total": 3, "waiting_for": "more"}


@pytest.mark.parametrize(("number", "activity"), [(1, "idle"), (2, "saving"), (99, "other")])
def test_activities_of_a_newer_server_are_borne(client: Any, peer: Peer, number: int, activity: str) -> None:
    peer.server_info = api.ServerInfo.FromString(b"\x32\x02\x08" + bytes([number]))
    info = client.server_info()
    assert info.upkeep.activity is UpkeepActivity(activity)
    assert info.index.dead_share == 0.0
