"""Fits the model of confidence on answers whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf.release import Calibration
from steeple.errors import InvalidArgumentError
from steeple.recognition import Candidate
from steeple.recognition.evidence import confidence
from steeple.server.evaluation import Outcome, QueryResult, Role

EVIDENCE: Final = ("distinct", "support", "margin", "brevity")
"""Chosen among all evidence by cross-validation over landmarks. Given these, inliers and their ratio add nothing that
is not negative, and more inliers must never lower a confidence."""

_RIDGE: Final = 1e-2  # keeps the weights finite when right and wrong answers separate perfectly
_STEPS: Final = 50
_LEAST_THRESHOLD: Final = 0.5


def fit(results: Sequence[QueryResult], *, false_positive_rate: float = 0.01) -> Calibration:
    """A logistic model of "this landmark is right" over the evidence of the candidate with the most inliers.

    No weight is negative: what speaks for a landmark must never lower its confidence, and evidence that would do so in
    the company of the rest says nothing new and gets the weight 0.

    Answers to short queries belong among the results (:func:`steeple.server.evaluation.budgets.of_all_lengths`), or the
    confidence of short queries is too modest.

    By inliers and not by confidence, so that the calibration that the answers were made with leaves no trace in the
    new one. The threshold is the confidence that ``false_positive_rate`` of the distractors exceed, and at least 0.5.

    Args:
        results: Answers to queries and distractors.
        false_positive_rate: Share of distractors, 0 to 1.

    Raises:
        InvalidArgumentError: If there is not both a right and a wrong answer.
    """
    answered = [result for result in results if result.recognition.candidates]
    strongest = [max(result.recognition.candidates, key=lambda candidate: candidate.inliers) for result in answered]
    right = np.array(
        [
            result.photo.role is Role.QUERY and candidate.landmark_id == result.photo.landmark
            for result, candidate in zip(answered, strongest, strict=True)
        ],
        np.float64,
    )
    if not 0 < right.sum() < len(right):
        raise InvalidArgumentError("calibration needs right and wrong answers; add queries, and photos of no landmark")
    coefficients = _rising(np.array([_regressors(candidate) for candidate in strongest]), right)
    strangers = sorted(
        (_highest(coefficients, result) for result in results if result.photo.role is Role.DISTRACTOR), reverse=True
    )
    reached = strangers[min(int(false_positive_rate * len(strangers)), len(strangers) - 1)] if strangers else 0.0
    return Calibration(
        bias=round(float(coefficients[0]), 4),
        weights={name: round(float(weight), 4) for name, weight in zip(EVIDENCE, coefficients[1:], strict=True)},
        threshold=round(max(_LEAST_THRESHOLD, reached), 4),
    )


def cross_validated(
    results: Sequence[QueryResult], *, folds: int = 5, false_positive_rate: float = 0.01
) -> list[Outcome]:
    """The answers, each judged by a calibration that was fitted without its landmark.

    Args:
        results: Answers to queries and distractors.
        folds: Parts that the landmarks, by name, and the distractors are dealt out to by turns.
        false_positive_rate: As for :func:`fit`.

    Returns:
        In the order of ``results``.

    Raises:
        InvalidArgumentError: If there are fewer than two landmarks, or not both right and wrong answers without a part.
    """
    landmarks = sorted({result.photo.landmark for result in results if result.photo.role is Role.QUERY})
    if len(landmarks) < 2:
        raise InvalidArgumentError("cross-validation takes queries of two landmarks or more; add photos of another")
    folds = min(folds, len(landmarks))
    part_of = {landmark: number % folds for number, landmark in enumerate(landmarks)}
    # A photo that was asked about more than once is in one part.
    strangers = {
        path: number % folds
        for number, path in enumerate(
            dict.fromkeys(result.photo.path for result in results if result.photo.role is not Role.QUERY)
        )
    }
    parts = [
        part_of[result.photo.landmark] if result.photo.role is Role.QUERY else strangers[result.photo.path]
        for result in results
    ]
    outcomes: list[Outcome | None] = [None] * len(results)
    for part in range(folds):
        others = [result for result, where in zip(results, parts, strict=True) if where != part]
        calibration = fit(others, false_positive_rate=false_positive_rate)
        for number, where in enumerate(parts):
            if where == part:
                outcomes[number] = _judged(calibration, results[number])
    return [outcome for outcome in outcomes if outcome is not None]


def _judged(calibration: Calibration, result: QueryResult) -> Outcome:
    """What an answer would be with another calibration."""
    candidates = result.recognition.candidates
    scored = [(confidence(calibration, candidate.evidence), candidate) for candidate in candidates]
    best = max(scored, key=lambda each: (each[0], each[1].inliers), default=None)
    known = result.photo.role is Role.QUERY
    return Outcome(
        known=known,
        right=known and best is not None and best[1].landmark_id == result.photo.landmark,
        confidence=best[0] if best else 0.0,
        identified=best is not None and best[0] >= calibration.threshold,
        tier=result.photo.tier,
    )


def _regressors(candidate: Candidate) -> list[float]:
    return [1.0, *(candidate.evidence[name] for name in EVIDENCE)]


def _highest(coefficients: NDArray[np.float64], result: QueryResult) -> float:
    """The highest confidence among the candidates of an answer."""
    logits = [float(coefficients @ _regressors(candidate)) for candidate in result.recognition.candidates]
    return 1.0 / (1.0 + math.exp(-max(logits))) if logits else 0.0


def _rising(design: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """:func:`_logistic` without the columns whose coefficient would be negative; theirs is 0."""
    kept = list(range(design.shape[1]))
    while True:
        fitted = _logistic(design[:, kept], target)
        lowest = int(np.argmin(fitted[1:])) + 1 if len(kept) > 1 else 0
        if not lowest or fitted[lowest] >= 0:
            coefficients = np.zeros(design.shape[1])
            coefficients[kept] = fitted
            return coefficients
        del kept[lowest]


def _logistic(design: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ridge logistic regression by Newton's method; the first column, the intercept, is not penalised."""
    coefficients = np.zeros(design.shape[1])
    penalty = np.full(design.shape[1], _RIDGE * len(target) / 100)
    penalty[0] = 0.0
    for _ in range(_STEPS):
        expected = 1.0 / (1.0 + np.exp(-np.clip(design @ coefficients, -60, 60)))
        gradient = design.T @ (target - expected) - penalty * coefficients
        curvature = (design * (expected * (1 - expected))[:, None]).T @ design + np.diag(penalty)
        step = np.linalg.solve(curvature + 1e-9 * np.eye(len(curvature)), gradient)
        coefficients += step
        if np.abs(step).max() < 1e-10:
            break
    return coefficients
