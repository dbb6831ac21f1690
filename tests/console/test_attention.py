"""What is told to need attention, and what is drawn, of servers that are made up here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steeple.client import (
    Calibration,
    CalibrationSource,
    Disk,
    IndexInfo,
    Key,
    KeyLimits,
    Latency,
    MethodTraffic,
    MonthlyUsage,
    Operation,
    OperationState,
    Reliability,
    ReliabilityBin,
    Scope,
    ServerInfo,
    Snapshot,
    StageTraffic,
    Storage,
    StorageKind,
    StoragePart,
    Traffic,
    TrafficInterval,
    UpkeepActivity,
    UpkeepInfo,
)
from steeple.console.attention import Observed, matters
from steeple.console.browsers import device
from steeple.console.charts import Span, bars, lines, reliability, ticks
from steeple.console.key_facts import grouped, months, state_of
from steeple.console.links import deed, field_words, path_of
from steeple.console.operation_facts import facts_of
from steeple.console.traffic_facts import board

NOW: Final = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
HOUR: Final = NOW - timedelta(hours=1)
SEARCH: Final = "VisualSearchService/Identify"


def method(
    name: str = SEARCH, calls: int = 100, refusals: int = 0, errors: int = 0, p90: float = 50.0
) -> MethodTraffic:
    latency = Latency(20.0, p90, 2 * p90)
    intervals = (TrafficInterval(HOUR, calls, refusals, errors, latency),)
    return MethodTraffic(name, calls, refusals, errors, {"OK": calls - refusals - errors}, latency, intervals)


def traffic(*methods: MethodTraffic, stages: Sequence[StageTraffic] = ()) -> Traffic:
    return Traffic(HOUR, NOW, 60.0, methods, tuple(stages), 0, 0, ())


def calibration(ece: float | None = 0.02) -> Calibration:
    measured = None if ece is None else Reliability(0.01, None, (), ece)
    return Calibration("models/delf", CalibrationSource.RELEASE, 0.7, 0.0, {}, measured)


def snapshot(age: timedelta, damage: str = "") -> Snapshot:
    time = None if damage else NOW - age
    return Snapshot(f"snapshots/{age.days}", time, "1", "r", 1, "models/delf", 1, 1, 1, 0, True, 10, 10, damage)


def key(**more: Any) -> Key:
    return replace(Key("keys/one", "Guide", Scope.DEVICE, KeyLimits(), NOW - timedelta(days=30)), **more)


def operation(**more: Any) -> Operation:
    facts: dict[str, Any] = {
        "name": "operations/one",
        "method": "steeple.v1.ImportService/ImportReferenceImages",
        "state": OperationState.FAILED,
        "actor": "people/ada",
        "step": "",
        "done_count": 3,
        "total_count": 12,
        "problem_count": 0,
        "results": {},
        "error_status": "INTERNAL",
        "error_message": "The disk was full.",
        "cancel_requested": False,
        "create_time": NOW,
        "start_time": NOW,
        "update_time": NOW - timedelta(days=1),
        "end_time": NOW - timedelta(days=1),
    }
    return Operation(**facts | more)


def storage(free: int = 500, total: int = 1000, *, partial: bool = False) -> Storage:
    disk = Disk((StorageKind.DATABASE,), total * 10**9, free * 10**9)
    return Storage((StoragePart(StorageKind.PHOTOS, 5, 1, partial),), (disk,), NOW)


INDEX: Final = IndexInfo("IVF16,PQ20", "CPU", "1.11", False, 16, 20, 10, 1000, 0, 0, 24.0, 5, 5)
SERVER: Final = ServerInfo("1.0", HOUR, 3600.0, ("models/delf",), INDEX, UpkeepInfo(UpkeepActivity.IDLE))


def indexed(**more: Any) -> ServerInfo:
    return replace(SERVER, index=replace(INDEX, **more))


def kept_up(*facts: Any) -> ServerInfo:
    return replace(SERVER, upkeep=UpkeepInfo(*facts))


WELL: Final = Observed(
    info=SERVER,
    traffic=traffic(method()),
    storage=storage(),
    calibrations=(calibration(),),
    failed=(),
    snapshots=(snapshot(timedelta(days=1)),),
    keys=(key(),),
    encrypted=True,
    now=NOW,
)


def test_a_server_that_is_well_needs_no_attention() -> None:
    assert matters(WELL) == []
    assert matters(replace(WELL, snapshots=None, keys=None, storage=None)) == [], "nor what is not for whoever looks"


@pytest.mark.parametrize(
    ("change", "kind", "title"),
    [
        ({"storage": storage(80)}, "warn", "The disk is nearly full"),
        ({"storage": storage(20)}, "bad", "The disk is nearly full"),
        ({"storage": storage(1, 5)}, "warn", "The disk is nearly full"),
        ({"storage": storage(partial=True)}, "on", "Not everything could be measured"),
        ({"traffic": traffic(method(calls=1000, errors=1))}, "warn", "1 call failed for a reason of the server"),
        ({"traffic": traffic(method(errors=2))}, "bad", "2 calls failed for a reason of the server"),
        ({"traffic": traffic(method(refusals=6))}, "warn", "6 % of the calls were refused"),
        ({"traffic": traffic(method(p90=2500.0))}, "warn", "Queries take long"),
        ({"info": indexed(images=0)}, "on", "Nothing can be found yet"),
        ({"info": indexed(catalogue_sequence=500)}, "warn", "The index is behind the catalogue"),
        ({"info": indexed(dead_descriptors=900)}, "on", "The index holds what was deleted"),
        ({"info": kept_up(UpkeepActivity.REBUILDING, 5, 10)}, "on", "A new index is being made"),
        ({"info": kept_up(UpkeepActivity.IDLE, 0, 0, "more photos")}, "on", "The index is not yet as it is set"),
        ({"calibrations": (calibration(None),)}, "on", "How far delf keeps its promises is not known"),
        ({"calibrations": (calibration(0.08),)}, "warn", "The confidence of delf is off by 8 % on average"),
        ({"snapshots": ()}, "warn", "There is no snapshot"),
        ({"snapshots": (snapshot(timedelta(days=9)),)}, "warn", "The latest snapshot is 9 days old"),
        ({"snapshots": (snapshot(timedelta(0)), snapshot(timedelta(1), "torn"))}, "bad", "1 snapshot cannot be read"),
        ({"failed": (operation(),)}, "warn", "“Import reference images” failed in the last days"),
        ({"encrypted": False}, "bad", "This console is not encrypted"),
        ({"keys": (key(expire_time=NOW + timedelta(days=3, hours=1)),)}, "warn", "The key “Guide” ends in 3 days"),
    ],
)  # fmt: skip
def test_what_is_not_well_is_told_with_what_to_do(change: dict[str, Any], kind: str, title: str) -> None:
    (told,) = matters(replace(WELL, **change))
    assert (told.kind, told.title) == (kind, title)
    assert len(told.text) > 20
    assert bool(told.path) == bool(told.link)


@pytest.mark.parametrize(
    "change",
    [
        {"traffic": traffic(method(calls=10, refusals=9))},
        {"traffic": traffic(method("CatalogService/ListLandmarks", p90=9000.0))},
        {"failed": (operation(end_time=NOW - timedelta(days=30)),)},
        {"keys": (key(expire_time=NOW + timedelta(days=60)), key(expire_time=NOW - timedelta(days=1)))},
        {"keys": (key(expire_time=NOW + timedelta(days=1), successor="keys/two"),)},
    ],
)
def test_what_is_as_it_should_be_is_not_told(change: dict[str, Any]) -> None:
    assert matters(replace(WELL, **change)) == []


def test_the_most_urgent_comes_first() -> None:
    found = matters(replace(WELL, storage=storage(80, partial=True), encrypted=False))
    assert [each.kind for each in found] == ["bad", "warn", "on"]


# --- drawings ---


@given(st.floats(1e-6, 1e9))
def test_ticks_are_round_and_reach_over_what_there_is(most: float) -> None:
    found = ticks(most)
    assert found[0] == 0
    assert found[-1] >= most * (1 - 1e-9)
    assert 2 <= len(found) <= 6
    steps = {round((after - before) / found[1], 6) for before, after in pairwise(found)}
    assert steps == {1.0}


def heights(d: str) -> list[float]:
    """Heights of the bars of a path: from their base to their top."""
    return [float(low) - float(top) for low, top in re.findall(r"M[\d.]+ ([\d.]+)h[\d.]+V([\d.]+)", d)]


def test_bars_lie_on_each_other_and_are_as_high_as_they_say() -> None:
    drawn = bars(Span(HOUR, 60.0, 4), [("a", "A", [1, 0, 2, 4]), ("b", "B", [0, 0, 2, 0])], str)
    low, high = (heights(stroke.d) for stroke in drawn.strokes)
    unit = (drawn.base - drawn.grid[-1].y) / float(drawn.grid[-1].text)
    assert low == pytest.approx([unit, 2 * unit, 4 * unit], abs=0.1)
    assert high == pytest.approx([2 * unit], abs=0.1)
    assert [label.text for label in drawn.grid] == ["0.0", "1.0", "2.0", "3.0", "4.0"]
    assert drawn.below[0].text == "11:00"
    assert [stroke.name for stroke in drawn.legend] == ["A", "B"]


def test_lines_are_broken_where_nothing_is_known() -> None:
    drawn = lines(Span(HOUR, 60.0, 6), [("line", "A", [1.0, 2.0, None, 3.0, None, None])], str)
    (stroke,) = drawn.strokes
    assert stroke.d.count("M") == 2
    assert stroke.d.count("L") == 1
    assert stroke.d.count("a2.5") == 2, "a point by itself has a ring"
    assert bars(Span(HOUR, 60.0, 2), [("a", "A", [0, 0])], str).strokes[0].d == "", "of nothing there are no bars"


def test_a_reliability_diagram_has_a_bar_for_each_bin_with_answers() -> None:
    nan = float("nan")
    bins = [ReliabilityBin(0.0, 0.5, 0, nan, nan, (nan, nan)), ReliabilityBin(0.5, 1.0, 1500, 0.8, 0.75, (0.7, 0.8))]
    drawn = reliability(bins)
    assert heights(drawn.strokes[0].d) == pytest.approx([0.75 * (drawn.right - drawn.left)], abs=0.2)
    assert [label.text for label in drawn.beside] == ["1.5k"]


def test_a_board_adds_up() -> None:
    other = method("CatalogService/ListLandmarks", 30, 5, 1)
    outside = TrafficInterval(NOW + timedelta(minutes=5), 7, 0, 0, None)
    stage = StageTraffic("search", 9, Latency(1.0, 2.0, 3.0), (outside,))
    found = board(traffic(method(), other, stages=[stage]), "CatalogService/ListLandmarks")
    assert found.totals == (130, 5, 1)
    assert found.method is not None
    assert found.method.title == "List landmarks"
    assert board(traffic(method(), other)).method == board(traffic(method(), other), "nonsense").method
    assert found.stages[0][:2] == ("search", 9)
    nothing = board(traffic())
    assert (nothing.totals, nothing.latency, nothing.method) == ((0, 0, 0), None, None)


# --- words ---


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131.0 Safari/537.36", "Chrome on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/131.0 Safari/537.36 Edg/131.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36", "Chrome on Android"),
        ("grpc-python-asyncio/1.64.0", "Steeple's SDK"),
        ("Something else", "Something else"),
        ("", "Something that does not say what it is"),
    ],
)
def test_what_signs_in_is_told_in_words(agent: str, words: str) -> None:
    assert device(agent) == words


def test_names_of_the_api_become_words_and_ways() -> None:
    assert deed("steeple.v1.CatalogService/BatchDeleteReferenceImages") == "Batch delete reference images"
    assert deed("steeple.v1.PersonService/SignInWithIdToken") == "Sign in with id token"
    assert field_words("file_size_bytes") == "File size"
    assert path_of("landmarks/big-ben") == "/landmarks/big-ben"
    assert path_of("landmarks/big-ben/images/one") == "/landmarks/big-ben/images/one"
    assert path_of("people/ada/sessions/x") == "/people/ada"
    for nothing in ("", "open", "local", "landmarks/", "landmarks//images/one", "other/thing", "uploads/x"):
        assert path_of(nothing) == ""


def test_keys_are_grouped_by_what_they_may_do_and_those_that_ended_are_apart() -> None:
    used = key(name="keys/two", usage=(MonthlyUsage("2026-03", 4, 6), MonthlyUsage("2026-02", 20, 0)))
    ended = [key(name="keys/three", revoke_time=NOW), key(name="keys/four", expire_time=NOW)]
    admin = key(name="keys/five", scope=Scope.ADMIN)
    found = grouped([key(), used, *ended, admin], {"device": "App", "reader": "Reader", "admin": "Admin"}, NOW)
    assert [(group.scope, [row.key.id for row in group.rows]) for group in found] == [
        ("device", ["two", "one"]),
        ("admin", ["five"]),
    ]
    assert {row.key.id for row in found[0].ended} == {"three", "four"}
    assert found[0].rows[0].used == 10
    assert [share for _, share in months(used)] == [0.5, 1.0]
    assert state_of(key(revoke_time=NOW, successor="keys/x"), NOW) == ("Replaced", "bad")
    assert state_of(key(expire_time=NOW + timedelta(days=2)), NOW) == ("Ends soon", "warn")


def test_what_came_of_an_operation_is_told_in_words() -> None:
    results = {
        "file": "a.zip",
        "file_size_bytes": "1500000",
        "file_sha256": "ab",
        "landmark": "landmarks/x",
        "photos": "12000",
    }
    done = facts_of(operation(state=OperationState.SUCCEEDED, results=results))
    assert (done.state, done.kind, done.share) == ("Done", "good", "")
    assert done.file is not None
    assert (done.file.name, done.file.size) == ("a.zip", 1_500_000)
    assert [(each.title, each.text, each.path) for each in done.results] == [
        ("Landmark", "landmarks/x", "/landmarks/x"),
        ("Photos", "12,000", ""),
    ]
    running = operation(state=OperationState.RUNNING, end_time=None)
    assert facts_of(running).share == "25 %"
    assert facts_of(replace(running, cancel_requested=True)).state == "Stopping"
