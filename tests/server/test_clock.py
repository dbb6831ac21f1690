"""What decides by the time of day, while that jumps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from steeple.errors import ResourceExhaustedError, UnauthenticatedError
from steeple.server.access import Keyring, Limits, Scope
from steeple.server.catalogue import Catalogue, LandmarkDraft
from steeple.server.clock import CautiousClock

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)


class Times:
    """A system's clock that can be set, and seconds that only pass."""

    def __init__(self) -> None:
        self.wall = NOON
        self.seconds = 100.0

    def pass_by(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.seconds += seconds


def test_a_cautious_clock_is_late_rather_than_early() -> None:
    times = Times()
    clock = CautiousClock(lambda: times.wall, lambda: times.seconds)
    times.pass_by(60)
    assert clock.now() == NOON + timedelta(seconds=60)
    times.wall += timedelta(days=400)
    times.pass_by(60)
    assert clock.now() == NOON + timedelta(seconds=120)
    times.wall -= timedelta(days=800)
    times.pass_by(60)
    assert clock.now() == times.wall < NOON
    times.wall += timedelta(days=400)
    assert clock.now() == NOON + timedelta(seconds=180)


def test_a_jump_ahead_purges_nothing(tmp_path: Path) -> None:
    times = Times()
    times.wall = datetime.now(UTC)
    clock = CautiousClock(lambda: times.wall, lambda: times.seconds)
    with Catalogue.open(f"sqlite:///{tmp_path}/catalogue.db", timedelta(days=30)) as catalogue:
        catalogue.create_landmark(LandmarkDraft("A"), landmark_id="a")
        catalogue.delete_landmark("a")
        times.wall += timedelta(days=3000)
        catalogue.purge(clock.now())
        assert catalogue.undelete_landmark("a").id == "a"
        catalogue.delete_landmark("a")
        times.pass_by(timedelta(days=31).total_seconds())
        catalogue.purge(clock.now())
        assert list(catalogue.list_landmarks(show_deleted=True).items) == []


def test_rates_do_not_heed_the_time_of_day_and_expired_keys_come_back_with_it(tmp_path: Path) -> None:
    times = Times()
    with Catalogue.open(f"sqlite:///{tmp_path}/catalogue.db") as catalogue:
        ring = Keyring(catalogue.database, clock=lambda: times.wall, seconds=lambda: times.seconds)
        limits = Limits(requests_per_second=1.0, burst=1, monthly_identifications=1)
        made = ring.store.create("a", Scope.DEVICE, limits=limits, expire_time=datetime.now(UTC) + timedelta(days=3650))
        ring.reload()
        key = ring.authenticate(made.secret)
        assert ring.take(key) == 0.0
        for jump in (timedelta(days=30), timedelta(days=-60), timedelta(days=30)):
            times.wall += jump
            assert ring.take(key) == pytest.approx(1.0)
        times.pass_by(1.0)
        assert ring.take(key) == 0.0
        ring.begin_query(key)
        ring.end_query(key, identified=True)
        with pytest.raises(ResourceExhaustedError, match="used up its 1 identifications of 2026-03"):
            ring.begin_query(key)
        times.wall += timedelta(days=8000)
        with pytest.raises(UnauthenticatedError, match="expired"):
            ring.authenticate(made.secret)
        times.wall -= timedelta(days=8000)
        assert ring.authenticate(made.secret).id == key.id
        with pytest.raises(ResourceExhaustedError):  # what was used up in March is still used up in March
            ring.begin_query(key)
        ring.close()
