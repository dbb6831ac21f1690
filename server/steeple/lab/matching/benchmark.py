"""How well local features match pictures whose geometry is known."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.delf.homographies import Homography
from steeple.errors import InvalidArgumentError
from steeple.lab.features import LocalFeatures
from steeple.lab.matching.matches import matched
from steeple.lab.matching.pairs import MatchingPair, Picture
from steeple.lab.metrics.matching import (
    area_under_errors,
    corner_error,
    epipolar_distances,
    shares_within,
    transfer_errors,
)
from steeple.lab.protocols import LocalExtractor

THRESHOLDS: Final = tuple(range(1, 11))
"""Pixels, of mean matching accuracy."""

CORNER_THRESHOLDS: Final = (1, 3, 5)
"""Pixels, of the accuracy of homographies."""

AREA_THRESHOLDS: Final = (3, 5, 10)
"""Pixels, up to which the area under corner errors is taken."""

EPIPOLAR_THRESHOLDS: Final = tuple(range(20))
"""Pixels, of the recall of correspondences."""

_HOMOGRAPHY_RADIUS: Final = 3.0  # pixels of the second picture
_EPIPOLAR_RADIUS: Final = 1.0  # pixels
_CONFIDENCE: Final = 0.9999
_ITERATIONS: Final = 10_000
_FEWEST: Final = {"homography": 4, "fundamental": 8}  # matches


@dataclass(frozen=True, eq=False)
class PairResult:
    """What became of one pair.

    Attributes:
        key: Of the pair.
        group: Of the pair.
        features: In the first picture and in the second.
        matches: Mutual nearest neighbours.
        inliers: Matches that the estimated geometry agrees with; 0 without one.
        accuracy: float64[10]; share of matches within :data:`THRESHOLDS`; None if no homography is known.
        corner_error: Pixels; infinite without an estimate; None if no homography is known.
        recall: float64[20]; share of the true correspondences that agree with the estimated epipolar geometry, by
            :data:`EPIPOLAR_THRESHOLDS`; None if none are known.
    """

    key: str
    group: str
    features: tuple[int, int]
    matches: int
    inliers: int
    accuracy: NDArray[np.float64] | None
    corner_error: float | None
    recall: NDArray[np.float64] | None


@dataclass(frozen=True)
class MatchingFigures:
    """Figures of a group of pairs. Those that no pair has a truth for are empty.

    Attributes:
        pairs: How many.
        features: Mean over pictures of pairs.
        matches: Mean over pairs.
        inliers: Mean over pairs.
        mean_matching_accuracy: By threshold, pixels.
        homography_accuracy: Share of pairs whose corners are off by at most so much, by threshold, pixels.
        homography_auc: Area under corner errors, by threshold, pixels.
        correspondence_recall: Mean over pairs, by threshold, pixels.
    """

    pairs: int
    features: float
    matches: float
    inliers: float
    mean_matching_accuracy: Mapping[int, float]
    homography_accuracy: Mapping[int, float]
    homography_auc: Mapping[int, float]
    correspondence_recall: Mapping[int, float]

    @staticmethod
    def of(results: Sequence[PairResult]) -> MatchingFigures:
        """Of at least one pair."""
        accuracies = [result.accuracy for result in results if result.accuracy is not None]
        errors = [result.corner_error for result in results if result.corner_error is not None]
        recalls = [result.recall for result in results if result.recall is not None]
        return MatchingFigures(
            len(results),
            float(np.mean([result.features for result in results])),
            float(np.mean([result.matches for result in results])),
            float(np.mean([result.inliers for result in results])),
            _by(THRESHOLDS, np.mean(accuracies, axis=0)) if accuracies else {},
            _by(CORNER_THRESHOLDS, shares_within(np.array(errors), CORNER_THRESHOLDS)) if errors else {},
            {each: area_under_errors(errors, each) for each in AREA_THRESHOLDS} if errors else {},
            _by(EPIPOLAR_THRESHOLDS, np.mean(recalls, axis=0)) if recalls else {},
        )


@dataclass(frozen=True, eq=False)
class MatchingResult:
    """What became of all pairs.

    Attributes:
        overall: Figures of all.
        by_group: Figures by what lies between the pictures, in the order of the pairs.
        pairs: In their order.
    """

    overall: MatchingFigures
    by_group: Mapping[str, MatchingFigures]
    pairs: tuple[PairResult, ...]


def evaluate_matching(
    extractor: LocalExtractor,
    pairs: Sequence[MatchingPair],
    progress: Callable[[int], object] = lambda _: None,
) -> MatchingResult:
    """Matches pairs by mutual nearest neighbours, and compares with what is known of their geometry.

    Homographies are estimated by RANSAC with 3 pixels (DeTone et al., CVPRW 2018), epipolar geometries by MAGSAC++ with
    1 pixel. Mean matching accuracy needs neither: it counts all matches (Dusmanu et al., CVPR 2019).

    Args:
        extractor: Makes the features of both pictures.
        pairs: At least one. Those that share their first picture should follow each other: it is seen once.
        progress: Is told the number of pairs done, after each.

    Raises:
        InvalidArgumentError: If there is no pair.
        ImageError: If a picture cannot be read; the text names it.
    """
    if not pairs:
        raise InvalidArgumentError("there are no pairs of pictures to match")
    results: list[PairResult] = []
    last: tuple[str, LocalFeatures] | None = None
    for pair in pairs:
        if last is None or last[0] != pair.first.key:
            last = pair.first.key, _features(extractor, pair.first)
        results.append(_compare(pair, last[1], _features(extractor, pair.second)))
        progress(len(results))
    groups = dict.fromkeys(result.group for result in results)
    by_group = {group: MatchingFigures.of([each for each in results if each.group == group]) for group in groups}
    return MatchingResult(MatchingFigures.of(results), by_group, tuple(results))


def _features(extractor: LocalExtractor, picture: Picture) -> LocalFeatures:
    return extractor.extract(picture.read())


def _compare(pair: MatchingPair, first: LocalFeatures, second: LocalFeatures) -> PairResult:
    rows = matched(first, second)
    starts, ends = first.positions[rows[:, 0]], second.positions[rows[:, 1]]
    inliers, accuracy, error, recall = 0, None, None, None
    if pair.homography is not None:
        accuracy = shares_within(transfer_errors(pair.homography, starts, ends), THRESHOLDS)
        homography, inliers = _homography(starts, ends)
        error = corner_error(pair.homography, homography, (first.width, first.height))
    if pair.correspondences is not None:
        fundamental, agreeing = _fundamental(starts, ends)
        inliers = inliers or agreeing
        distances = np.full(len(pair.correspondences), math.inf)
        if fundamental is not None:
            distances = epipolar_distances(fundamental, pair.correspondences)
        recall = shares_within(distances, EPIPOLAR_THRESHOLDS)
    sizes = len(first), len(second)
    return PairResult(pair.key, pair.group, sizes, len(rows), inliers, accuracy, error, recall)


def _homography(first: NDArray[np.float32], second: NDArray[np.float32]) -> tuple[Homography | None, int]:
    if len(first) < _FEWEST["homography"]:
        return None, 0
    found, mask = cv2.findHomography(
        first, second, cv2.RANSAC, _HOMOGRAPHY_RADIUS, maxIters=_ITERATIONS, confidence=_CONFIDENCE
    )
    return (None, 0) if found is None else (np.asarray(found, np.float64), int(mask.sum()))


def _fundamental(first: NDArray[np.float32], second: NDArray[np.float32]) -> tuple[NDArray[np.float64] | None, int]:
    if len(first) < _FEWEST["fundamental"]:
        return None, 0
    try:
        found, mask = cv2.findFundamentalMat(first, second, cv2.USAC_MAGSAC, _EPIPOLAR_RADIUS, _CONFIDENCE, _ITERATIONS)
    except cv2.error:  # raised for some matches that lie at too few points
        return None, 0
    if found is None or np.shape(found) != (3, 3):
        return None, 0
    return np.asarray(found, np.float64), int(mask.sum())


def _by(thresholds: Sequence[int], values: NDArray[np.float64]) -> dict[int, float]:
    return {threshold: float(value) for threshold, value in zip(thresholds, values, strict=True)}
