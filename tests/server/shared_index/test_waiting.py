"""A server that starts while what keeps its index is away."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from steeple.delf.features import FeatureSet
from steeple.delf.release import DEFAULT_RELEASE, ModelRelease
from steeple.errors import CancelledError, FailedPreconditionError, UnavailableError
from steeple.server.catalogue import Catalogue, ImageDraft, LandmarkDraft
from steeple.server.shared_index import SharedKeepers, waiting
from tests.server.shared_index.stand_in import StandIn

MakeFeatures = Callable[..., FeatureSet]

RELEASE = ModelRelease.load(DEFAULT_RELEASE)
WAITS = "not ready: the server waits for what keeps its index"
THERE = "what keeps the index is there"


class Clock:
    """Time that passes while somebody sleeps.

    Attributes:
        now: Seconds.
        passes: Is called whenever time has passed.
    """

    def __init__(self) -> None:
        self.now = 1000.0
        self.passes: Callable[[], object] = lambda: None

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        assert self.now < 1060.0, "it waits for ever"
        self.passes()


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(waiting, "time", made)
    monkeypatch.setattr(waiting, "_ASK_SECONDS", 0.25)  # of which sums are exact
    return made


@pytest.fixture(autouse=True)
def informed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


@pytest.fixture
def catalogue(tmp_path: Path, make_features: MakeFeatures) -> Iterator[Catalogue]:
    with Catalogue.open(f"sqlite:///{tmp_path}/catalogue.db", timedelta(days=1)) as opened:
        opened.create_landmark(LandmarkDraft("a"), landmark_id="a")
        opened.create_image("a", ImageDraft(make_features(1, count=4)), image_id="one")
        yield opened


def test_it_is_tried_each_second_and_told_each_ten(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    tried = list[float]()

    def attempt() -> str:
        tried.append(clock.now - 1000.0)
        if clock.now < 1025.0:
            raise UnavailableError(f"away at {clock.now - 1000.0:.0f}")
        return "made"

    assert waiting.awaited(attempt, "some-model", threading.Event()) == "made"
    assert tried == list(range(26))
    assert caplog.messages == [WAITS] * 3 + [THERE]
    told = [vars(record)["facts"] for record in caplog.records]
    assert [one["reason"] for one in told[:3]] == ["away at 0", "away at 10", "away at 20"]
    assert all(one["model"] == "some-model" for one in told)
    assert [one["seconds"] for one in told] == [0, 10, 20, 25]


def test_what_is_there_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    assert waiting.awaited(lambda: 7, "some-model", threading.Event()) == 7
    assert caplog.messages == []


def test_a_start_goes_on_when_the_engine_is_there(
    catalogue: Catalogue, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    engine = StandIn()
    engine.away = True

    def come_back() -> None:
        engine.away = clock.now < 1003.5

    clock.passes = come_back
    keeper = SharedKeepers(catalogue, engine).open(RELEASE, threading.Event(), patient=True)
    assert (keeper.index.stats().images, keeper.sequence) == (1, 1)
    assert (caplog.messages[0], clock.now) == (WAITS, 1004.0)
    assert THERE in caplog.messages


def test_a_stop_ends_the_wait(catalogue: Catalogue, clock: Clock) -> None:
    engine, stopping = StandIn(), threading.Event()
    engine.away = True
    clock.passes = stopping.set
    with pytest.raises(CancelledError):
        SharedKeepers(catalogue, engine).open(RELEASE, stopping, patient=True)
    assert clock.now == 1000.25, "before another attempt"


def test_what_waiting_does_not_mend_ends_the_start(catalogue: Catalogue, caplog: pytest.LogCaptureFixture) -> None:
    engine = StandIn()
    engine.refusal = FailedPreconditionError("no such user")
    with pytest.raises(FailedPreconditionError, match="no such user"):
        SharedKeepers(catalogue, engine).open(RELEASE, threading.Event(), patient=True)
    assert caplog.messages == []


def test_what_keeps_a_change_from_an_index_that_is_there_is_told_as_it_is(
    catalogue: Catalogue, make_features: MakeFeatures, caplog: pytest.LogCaptureFixture
) -> None:
    engine = StandIn()
    keepers = SharedKeepers(catalogue, engine)
    keepers.open(RELEASE, threading.Event())
    catalogue.create_image("a", ImageDraft(make_features(2, count=4)), image_id="two")
    engine.put_refusal = FailedPreconditionError("no rows, please")
    with pytest.raises(FailedPreconditionError, match="no rows, please"):
        keepers.open(RELEASE, threading.Event(), patient=True)
    assert WAITS not in caplog.messages


def test_who_has_not_said_to_wait_is_told_at_once(catalogue: Catalogue) -> None:
    engine = StandIn()
    engine.away = True
    with pytest.raises(UnavailableError, match="the stand-in is away"):
        SharedKeepers(catalogue, engine).open(RELEASE, threading.Event())
