"""Traffic, storage, calibrations and coverage, as the SDK has them."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from steeple.client import (
    AnswerInterval,
    Calibration,
    CalibrationSource,
    CompassSector,
    CoverageGap,
    CoverageImage,
    Disk,
    FalsePositives,
    GapKind,
    Latency,
    LatLng,
    StorageKind,
    StoragePart,
    TrafficInterval,
    ViewGroup,
    ViewMatch,
)
from steeple.errors import InvalidArgumentError
from steeple.v1 import calibration_pb2, coverage_pb2, storage_pb2, traffic_pb2
from steeple.v1 import landmark_pb2 as landmarks
from steeple.v1.catalog_service_pb2 import GetCoverageResponse
from steeple.v1.server_service_pb2 import GetCalibrationResponse, GetStorageResponse, GetTrafficResponse

from .peer import Peer

NOON = Timestamp(seconds=1_800_000_000)
TIME = datetime.fromtimestamp(1_800_000_000, UTC)
LATENCY = traffic_pb2.Latency(
    percentile_50=Duration(nanos=10_500_000), percentile_90=Duration(seconds=1), percentile_99=Duration(seconds=2)
)


def test_traffic(client: Any, peer: Peer) -> None:
    interval = traffic_pb2.TrafficInterval(start_time=NOON, count=3, refusal_count=1, error_count=2)
    told = traffic_pb2.Traffic(
        start_time=NOON,
        end_time=Timestamp(seconds=NOON.seconds + 3600),
        interval=Duration(seconds=300),
        methods=[
            traffic_pb2.MethodTraffic(
                method="A/B",
                call_count=7,
                refusal_count=1,
                error_count=2,
                status_counts={"OK": 4, "INTERNAL": 2, "RESOURCE_EXHAUSTED": 1},
                latency=LATENCY,
                intervals=[interval],
            )
        ],
        stages=[traffic_pb2.StageTraffic(stage="search", count=5, latency=LATENCY)],
        identified_count=4,
        unknown_count=1,
        answers=[traffic_pb2.AnswerInterval(start_time=NOON, identified_count=4, unknown_count=1)],
    )
    peer.script("GetTraffic", lambda *_: GetTrafficResponse(traffic=told))
    found = client.traffic(120, interval_minutes=5)
    (asked,) = peer.calls("GetTraffic")
    assert (asked.period_minutes, asked.interval_minutes) == (120, 5)
    (method,) = found.methods
    assert (method.calls, method.refusals, method.errors, method.statuses["OK"]) == (7, 1, 2, 4)
    assert method.latency == Latency(10.5, 1000.0, 2000.0)
    assert method.intervals == (TrafficInterval(TIME, 3, 1, 2, None),)
    assert (found.start_time, found.interval, found.calls, found.identified, found.unknown) == (TIME, 300.0, 7, 4, 1)
    assert (found.stages[0].stage, found.stages[0].count) == ("search", 5)
    assert found.answers == (AnswerInterval(TIME, 4, 1),)
    assert json.loads(json.dumps(found.to_dict()))["methods"][0]["latency"] == {"p50": 10.5, "p90": 1000, "p99": 2000}
    for wrong in ({"period_minutes": 0}, {"interval_minutes": 0}):
        with pytest.raises(InvalidArgumentError, match="must be 1 or more"):
            client.traffic(**wrong)


def test_storage(client: Any, peer: Peer) -> None:
    kinds = storage_pb2.StoragePart
    told = storage_pb2.Storage(
        parts=[
            storage_pb2.StoragePart(kind=kinds.KIND_PHOTOS, size_bytes=100, item_count=2, partial=True),
            storage_pb2.StoragePart(kind=99, size_bytes=5),  # type: ignore[arg-type]
        ],
        disks=[storage_pb2.Disk(kinds=[kinds.KIND_PHOTOS, kinds.KIND_INDEX], total_bytes=1000, free_bytes=400)],
        measure_time=NOON,
    )
    peer.script("GetStorage", lambda *_: GetStorageResponse(storage=told))
    found = client.storage()
    assert found.parts == (
        StoragePart(StorageKind.PHOTOS, 100, 2, partial=True),
        StoragePart(StorageKind.OTHER, 5, 0),
    )
    assert found.disks == (Disk((StorageKind.PHOTOS, StorageKind.INDEX), 1000, 400),)
    assert (found.size_bytes, found.measure_time) == (105, TIME)
    assert json.loads(json.dumps(found.to_dict()))["disks"][0]["kinds"] == ["photos", "index"]


def test_calibration(client: Any, peer: Peer) -> None:
    bins = [
        calibration_pb2.ReliabilityBin(
            low=0.0, high=0.5, answer_count=10, confidence=0.2, accuracy=0.3, accuracy_low=0.1, accuracy_high=0.6
        ),
        calibration_pb2.ReliabilityBin(low=0.5, high=1.0),
    ]
    reliability = calibration_pb2.Reliability(
        false_positive_rate=0.01,
        false_positives=calibration_pb2.FalsePositives(
            stranger_count=50, named_count=2, rate=0.04, rate_low=0.01, rate_high=0.13
        ),
        bins=bins,
        expected_calibration_error=0.0,
        figures={"recall_at_1": 0.9},
        photo_counts={"query": 30},
    )
    told = calibration_pb2.Calibration(
        model="models/mine",
        source=calibration_pb2.Calibration.SOURCE_FILE,
        threshold=0.75,
        bias=-1.5,
        weights={"distinct": 0.5},
        reliability=reliability,
    )
    peer.script("GetCalibration", lambda *_: GetCalibrationResponse(calibration=told))
    found = client.calibration("mine")
    assert peer.calls("GetCalibration")[0].name == "models/mine"
    assert (found.model, found.source, found.threshold, found.bias) == (
        "models/mine",
        CalibrationSource.FILE,
        0.75,
        -1.5,
    )
    assert found.weights == {"distinct": 0.5}
    measured = found.reliability
    assert (measured.ece, measured.answers, measured.photos) == (0.0, 10, {"query": 30})
    assert measured.false_positives == FalsePositives(50, 2, 0.04, (0.01, 0.13))
    assert (measured.bins[0].right, measured.bins[0].interval) == (0.3, (0.1, 0.6))
    assert math.isnan(measured.bins[1].right)
    assert json.loads(json.dumps(found.to_dict()))["reliability"]["bins"][1]["right"] is None
    client.calibration()
    assert peer.calls("GetCalibration")[1].name == ""
    bare = calibration_pb2.Calibration(model="models/base", source=7)  # type: ignore[arg-type]
    peer.script("GetCalibration", lambda *_: GetCalibrationResponse(calibration=bare))
    assert client.calibration() == Calibration("models/base", CalibrationSource.OTHER, 0.0, 0.0, {}, None)


def test_coverage(client: Any, peer: Peer) -> None:
    names = [f"landmarks/a/images/{one}" for one in "xyz"]
    told = coverage_pb2.Coverage(
        landmark="landmarks/a",
        image_count=9,
        images=[
            coverage_pb2.CoverageImage(
                reference_image=names[0], view=1, group=1, capture_location=landmarks.LatLng(latitude=1, longitude=2)
            ),
            coverage_pb2.CoverageImage(reference_image=names[1], view=2, group=1),
            coverage_pb2.CoverageImage(reference_image=names[2], view=3),
        ],
        matches=[coverage_pb2.ViewMatch(first=0, second=1, inliers=80, weight=0.98765, near_duplicate=True)],
        groups=[coverage_pb2.ViewGroup(reference_images=names[:2], view_count=2)],
        single_images=names[2:],
        partial=True,
        compared_count=2,
        model="models/m",
        sectors=[coverage_pb2.CompassSector(bearing=45, image_count=3, median_distance_meters=12.34)],
        placed_count=3,
        near_count=1,
        hours=[1] * 24,
        months=[2] * 12,
        timed_count=24,
        gaps=[
            coverage_pb2.CoverageGap(
                kind=coverage_pb2.CoverageGap.KIND_SINGLE_IMAGES, text="One.", reference_images=names[2:]
            ),
            coverage_pb2.CoverageGap(kind=99, text="Something new."),  # type: ignore[arg-type]
        ],
    )
    peer.script("GetCoverage", lambda *_: GetCoverageResponse(coverage=told))
    found = client.get_coverage("a", timeout=5.0)
    (call,) = [call for call in peer.received if call.method == "GetCoverage"]
    assert call.request.name == "landmarks/a"
    assert call.time_remaining is not None
    assert call.time_remaining < 5.1
    assert found.images == (
        CoverageImage(names[0], 1, 1, LatLng(1, 2)),
        CoverageImage(names[1], 2, 1),
        CoverageImage(names[2], 3, 0),
    )
    assert found.matches == (ViewMatch(names[0], names[1], 80, 0.98765, near_duplicate=True),)
    assert found.groups == (ViewGroup(tuple(names[:2]), 2),)
    assert (found.image_count, found.partial, found.compared, found.single_images) == (9, True, 2, (names[2],))
    assert found.sectors == (CompassSector(45.0, 3, 12.34),)
    assert (found.placed, found.near, found.timed, found.hours, found.months) == (3, 1, 24, (1,) * 24, (2,) * 12)
    assert found.gaps == (
        CoverageGap(GapKind.SINGLE_IMAGES, "One.", (names[2],)),
        CoverageGap(GapKind.OTHER, "Something new."),
    )
    data = json.loads(json.dumps(found.to_dict()))
    assert data["images"][0]["capture_location"] == {"latitude": 1, "longitude": 2}
    assert data["gaps"][1] == {"kind": "other", "text": "Something new.", "reference_images": []}
    client.get_coverage("landmarks/a")
    left = peer.received[-1].time_remaining
    assert left is not None
    assert 10 < left <= 60.1, "it may take as long as moving a photo"
