"""Fits the model of confidence on answers whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf.release import Calibration
from steeple.errors import InvalidArgumentError
from steeple.server.evaluation import QueryResult

EVIDENCE: Final = ("distinct", "support", "margin")
"""Chosen among all evidence by cross-validation over landmarks. Given these, inliers and their ratio add nothing that
is not negative, and more inliers must never lower a confidence."""

_RIDGE: Final = 1e-2  # keeps the weights finite when right and wrong answers separate perfectly
_STEPS: Final = 50
_FALSE_POSITIVE_RATE: Final = 0.02
_LEAST_THRESHOLD: Final = 0.5


def fit(results: Sequence[QueryResult]) -> Calibration:
    """A logistic model of "the first candidate is right" over its evidence.

    The threshold is the confidence that two distractors in a hundred exceed, and at least 0.5.

    Args:
        results: Answers to queries and distractors, made with any calibration.

    Raises:
        InvalidArgumentError: If there is not both a right and a wrong answer.
    """
    answered = [result for result in results if result.recognition.candidates]
    right = np.array([result.outcome.right for result in answered], np.float64)
    if not 0 < right.sum() < len(right):
        raise InvalidArgumentError("calibration needs right and wrong answers; add queries, and photos of no landmark")
    evidence = np.array(
        [[result.recognition.candidates[0].evidence[name] for name in EVIDENCE] for result in answered], np.float64
    )
    coefficients = _logistic(np.column_stack([np.ones(len(evidence)), evidence]), right)
    strangers = [_probability(coefficients, result) for result in results if not result.outcome.known] or [0.0]
    reached = sorted(strangers, reverse=True)[int(_FALSE_POSITIVE_RATE * len(strangers))]
    return Calibration(
        bias=round(float(coefficients[0]), 4),
        weights={name: round(float(weight), 4) for name, weight in zip(EVIDENCE, coefficients[1:], strict=True)},
        threshold=round(max(_LEAST_THRESHOLD, reached), 4),
    )


def _probability(coefficients: NDArray[np.float64], result: QueryResult) -> float:
    if not result.recognition.candidates:
        return 0.0
    evidence = result.recognition.candidates[0].evidence
    logit = coefficients[0] + sum(
        weight * evidence[name] for name, weight in zip(EVIDENCE, coefficients[1:], strict=True)
    )
    return float(1.0 / (1.0 + np.exp(-logit)))


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
