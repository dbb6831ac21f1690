"""``steeple benchmark load``: its arithmetic, and a short run."""

from __future__ import annotations

import pytest

from steeple.cli.load_figures import LoadFigures, Sent, figures, growth_of

from .support import Steeple


def judged(sent: list[Sent], memory: list[tuple[float, float]], worst: list[Sent] | None = None) -> LoadFigures:
    return figures(
        sent,
        worst or [],
        memory,
        idle_seconds=[0.1, 0.1, 0.4],
        capacity=10.0,
        seconds=5.0,
        clients=3,
        queue_delay_ms=1000.0,
        server_cpu=1.5,
        load_cpu=0.1,
    )


FLAT = [(float(second), 1e8) for second in range(9)]


def answers(*seconds: float, client: int = 0) -> list[Sent]:
    return [Sent(client, each, "OK") for each in seconds]


def test_bars_are_reached_up_to_three_times_the_idle_median_and_the_queue_delay() -> None:
    fast = judged([*answers(0.2, 1.3), *answers(1.3, client=1), Sent(2, 9.0, "RESOURCE_EXHAUSTED")], FLAT)
    assert (fast.idle_p50_ms, fast.p50_ms, fast.p99_ms) == (100.0, 1300.0, 1300.0)
    assert (fast.offered, fast.accepted, fast.fewest, fast.most) == (0.8, 0.6, 0, 2)
    assert fast.statuses == {"OK": 3, "RESOURCE_EXHAUSTED": 1}
    assert fast.passed
    assert [bar.passed for bar in judged(answers(*[1.32] * 10), FLAT).bars] == [True, False, True]


@pytest.mark.parametrize("status", ["INTERNAL", "UNAVAILABLE", "UNKNOWN"])
def test_other_errors_miss_a_bar_also_those_of_the_worst_photos(status: str) -> None:
    wrong = [Sent(1, 0.1, status)]
    assert [bar.passed for bar in judged([*answers(0.1), *wrong], FLAT).bars] == [False, True, True]
    found = judged(answers(0.1), FLAT, wrong)
    assert [bar.passed for bar in found.bars] == [False, True, True]
    assert found.worst == {status: 1}


def test_growth_is_that_after_the_first_quarter() -> None:
    warm = [(float(second), 1e8 if second >= 25 else 0.0) for second in range(101)]
    assert growth_of(warm) == pytest.approx(0.0, abs=1e-6)
    assert growth_of([(second, 1e8 + 50_000 * second) for second in map(float, range(100))]) == pytest.approx(3.0)
    photos = [(float(second), 5e8 if second % 9 == 3 else 1e8) for second in range(200)]
    assert growth_of(photos) == pytest.approx(0.0, abs=1e-6)
    assert growth_of([]) is growth_of(FLAT[:2]) is None
    leaking = judged(answers(0.1), [(second, 20_000 * second) for second in map(float, range(100))])
    assert [bar.passed for bar in leaking.bars] == [True, True, False]


def test_nothing_that_was_answered_or_measured_reaches_no_bar() -> None:
    found = judged([Sent(0, 0.1, "RESOURCE_EXHAUSTED")], [])
    assert found.p99_ms is None
    assert [bar.passed for bar in found.bars] == [True, False, False]


def test_a_short_run(steeple: Steeple) -> None:
    given = ("--seconds", 1, "--clients", 3, "--images", 20, "--times", 1.5, "--queue-delay-ms", 200)
    ran = steeple("benchmark", "load", *given, "--json")
    assert ran.code in (0, 1), ran.err  # how fast this machine is, is not tested
    found = ran.json
    assert ran.code == (0 if found["passed"] else 1)
    assert found["bars"][0]["passed"], found["statuses"]
    assert found["statuses"]["OK"] > 0
    assert 0 <= found["fewest"] <= found["most"]
    assert found["most"] > 0  # a client that got no answer in one second says that this machine is slow
    assert 0 < found["accepted"] <= found["offered"]
    assert found["idle_p50_ms"] > 0
    assert 0 < found["p50_ms"] <= found["p90_ms"] <= found["p99_ms"]
    assert found["server_cpu"] > found["load_cpu"] > 0
