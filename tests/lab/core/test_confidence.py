"""Probabilities for systems that have none."""

from __future__ import annotations

import numpy as np
import pytest

from steeple.lab.answers import judged
from steeple.lab.confidence import cross_fitted, first_scores, groups_of
from steeple.lab.photo_set import ShownDataset
from steeple.lab.photos import Grade
from steeple.lab.pipeline import Answered
from steeple.lab.rankings import Ranking
from steeple.server.evaluation import Outcome, measure

from .stand_ins import dataset_of


def test_probabilities_are_what_the_scores_bear_out() -> None:
    """Scores of known odds: what is fitted comes near to them, and the calibration error is small."""
    random = np.random.default_rng(1)
    scores = random.normal(0, 2, 2000)
    odds = 1 / (1 + np.exp(-(1.5 * scores - 1)))
    right = random.random(2000) < odds
    features, groups = np.stack([scores, scores], axis=1), np.arange(2000)
    fitted = cross_fitted(features, right, groups)
    assert np.abs(fitted - odds).max() < 0.06
    outcomes = [Outcome(True, bool(each), float(sure), False) for each, sure in zip(right, fitted, strict=True)]
    assert measure(outcomes).ece < 0.03
    np.testing.assert_array_equal(fitted, cross_fitted(features, right, groups))


def test_nobody_is_judged_by_his_own_answer() -> None:
    """Scores that say nothing: the answers themselves must not come through."""
    right = np.tile([True, False], 50)
    fitted = cross_fitted(np.zeros((100, 2)), right, np.arange(100))
    assert fitted[right].mean() <= fitted[~right].mean() + 1e-9
    assert fitted == pytest.approx(np.full(100, 0.5), abs=0.02)


def test_where_nothing_can_be_fitted() -> None:
    features = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 1.0], [-np.inf, -np.inf]])
    fitted = cross_fitted(features, np.array([True, True, True, False]), np.arange(4))
    assert fitted.tolist() == [0.75, 0.75, 0.75, 0.0], "(2 others + 1) / (2 others + 2); and 0 without an answer"
    assert cross_fitted(features[3:], np.array([False]), np.arange(1)).tolist() == [0.0]


def test_where_one_group_alone_is_right_its_own_answers_say_nothing_of_it() -> None:
    features = np.array([[9.0], [8.0], [7.0], [1.0], [2.0]])
    fitted = cross_fitted(features, np.array([True, True, False, False, False]), np.array([5, 5, 5, 0, 1]))
    assert fitted.tolist() == [0.25, 0.25, 0.25, 0.5, 0.5], "(0 of 2) and (2 of 4), one right and one wrong added"
    assert cross_fitted(features[:3], np.array([True, True, False]), np.full(3, 5)).tolist() == [0.5] * 3, "no others"


def test_where_all_that_is_wrong_falls_into_one_fold() -> None:
    """Seven answers of three groups, of which one is all that the others can be judged by."""
    right = np.array([False, False, False, False, False, True, True])
    groups = np.array([2, 1, 1, 1, 2, 2, 4])
    fitted = cross_fitted(np.arange(7.0)[:, None], right, groups)
    assert fitted[:6].tolist() == [2 / 3] * 6, "1 of 1 other, one right and one wrong added"
    assert 0 < fitted[6] < 2 / 3, "by a regression on the six"


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
    """A number of its own for each answer: a regression that has seen the answer knows it, no other does."""
    right = np.arange(40) % 2 == 0
    assert cross_fitted(np.eye(40), right, np.arange(40)) == pytest.approx(np.full(40, 0.5), abs=0.02)


def test_no_answer_is_judged_by_others_of_its_landmark() -> None:
    """A number of its own for each landmark: who has seen one of its four photos knows the other three."""
    groups = np.repeat(np.arange(40), 4)
    features, right = np.eye(40)[groups], groups % 2 == 0
    split = cross_fitted(features, right, np.arange(160))
    assert split[right].min() > 0.6
    assert split[~right].max() < 0.4
    assert cross_fitted(features, right, groups) == pytest.approx(np.full(160, 0.5), abs=0.02)


def test_queries_of_a_landmark_belong_together_and_distractors_are_each_by_themselves() -> None:
    groups = groups_of(dataset_of(["a", "b"], ["a", "", "b", "a", "", "b"]))
    assert groups[0] == groups[3]
    assert groups[2] == groups[5]
    assert len(set(groups.tolist())) == 4


def test_confidences_of_a_system_without_any_are_fitted_by_landmark() -> None:
    landmarks = [name for name in "abcdefgh" for _ in range(3)]
    dataset = dataset_of(list("abcdefgh"), [*landmarks, *[""] * 12])
    random = np.random.default_rng(2)
    rankings = [Ranking.of(random.random(8).astype(np.float32)) for _ in dataset.queries]
    nothing = np.zeros(len(rankings))
    answered = Answered(
        rankings, None, None, nothing, nothing, nothing, nothing.astype(np.int64),
        index_bytes=0.0, stage_bytes=0.0, features=0.0, prepare_seconds=0.0,
    )  # fmt: skip
    columns = judged(answered, ShownDataset(dataset, (), (), (), ""), "").columns
    features, groups = first_scores(dataset, rankings), groups_of(dataset)
    assert 2 <= columns.right.sum() < len(rankings)
    np.testing.assert_array_equal(columns.confidence, cross_fitted(features, columns.right, groups))
    assert (columns.confidence != cross_fitted(features, columns.right, np.arange(len(rankings)))).any()
