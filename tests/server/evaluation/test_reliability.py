from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steeple.server.evaluation import Outcome, false_positives, reliability
from steeple.server.evaluation.reliability import wilson_interval


def outcome(confidence: float, *, right: bool, known: bool = True, identified: bool = False) -> Outcome:
    return Outcome(known=known, right=right, confidence=confidence, identified=identified)


def test_bins_of_reliability_hold_every_answer() -> None:
    confidences = [0.0, 0.05, 0.1, 0.55, 0.58, 0.999, 1.0]
    right = [False, False, True, True, False, True, True]
    bins = reliability([outcome(value, right=hit) for value, hit in zip(confidences, right, strict=True)])
    assert [each.answers for each in bins] == [2, 1, 0, 0, 0, 2, 0, 0, 0, 2]
    assert (bins[5].right, bins[9].right, bins[0].right) == (0.5, 1.0, 0.0)
    assert bins[5].confidence == pytest.approx(0.565)
    assert bins[9].interval == wilson_interval(2, 2)
    assert all(math.isnan(number) for number in (bins[3].right, bins[3].confidence, *bins[3].interval))


def test_false_positives_are_strangers_that_got_a_name() -> None:
    strangers = [outcome(0.9, right=False, known=False, identified=number < 3) for number in range(100)]
    found = false_positives([*strangers, outcome(0.9, right=False, identified=True)])
    assert (found.strangers, found.named, found.rate) == (100, 3, 0.03)
    assert found.interval == pytest.approx((0.01025, 0.08452), abs=1e-4)
    assert math.isnan(false_positives([outcome(0.9, right=True)]).rate)


@pytest.mark.parametrize(
    ("successes", "trials", "interval"),
    [(0, 10, (0.0, 0.27753)), (10, 10, (0.72247, 1.0)), (5, 10, (0.23659, 0.76341)), (1, 1000, (0.00018, 0.00565))],
)
def test_wilsons_interval(successes: int, trials: int, interval: tuple[float, float]) -> None:
    """Against values computed from the formula by hand."""
    assert wilson_interval(successes, trials) == pytest.approx(interval, abs=2e-5)


@given(st.integers(1, 5000).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials))))
def test_an_interval_holds_its_share_and_stays_a_share(counts: tuple[int, int]) -> None:
    successes, trials = counts
    low, high = wilson_interval(successes, trials)
    assert 0 <= low <= successes / trials <= high <= 1
    assert low < high
