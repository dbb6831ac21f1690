"""Comparisons say what the answers show, and no more."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from steeple.errors import InvalidArgumentError
from steeple.lab.answers import SystemAnswers
from steeple.lab.bootstrap import QueryColumns
from steeple.lab.compare import Comparison, Difference, Verdict, compare
from steeple.server.evaluation import Outcome, measure
from steeple.server.evaluation.resampling import resampled

FIGURES = ["recall_at_1", "micro_ap", "map", "tpr_at_1pct_fpr", "ece"]


def answers(right: NDArray[np.bool_], score: NDArray[np.float64], known: NDArray[np.bool_]) -> SystemAnswers:
    """Of a system whose average precision is 1 where it is right, else a half; and whose confidence is its score."""
    count = len(right)
    precision = np.where(known, np.where(right, 1.0, 0.5), math.nan)
    zeros = np.zeros(count)
    return SystemAnswers(
        "fingerprint",
        "dataset",
        [f"q{place}" for place in range(count)],
        [f"q{place}.jpg" for place in range(count)],
        ["a" if each else "" for each in known],
        [""] * count,
        [],
        QueryColumns(known, right & known, score, score, {"map": precision}),
        "micro_ap",
        None,
        zeros,
        zeros,
        zeros,
        zeros.astype(np.int64),
        {},
    )


def made(share: float, seed: int, count: int = 200) -> SystemAnswers:
    """Right for that share of the queries, and beside them as many distractors; surer where it is right."""
    known = np.arange(count) < count // 2
    random = np.random.default_rng(seed)
    right = known & (random.permutation(count) < share * count)
    return answers(right, np.where(right, 0.9, 0.2) + random.uniform(-0.1, 0.1, count), known)


def by_figure(comparison: Comparison) -> dict[str, Difference]:
    return {each.figure: each for each in comparison.differences}


def test_values_by_hand() -> None:
    """Four queries and no distractor; the second system is right once more, and less sure of it."""
    known = np.ones(4, np.bool_)
    first = answers(np.array([True, False, False, False]), np.array([0.9, 0.8, 0.7, 0.6]), known)
    second = answers(np.array([True, True, False, False]), np.array([0.9, 0.1, 0.7, 0.6]), known)
    comparison = compare(first, second, resamples=4000)
    assert (comparison.queries, comparison.distractors, comparison.same_photos) == (4, 0, True)
    found = by_figure(comparison)
    assert list(found) == [name for name in FIGURES if name != "tpr_at_1pct_fpr"], "of which there is none"
    recall = found["recall_at_1"]
    assert (recall.first, recall.second, recall.difference) == (0.25, 0.5, -0.25)
    # The difference is a quarter of how often the second query was drawn, of B(4, 1/4): 0 with 0.316, 3 of 4 with 0.051
    assert recall.interval == pytest.approx((-0.75, 0))
    assert recall.p == pytest.approx(2 * 0.75**4, abs=0.03)
    assert recall.verdict is Verdict.NOTHING
    assert found["micro_ap"].first == 0.25
    assert found["micro_ap"].second == (1 + 2 / 4) / 4
    assert found["map"].difference == (1 + 0.5 * 3) / 4 - (2 + 0.5 * 2) / 4


@settings(max_examples=8, deadline=None)
@given(st.floats(0, 0.5), st.integers(0, 99))
def test_a_system_is_no_better_than_itself(share: float, seed: int) -> None:
    system = made(share, seed)
    for each in compare(system, system, resamples=100).differences:
        assert (each.difference, each.interval, each.verdict) == (0, (0, 0), Verdict.NOTHING)
        assert each.p == 1


def test_what_is_better_is_called_better_and_the_other_worse() -> None:
    good, bad = made(0.45, 1), made(0.2, 1)
    forwards, backwards = by_figure(compare(good, bad, resamples=300)), by_figure(compare(bad, good, resamples=300))
    for name in ("recall_at_1", "micro_ap", "map"):
        assert forwards[name].verdict is Verdict.BETTER
        assert backwards[name].verdict is Verdict.WORSE
        assert forwards[name].interval == pytest.approx((-backwards[name].interval[1], -backwards[name].interval[0]))
        assert forwards[name].p < 0.02


def test_less_calibration_error_is_better() -> None:
    good = made(0.4, 1)
    right = good.columns.right
    sure = replace(good, columns=replace(good.columns, confidence=right.astype(np.float64)))
    wrong = replace(good, columns=replace(good.columns, confidence=(~right).astype(np.float64)))
    ece = by_figure(compare(sure, wrong, resamples=100))["ece"]
    assert (ece.first, ece.second, ece.verdict) == (0, 1, Verdict.BETTER)


def test_a_hair_is_no_difference() -> None:
    one = made(0.4, 1)
    columns = one.columns
    other = replace(one, columns=replace(columns, right=columns.right & (np.arange(200) != columns.right.argmax())))
    assert by_figure(compare(one, other, resamples=300))["recall_at_1"].verdict is Verdict.NOTHING


def test_only_the_same_queries_can_be_compared() -> None:
    one = made(0.4, 1)
    other = replace(one, queries=[*one.queries[:-1], "another"])
    with pytest.raises(InvalidArgumentError, match="200 and 200 queries, 199 of them the same"):
        compare(one, other)
    assert not compare(one, replace(one, dataset="other photos"), resamples=100).same_photos


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 9)), min_size=1, max_size=30))
def test_figures_are_those_of_the_evaluation(rows: list[tuple[bool, bool, int]]) -> None:
    known = np.array([row[0] for row in rows])
    right = np.array([row[0] and row[1] for row in rows])
    sure = np.array([row[2] / 9 for row in rows])
    found = answers(right, sure, known).columns.figures()
    outcomes = [Outcome(*each, False) for each in zip(known.tolist(), right.tolist(), sure.tolist(), strict=True)]
    for name in FIGURES:
        if name != "map":
            np.testing.assert_equal(found[name], getattr(measure(outcomes), name))


def test_resamples_keep_queries_and_distractors_apart() -> None:
    known = np.array([True, False, True, False, False])
    drawn = list(resampled(known, 50))
    assert all(known[rows].tolist() == [True, True, False, False, False] for rows in drawn)
    assert len({tuple(rows) for rows in drawn}) > 25
    np.testing.assert_array_equal(drawn, list(resampled(known, 50)))
