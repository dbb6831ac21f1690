"""``ServerService.GetTraffic``: what was called, refused and answered, by minute."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steeple.delf.features import FeatureSet
from steeple.errors import InvalidArgumentError
from steeple.server.access import Scope
from steeple.server.api.traffic import KEPT_MINUTES, Traffic
from steeple.v1.catalog_service_pb2 import GetLandmarkRequest, ListLandmarksRequest
from steeple.v1.server_service_pb2 import GetTrafficRequest
from steeple.v1.server_service_pb2_grpc import ServerServiceStub
from steeple.v1.traffic_pb2 import Traffic as TrafficMessage

from .conftest import Refused, Running, Start
from .test_access import bearer, make_key

MakeFeatures = Callable[..., FeatureSet]

IDENTIFY = "VisualSearchService/Identify"
HOUR = 3600


class Clock:
    """Unix time, that stands still."""

    def __init__(self, now: float = 100 * HOUR) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


async def told(running: Running, metadata: Any = None, **asked: int) -> TrafficMessage:
    stub: Any = ServerServiceStub(running.channel)
    found: TrafficMessage = (await stub.GetTraffic(GetTrafficRequest(**asked), metadata=metadata)).traffic
    return found


def test_minutes_are_counted_apart() -> None:
    clock = Clock()
    traffic = Traffic(clock)
    for minute, statuses in enumerate((["OK", "OK"], [], ["OK", "INTERNAL", "RESOURCE_EXHAUSTED", "NOT_FOUND"])):
        clock.now = 100 * HOUR + 60 * minute + 59.9
        for status in statuses:
            traffic.ended(IDENTIFY, status, 0.01)
            traffic.answered(identified=status == "OK")
    (method,) = traffic.report().methods
    assert (method.name, method.total.count, method.total.refusals, method.total.errors) == (IDENTIFY, 6, 1, 1)
    assert method.statuses == {"OK": 3, "INTERNAL": 1, "RESOURCE_EXHAUSTED": 1, "NOT_FOUND": 1}
    assert [(one.start - 100 * HOUR, one.count, one.errors) for one in method.intervals] == [(0, 2, 0), (120, 4, 1)]
    answers = [(one.start - 100 * HOUR, one.identified, one.unknown) for one in traffic.report().answers]
    assert answers == [(0, 2, 0), (120, 1, 3)]
    (last,) = traffic.report(1).methods
    assert last.total.count == 4


def test_intervals_begin_at_multiples_of_their_length() -> None:
    clock = Clock(100 * HOUR + 7 * 60)
    traffic = Traffic(clock)
    for minute in range(12):
        clock.now = 100 * HOUR + (7 + minute) * 60
        traffic.ended(IDENTIFY, "OK", 0.01)
    report = traffic.report(12, 5)
    assert ((report.start - 100 * HOUR) // 60, (report.end - 100 * HOUR) // 60) == (5, 19)
    assert report.interval_seconds == 300
    assert [((one.start - 100 * HOUR) // 60, one.count) for one in report.methods[0].intervals] == [
        (5, 3),
        (10, 5),
        (15, 4),
    ]
    clock.now += 60
    assert traffic.report(12, 5).start == report.start, "a chart does not slide from minute to minute"


@given(st.lists(st.floats(2e-4, 1000.0), min_size=1, max_size=300))
def test_percentiles_are_right_to_within_a_tenth(seconds: list[float]) -> None:
    traffic = Traffic(Clock())
    for taken in seconds:
        traffic.worked("search", taken)
    latency = traffic.report().stages[0].total.latency
    assert latency is not None
    for percent, found in ((50, latency.percentile_50), (90, latency.percentile_90), (99, latency.percentile_99)):
        right = sorted(seconds)[math.ceil(len(seconds) * percent / 100) - 1]
        assert found == pytest.approx(right, rel=0.1)


def test_calls_that_failed_have_no_latency() -> None:
    traffic = Traffic(Clock())
    traffic.ended(IDENTIFY, "RESOURCE_EXHAUSTED", 1e-5)
    assert traffic.report().methods[0].total.latency is None
    traffic.ended(IDENTIFY, "OK", 2.0)
    latency = traffic.report().methods[0].total.latency
    assert latency is not None
    assert latency.percentile_50 == pytest.approx(2.0, rel=0.1)


def test_what_is_old_is_forgotten_whatever_the_clock_does() -> None:
    clock = Clock()
    traffic = Traffic(clock)
    for minute in range(2 * KEPT_MINUTES):
        clock.now = 100 * HOUR + 60 * minute
        traffic.ended(IDENTIFY, "OK", 0.01)
        assert len(traffic._minutes) <= KEPT_MINUTES
    assert traffic.report(KEPT_MINUTES).methods[0].total.count == KEPT_MINUTES
    clock.now += 1000 * HOUR
    traffic.ended(IDENTIFY, "OK", 0.01)
    clock.now -= 1000 * HOUR
    clock.now -= HOUR  # set back: what was counted since is of the future, and is not told
    assert traffic.report(KEPT_MINUTES).methods == []
    clock.now += HOUR
    traffic.ended(IDENTIFY, "OK", 0.01)
    assert traffic.report(KEPT_MINUTES).methods[0].total.count == 1


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"period_minutes": -1}, "period_minutes"),
        ({"period_minutes": KEPT_MINUTES + 1}, "period_minutes"),
        ({"interval_minutes": -1}, "interval_minutes"),
        ({"period_minutes": 5, "interval_minutes": 6}, "interval_minutes"),
    ],
)
def test_what_is_out_of_range_is_refused(asked: dict[str, int], field: str) -> None:
    with pytest.raises(InvalidArgumentError, match=field) as caught:
        Traffic(Clock()).report(**asked)
    assert caught.value.metadata["field"] == field


async def test_a_server_tells_what_it_was_asked(start: Start, make_features: MakeFeatures, refused: Refused) -> None:
    async with start(access="keys") as running:
        editor = bearer((await make_key(running, Scope.EDITOR)).secret)
        await running.add("tower", make_features(1), metadata=editor)
        for _ in range(3):
            await running.catalog.ListLandmarks(ListLandmarksRequest(), metadata=editor)
        await refused(running.catalog.ListLandmarks(ListLandmarksRequest()))
        await refused(running.catalog.GetLandmark(GetLandmarkRequest(name="landmarks/none"), metadata=editor))
        found = await told(running, editor)
        methods = {one.method: one for one in found.methods}
        listed, got = methods["CatalogService/ListLandmarks"], methods["CatalogService/GetLandmark"]
        assert found.methods[0] == listed, "those of most calls come first"
        assert (listed.call_count, listed.refusal_count, listed.error_count) == (4, 1, 0)
        assert dict(listed.status_counts) == {"OK": 3, "UNAUTHENTICATED": 1}
        assert 0 < listed.latency.percentile_50.ToNanoseconds() < 60e9
        assert (got.call_count, got.refusal_count, got.error_count, got.HasField("latency")) == (1, 0, 0, False)
        assert sum(one.count for one in listed.intervals) == 4
        assert found.start_time.seconds % 60 == 0
        assert found.end_time.seconds - found.start_time.seconds == HOUR
        assert [one.stage for one in found.stages] == []


async def test_stages_and_answers_are_told(running: Running, make_features: MakeFeatures, refused: Refused) -> None:
    await running.add("tower", make_features(1))
    for number in (1, 1, 9):
        await running.ask(make_features(number))
    found = await told(running, period_minutes=360, interval_minutes=60)
    assert (found.identified_count, found.unknown_count) == (2, 1)
    assert sum(one.identified_count for one in found.answers) == 2
    assert [(one.stage, one.count) for one in found.stages] == [("search", 3), ("verify", 3)]
    refusal = await refused(told(running, period_minutes=361))
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.details["BadRequest"].field_violations[0].field == "period_minutes"
