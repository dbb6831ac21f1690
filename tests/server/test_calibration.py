"""The model of confidence recovers what evidence was drawn from."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.delf.release import Calibration
from steeple.errors import InvalidArgumentError
from steeple.recognition import Candidate, Recognition
from steeple.recognition.evidence import confidence
from steeple.server.calibration import EVIDENCE, cross_validated, fit
from steeple.server.evaluation import Outcome, Photo, QueryResult, Role, measure

KINDS = len(EVIDENCE)
TRUE_BIAS, TRUE_WEIGHTS = -5.0, np.linspace(1.5, 0.5, KINDS)


def result(evidence: NDArray[np.float64] | None, *, right: bool, stranger: bool = False) -> QueryResult:
    nothing = np.empty((0, 2), np.float32)
    candidates = (
        ()
        if evidence is None
        else (
            Candidate(
                landmark_id="tower" if right else "gate",
                image_key=0,
                confidence=0.5,
                inliers=0,
                matches=0,
                evidence=dict(zip(EVIDENCE, map(float, evidence), strict=True)),
                homography=np.eye(3),
                outline=nothing,
                query_points=nothing,
                reference_points=nothing,
            ),
        )
    )
    photo = Photo(Path("1.jpg"), "", Role.DISTRACTOR, "") if stranger else Photo(Path("1.jpg"), "tower", Role.QUERY, "")
    return QueryResult(photo, Recognition(False, candidates, 100, 0.0, 0.0), 0.0, 0)


def drawn(count: int) -> tuple[list[QueryResult], NDArray[np.float64]]:
    """Answers that are right with a probability that is a logistic function of their evidence."""
    random = np.random.default_rng(11)
    evidence = random.uniform(0, 4, (count, KINDS))
    probability = 1 / (1 + np.exp(-(TRUE_BIAS + evidence @ TRUE_WEIGHTS)))
    right = random.random(count) < probability
    return [result(row, right=bool(hit)) for row, hit in zip(evidence, right, strict=True)], probability


def confidences(calibration: Calibration, results: list[QueryResult]) -> NDArray[np.float64]:
    return np.array([confidence(calibration, each.recognition.candidates[0].evidence) for each in results])


def test_probabilities_are_recovered() -> None:
    results, probability = drawn(8000)
    found = confidences(fit(results[:4000]), results)
    assert np.abs(found - probability).mean() < 0.02
    unseen = [
        Outcome(known=True, right=each.outcome.right, confidence=float(value), identified=False)
        for each, value in zip(results[4000:], found[4000:], strict=True)
    ]
    assert measure(unseen).ece < 0.03


def test_weights_are_those_that_the_answers_were_drawn_with() -> None:
    calibration = fit(drawn(20_000)[0])
    assert calibration.bias == pytest.approx(TRUE_BIAS, abs=0.3)
    assert [calibration.weights[name] for name in EVIDENCE] == pytest.approx(list(TRUE_WEIGHTS), abs=0.2)


def test_evidence_that_would_lower_a_confidence_has_no_say() -> None:
    """The second evidence is the first with noise, so the best fit would take it off again."""
    random = np.random.default_rng(14)
    truth = random.uniform(0, 4, 4000)
    rows = np.column_stack([truth, truth + random.normal(0, 0.5, 4000), random.uniform(0, 4, (4000, KINDS - 2))])
    right = random.random(4000) < 1 / (1 + np.exp(5 - 4 * truth + rows[:, 1]))
    calibration = fit([result(row, right=bool(hit)) for row, hit in zip(rows, right, strict=True)])
    assert calibration.weights[EVIDENCE[0]] == pytest.approx(3, abs=0.4)
    assert calibration.weights[EVIDENCE[1]] == 0
    assert min(calibration.weights.values()) >= 0


def test_perfectly_separable_answers_give_finite_weights() -> None:
    random = np.random.default_rng(12)
    right = [result(random.uniform(3, 4, KINDS), right=True) for _ in range(100)]
    wrong = [result(random.uniform(0, 1, KINDS), right=False, stranger=True) for _ in range(100)]
    calibration = fit([*right, *wrong])
    assert all(
        math.isfinite(number) and abs(number) < 50 for number in (calibration.bias, *calibration.weights.values())
    )
    assert confidences(calibration, right).min() > 0.9
    assert confidences(calibration, wrong).max() < 0.1
    assert calibration.threshold == 0.5


def test_one_stranger_in_a_hundred_exceeds_the_threshold() -> None:
    random = np.random.default_rng(13)
    right = [result(random.normal(3, 1, KINDS), right=True) for _ in range(400)]
    strangers = [result(random.normal(1.5, 1, KINDS), right=False, stranger=True) for _ in range(400)]
    calibration = fit([*right, *strangers])
    assert calibration.threshold > 0.5
    # The threshold is rounded, so the stranger that it was taken from may fall on either side.
    assert (confidences(calibration, strangers) > calibration.threshold).sum() in (4, 5)


def test_answers_without_a_candidate_take_no_part() -> None:
    results, _ = drawn(500)
    none = [result(None, right=False, stranger=True) for _ in range(200)]
    assert fit([*results, *none]) == fit(results)


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("make", [lambda right: [result(np.ones(KINDS), right=right)] * 5, lambda right: []])
def test_answers_of_one_kind_are_refused(make: Callable[[bool], list[QueryResult]], right: bool) -> None:
    with pytest.raises(InvalidArgumentError, match="right and wrong answers; add queries"):
        fit(make(right))


def named(results: list[QueryResult], landmarks: int) -> list[QueryResult]:
    """The same answers, to photos of several landmarks."""
    made = []
    for number, each in enumerate(results):
        landmark = f"landmark-{number % landmarks}"
        best = each.recognition.candidates[0]
        answered = replace(best, landmark_id=landmark if best.landmark_id == "tower" else "gate")
        photo = replace(each.photo, landmark=landmark)
        made.append(replace(each, photo=photo, recognition=replace(each.recognition, candidates=(answered,))))
    return made


def test_cross_validation_judges_by_what_has_not_seen_the_landmark() -> None:
    results, _ = drawn(600)
    few = named(results, 7)
    strangers = [
        replace(each, photo=replace(each.photo, path=Path(f"{number % 20}.jpg")))  # each photo is asked about twice
        for number, each in enumerate(
            result(row, right=False, stranger=True) for row in np.random.default_rng(3).uniform(0, 2, (40, KINDS))
        )
    ]
    everything = [*few, *strangers]
    outcomes = cross_validated(everything)
    assert [outcome.known for outcome in outcomes] == [True] * 600 + [False] * 40
    # Landmarks 0 and 5 are in the first part, and so is every fifth stranger, both times.
    others = [each for number, each in enumerate(few) if number % 7 not in (0, 5)]
    others += [each for number, each in enumerate(strangers) if number % 5]
    alone = fit(others)
    for number in (0, 5, 7, 12, 600, 605):
        evidence = everything[number].recognition.candidates[0].evidence
        assert outcomes[number].confidence == pytest.approx(confidence(alone, evidence))
        assert outcomes[number].identified == (outcomes[number].confidence >= alone.threshold)
    assert measure(outcomes).ece < 0.06


def test_one_landmark_cannot_be_cross_validated() -> None:
    with pytest.raises(InvalidArgumentError, match="two landmarks"):
        cross_validated(drawn(100)[0])


def test_a_lower_rate_of_false_positives_has_a_higher_threshold() -> None:
    results = drawn(500)[0]
    evidence = np.random.default_rng(5).uniform(0, 4, (200, KINDS))
    results += [result(row, right=False, stranger=True) for row in evidence]
    thresholds = [fit(results, false_positive_rate=rate).threshold for rate in (1.0, 0.2, 0.05, 0.0)]
    assert thresholds == sorted(thresholds)
    assert thresholds[0] == 0.5
    assert thresholds[-1] > thresholds[1]
