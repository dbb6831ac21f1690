"""Identifications are counted once, by month: of the server, its keys, its landmarks, and for the metrics."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest

from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.errors import UnavailableError
from steeple.server.access import MonthlyUsage, Scope
from steeple.server.catalogue import Catalogue, LandmarkDraft
from steeple.server.usage import LandmarkUsage, UsageCounts
from steeple.v1.catalog_service_pb2 import GetLandmarkRequest
from steeple.v1.server_service_pb2 import GetUsageRequest, GetUsageResponse
from steeple.v1.server_service_pb2_grpc import ServerServiceStub
from steeple.v1.visual_search_service_pb2 import IdentifyRequest, IdentifyStreamRequest, Query

from .conftest import Refused, Running, Start
from .test_access import bearer, make_key
from .test_metrics import scraped
from .test_usage import stream

MakeFeatures = Callable[..., FeatureSet]


def query(features: FeatureSet) -> Query:
    return Query(features=wire.pack(features))


async def report(running: Running, metadata: Any = None, **asked: Any) -> GetUsageResponse:
    stub: Any = ServerServiceStub(running.channel)
    found: GetUsageResponse = await stub.GetUsage(GetUsageRequest(**asked), metadata=metadata)
    return found


async def test_answers_are_told_by_month_key_and_landmark(
    start: Start, make_features: MakeFeatures, refused: Refused
) -> None:
    async with start(access="keys", metrics_address=":0") as running:
        editor, app, other = [await make_key(running, scope) for scope in (Scope.EDITOR, Scope.DEVICE, Scope.DEVICE)]
        for number, landmark in ((1, "tower"), (2, "bridge")):
            await running.add(landmark, make_features(number), metadata=bearer(editor.secret))
        for key, number in ((app, 1), (app, 1), (app, 9), (other, 2)):
            request = IdentifyRequest(query=query(make_features(number)))
            await running.search.Identify(request, metadata=bearer(key.secret))
        # Two frames in three parts each: one is finished, and one is overtaken by the end of the stream.
        parts = [
            IdentifyStreamRequest(frame_id=frame, query=query(make_features(10 * frame + part)), more=more)
            for frame in (2, 3)
            for part, more in enumerate((True, True, frame == 3))
        ]
        assert await stream(running, other, parts) == [True, True, False, True, True, True]

        found = await report(running, bearer(editor.secret))
        month = f"{datetime.now(UTC):%Y-%m}"
        assert [(one.month, one.identified_count, one.unknown_count) for one in found.months] == [(month, 3, 3)]
        assert [(one.key, one.identified_count, one.unknown_count) for one in found.keys] == [
            (name, *counts)
            for name, counts in sorted([(app.key.name, (2, 1)), (other.key.name, (1, 2))])  # as much used: by id
        ]
        assert [(one.landmark, one.display_name, one.identified_count) for one in found.landmarks] == [
            ("landmarks/tower", "Tower", 2),
            ("landmarks/bridge", "Bridge", 1),
        ]
        assert [one.landmark for one in (await report(running, bearer(editor.secret), max_landmarks=1)).landmarks] == [
            "landmarks/tower"
        ]
        assert not (await report(running, bearer(editor.secret), month="2020-02")).months
        got = await running.catalog.GetLandmark(
            GetLandmarkRequest(name="landmarks/tower"), metadata=bearer(editor.secret)
        )
        told = await scraped(running)
    assert [(one.month, one.identified_count) for one in got.landmark.usage] == [(month, 2)]
    assert told['steeple_answers_total{outcome="identified"}'] == 3
    assert told['steeple_answers_total{outcome="unknown"}'] == 3
    assert told['steeple_stage_duration_seconds_count{stage="search"}'] == 10, "each part is searched"


async def test_what_is_asked_for_is_checked(running: Running, refused: Refused) -> None:
    for asked, field in ({"month": "2027-13"}, "month"), ({"max_landmarks": -1}, "max_landmarks"):
        found = await refused(report(running, **asked))
        assert found.code is grpc.StatusCode.INVALID_ARGUMENT
        assert found.details["BadRequest"].field_violations[0].field == field


async def test_counts_survive_a_restart(start: Start, make_features: MakeFeatures) -> None:
    for expected in (1, 2):
        async with start() as running:
            if expected == 1:
                await running.add("tower", make_features(1))
            await running.ask(make_features(1))
        async with start() as running:
            assert [one.identified_count for one in (await report(running)).landmarks] == [expected]


def test_months_are_kept_apart_and_what_was_not_written_is_kept(tmp_path: Any) -> None:
    now = datetime(2027, 1, 31, 23, 59, tzinfo=UTC)
    with Catalogue.open(f"sqlite:///{tmp_path}/c.db") as catalogue:
        catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="tower")
        usage = UsageCounts(catalogue.database, lambda: now)
        usage.add("tower")
        usage.add(None)
        usage.add("gone")
        now = datetime(2027, 2, 1, tzinfo=UTC)
        usage.add("tower")
        usage.save()
        usage.add("tower")
        usage.save()
        usage.save()
        assert usage.of_landmark("tower") == [("2027-02", 2), ("2027-01", 1)]
        assert usage.report().months == [MonthlyUsage("2027-02", 2, 0), MonthlyUsage("2027-01", 2, 1)]
        assert usage.report("2027-01").landmarks == [LandmarkUsage("tower", "Tower", 1)]
        now = datetime(2027, 12, 31, tzinfo=UTC)
        assert [one.month for one in usage.report().months] == ["2027-02", "2027-01"]
        now = datetime(2028, 1, 1, tzinfo=UTC)
        assert [one.month for one in usage.report().months] == ["2027-02"], "the last twelve"
        months = usage.report().months
        catalogue.delete_landmark("tower")  # for good
        assert (usage.report().months, usage.report().landmarks) == (months, [])
        usage.add("tower")
        usage.save()
        assert usage.report("2028-01").landmarks == []
        assert usage.report("2028-01").months == [MonthlyUsage("2028-01", 1, 0)]
        usage.add(None)
    with pytest.raises(UnavailableError):
        usage.save()
    assert usage._counts == {("2028-01", ""): 1}
