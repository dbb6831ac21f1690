"""Figures against values computed by hand, and what must hold for any answers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steeple.server.evaluation import Outcome, intervals, measure


def query(right: bool, confidence: float, *, identified: bool = False, tier: str = "") -> Outcome:
    return Outcome(known=True, right=right, confidence=confidence, identified=identified, tier=tier)


def distractor(confidence: float, *, identified: bool = False) -> Outcome:
    return Outcome(known=False, right=False, confidence=confidence, identified=identified)


def test_micro_average_precision_by_hand() -> None:
    outcomes = [distractor(0.8), query(True, 0.9), query(False, 0.6), query(True, 0.7)]
    assert measure(outcomes).micro_ap == pytest.approx((1 / 1 + 2 / 3) / 3)


@pytest.mark.parametrize("turned", [False, True])
def test_ties_count_against_the_method(turned: bool) -> None:
    outcomes = [query(True, 0.5), distractor(0.5), query(True, 0.5), query(False, 0.2)]
    expected = (1 / 2 + 2 / 3) / 3
    assert measure(outcomes[::-1] if turned else outcomes).micro_ap == pytest.approx(expected)


def test_true_positives_at_one_false_in_a_hundred_by_hand() -> None:
    strangers = [distractor(number / 1000) for number in range(200)]  # two of them exceed 0.197
    outcomes = [query(True, 0.1975), query(True, 0.197), query(False, 0.9), query(True, 0.1)]
    assert measure([*strangers, *outcomes]).tpr_at_1pct_fpr == 0.25


def test_with_few_strangers_none_may_be_exceeded() -> None:
    assert measure([distractor(0.6), distractor(0.1), query(True, 0.6), query(True, 0.7)]).tpr_at_1pct_fpr == 0.5


def test_calibration_error_by_hand() -> None:
    halves = [query(True, 0.95), query(False, 0.95), distractor(0.15), query(False, 0.15)]
    assert measure(halves).ece == pytest.approx((2 * 0.45 + 2 * 0.15) / 4)
    assert measure([query(True, 1.0), query(True, 0.9)]).ece == pytest.approx(0.05), "1.0 falls into the last bin"
    assert measure([distractor(0.0), query(True, 1.0)]).ece == 0.0


def test_shares_by_hand() -> None:
    outcomes = [
        query(True, 0.9, identified=True, tier="easy"),
        query(True, 0.4, tier="hard"),
        query(False, 0.8, identified=True, tier="hard"),
        query(False, 0.1, tier="hard"),
        distractor(0.7, identified=True),
        distractor(0.2),
        distractor(0.2),
        distractor(0.2),
    ]
    metrics = measure(outcomes)
    assert (metrics.queries, metrics.distractors) == (4, 4)
    assert metrics.recall_at_1 == 0.5
    assert metrics.by_tier == {"easy": 1.0, "hard": pytest.approx(1 / 3)}
    assert metrics.identified == 0.25
    assert metrics.wrongly_identified == 0.25


def test_shares_of_nothing_are_not_numbers() -> None:
    assert math.isnan(measure([query(True, 0.9)]).tpr_at_1pct_fpr)
    assert math.isnan(measure([distractor(0.9)]).recall_at_1)
    assert math.isnan(measure([distractor(0.9)]).micro_ap)
    assert math.isnan(measure([]).ece)
    low, high = intervals([query(True, 0.9)], resamples=10)["tpr_at_1pct_fpr"]
    assert math.isnan(low)
    assert math.isnan(high)


def test_intervals_are_those_of_the_binomial_and_repeat() -> None:
    outcomes = [query(number < 80, 0.5) for number in range(100)] + [distractor(0.1)] * 20
    found = intervals(outcomes)
    spread = 1.96 * math.sqrt(0.8 * 0.2 / 100)
    assert found["recall_at_1"] == pytest.approx((0.8 - spread, 0.8 + spread), abs=0.015)
    assert found["wrongly_identified"] == (0.0, 0.0)
    assert found == intervals(outcomes)


CONFIDENCE = st.floats(0, 1)
OUTCOMES = st.lists(
    st.builds(query, st.booleans(), CONFIDENCE, identified=st.booleans())
    | st.builds(distractor, CONFIDENCE, identified=st.booleans()),
    max_size=40,
)


@given(OUTCOMES)
def test_figures_are_shares(outcomes: list[Outcome]) -> None:
    metrics = measure(outcomes)
    for figure in ("recall_at_1", "micro_ap", "tpr_at_1pct_fpr", "ece", "identified", "wrongly_identified"):
        value = getattr(metrics, figure)
        assert math.isnan(value) or 0 <= value <= 1 + 1e-12, figure
    if metrics.queries:
        assert metrics.micro_ap <= metrics.recall_at_1 + 1e-12


@given(OUTCOMES, st.randoms())
def test_the_order_of_the_answers_does_not_matter(outcomes: list[Outcome], random: np.random.Generator) -> None:
    shuffled = list(outcomes)
    random.shuffle(shuffled)
    for figure in ("recall_at_1", "micro_ap", "tpr_at_1pct_fpr", "ece"):
        assert getattr(measure(shuffled), figure) == pytest.approx(getattr(measure(outcomes), figure), nan_ok=True)


@given(st.lists(st.floats(0.5, 1), min_size=1, max_size=30), st.lists(st.floats(0, 0.4999), max_size=30))
def test_a_perfect_ranking_has_perfect_figures(right: list[float], wrong: list[float]) -> None:
    metrics = measure([*map(distractor, wrong), *(query(True, confidence) for confidence in right)])
    assert metrics.micro_ap == pytest.approx(1.0)
    assert metrics.recall_at_1 == 1.0
    assert metrics.tpr_at_1pct_fpr == 1.0 or not wrong


@given(st.lists(CONFIDENCE, min_size=2, max_size=30, unique=True))
def test_a_right_answer_moved_up_is_worth_more(confidences: list[float]) -> None:
    ranked = sorted(confidences)
    low = [query(True, ranked[0]), *map(distractor, ranked[1:])]
    high = [query(True, ranked[-1]), *map(distractor, ranked[:-1])]
    assert measure(low).micro_ap == pytest.approx(1 / len(ranked))
    assert measure(high).micro_ap == 1.0
