"""Probabilities for systems that have none."""

from __future__ import annotations

import numpy as np
import pytest

from steeple.lab.confidence import cross_fitted, first_scores
from steeple.lab.photos import Grade
from steeple.lab.rankings import Ranking
from steeple.server.evaluation import Outcome, measure

from .stand_ins import dataset_of


def test_probabilities_are_what_the_scores_bear_out() -> None:
    """Scores of known odds: what is fitted comes near to them, and the calibration error is small."""
    random = np.random.default_rng(1)
    scores = random.normal(0, 2, 2000)
    odds = 1 / (1 + np.exp(-(1.5 * scores - 1)))
    right = random.random(2000) < odds
    fitted = cross_fitted(np.stack([scores, scores], axis=1), right)
    assert np.abs(fitted - odds).max() < 0.06
    outcomes = [Outcome(True, bool(each), float(sure), False) for each, sure in zip(right, fitted, strict=True)]
    assert measure(outcomes).ece < 0.03
    np.testing.assert_array_equal(fitted, cross_fitted(np.stack([scores, scores], axis=1), right))


def test_nobody_is_judged_by_his_own_answer() -> None:
    """Scores that say nothing: the answers themselves must not come through."""
    right = np.tile([True, False], 50)
    fitted = cross_fitted(np.zeros((100, 2)), right)
    assert fitted[right].mean() <= fitted[~right].mean() + 1e-9
    assert fitted == pytest.approx(np.full(100, 0.5), abs=0.02)


def test_where_nothing_can_be_fitted() -> None:
    features = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 1.0], [-np.inf, -np.inf]])
    fitted = cross_fitted(features, np.array([True, True, True, False]))
    assert fitted.tolist() == [0.75, 0.75, 0.75, 0.0], "(2 others + 1) / (2 others + 2); and 0 without an answer"
    assert cross_fitted(features[3:], np.array([False])).tolist() == [0.0]


def test_the_lead_is_over_another_landmark() -> None:
    dataset = dataset_of(["a", "a", "b", "", ""], ["a", "a", "", "b"])
    dataset.queries[1].grades[1] = Grade.JUNK  # type: ignore[index] # a dict, in this test

    def ranked(*keys: int) -> Ranking:
        return Ranking(np.array(keys, np.int64), np.arange(10, 10 - len(keys), -1).astype(np.float32))

    found = first_scores(dataset, [ranked(0, 1, 2, 3), ranked(1, 0, 2), ranked(3, 4, 0), ranked()])
    assert found[:3].tolist() == [[10, 2], [9, 1], [10, 1]], "past its own landmark; past junk; fillers are apart"
    assert np.isneginf(found[3]).all()
    assert first_scores(dataset, [ranked(0)] * 4)[0].tolist() == [10, 10], "nobody else"


def test_no_answer_is_judged_by_what_was_fitted_on_it() -> None:
    """30 numbers of chance for 40 answers: a regression that has seen an answer knows it, one that has not does not."""
    random = np.random.default_rng(4)
    features, right = random.standard_normal((40, 30)), np.arange(40) % 2 == 0
    found = cross_fitted(features, right)
    assert abs(found[right].mean() - found[~right].mean()) < 0.2
