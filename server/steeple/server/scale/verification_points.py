"""What geometric verification costs, and how often it finds a model that was planted."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.server.recognition import verify
from steeple.server.recognition.matching import mutual_nearest_neighbours

_SIZE: Final = (640.0, 480.0)
_NOISE: Final = 4.0  # pixels, as cells of 16 pixels place a keypoint: 16 / sqrt(12)
_NEAR: Final = 12.0  # pixels at the corners, on average: found


@dataclass(frozen=True)
class VerificationPoint:
    """Many verifications of one kind.

    Attributes:
        matches: Of each.
        inlier_share: Share of them that follow a planted affine model; the others are anywhere.
        found: Share of verifications whose model is within 12 px of the planted one, at the corners of the picture.
        false_inliers: Median of the inliers of as many matches without any model.
        milliseconds: Median.
        raw_milliseconds: The same of OpenCV's ``estimateAffinePartial2D`` (RANSAC) by itself, by turns with it.
    """

    matches: int
    inlier_share: float
    found: float
    false_inliers: float
    milliseconds: float
    raw_milliseconds: float


@dataclass(frozen=True)
class FinalistCost:
    """What a finalist costs.

    Attributes:
        features: Of the query and of the reference image.
        matches: That are verified.
        rematch_milliseconds: Exact mutual nearest neighbours of all features; median.
        verify_milliseconds: Median.
    """

    features: int
    matches: int
    rematch_milliseconds: float
    verify_milliseconds: float


def measure_verification(
    matches: Sequence[int],
    inlier_shares: Sequence[float],
    trials: int,
    *,
    inlier_radius: float,
    iterations: int,
    advance: Callable[[], None] = lambda: None,
) -> list[VerificationPoint]:
    """Verifies matches of a planted affine model at 640x480, with keypoints as imprecise as cells of 16 pixels.

    Args:
        matches: Each with each of ``inlier_shares`` makes a point.
        inlier_shares: From 0 to 1.
        trials: Of each point.
        inlier_radius: Pixels.
        iterations: Of RANSAC, at most.
        advance: Told of each point.
    """
    points = []
    for count in matches:
        for share in inlier_shares:
            rng = np.random.default_rng((count, round(1000 * share)))
            found, false, times, raw_times = 0, [], [], []
            for _ in range(trials):
                model = _model(rng)
                query, reference = _planted(model, count, share, rng)
                began = time.perf_counter()
                made = verify(query, reference, inlier_radius=inlier_radius, iterations=iterations)
                middle = time.perf_counter()
                cv2.estimateAffinePartial2D(
                    reference,
                    query,
                    method=cv2.RANSAC,
                    ransacReprojThreshold=inlier_radius,
                    maxIters=iterations,
                    confidence=0.999,
                )
                times.append(1e3 * (middle - began))
                raw_times.append(1e3 * (time.perf_counter() - middle))
                found += made is not None and _apart(made.affine, model) < _NEAR
                nothing = verify(*_planted(model, count, 0.0, rng), inlier_radius=inlier_radius, iterations=iterations)
                false.append(nothing.count if nothing else 0)
            points.append(
                VerificationPoint(
                    count,
                    share,
                    found / trials,
                    statistics.median(false),
                    statistics.median(times),
                    statistics.median(raw_times),
                )
            )
            advance()
    return points


def measure_finalist(
    features: int, matches: int, trials: int, *, inlier_radius: float, iterations: int
) -> FinalistCost:
    """Re-matches two images on exact descriptors and verifies them; arguments as for :func:`measure_verification`."""
    rng = np.random.default_rng(features)
    rematch, check = [], []
    for _ in range(trials):
        reference = rng.standard_normal((features, 40)).astype(np.float32)
        query = reference[rng.permutation(features)] + 0.3 * rng.standard_normal((features, 40)).astype(np.float32)
        query, reference = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (query, reference))
        points = _planted(_model(rng), matches, 0.3, rng)
        began = time.perf_counter()
        mutual_nearest_neighbours(query, reference)
        middle = time.perf_counter()
        verify(*points, inlier_radius=inlier_radius, iterations=iterations)
        rematch.append(1e3 * (middle - began))
        check.append(1e3 * (time.perf_counter() - middle))
    return FinalistCost(features, matches, statistics.median(rematch), statistics.median(check))


def _model(rng: np.random.Generator) -> NDArray[np.float64]:
    """float64[2, 3]: a view of a facade: zoom 0.5 to 2, turned by up to 20 degrees, sheared and squeezed a little."""
    zoom, angle = np.exp(rng.uniform(-0.7, 0.7)), np.radians(rng.uniform(-20, 20))
    turned = zoom * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turned @ (np.eye(2) + rng.uniform(-0.12, 0.12, (2, 2)))
    middle = np.array(_SIZE) / 2
    return np.column_stack([linear, middle + rng.uniform(-60, 60, 2) - linear @ middle])


def _planted(
    model: NDArray[np.float64], count: int, share: float, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    reference = rng.uniform(0, _SIZE, (count, 2))
    query = reference @ model[:, :2].T + model[:, 2] + rng.normal(0, _NOISE, (count, 2))
    outliers = np.arange(count) >= round(share * count)
    query[outliers] = rng.uniform(0, _SIZE, (int(outliers.sum()), 2))
    return query.astype(np.float32), reference.astype(np.float32)


def _apart(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    width, height = _SIZE
    corners = np.array([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]])
    return float(np.linalg.norm(corners @ (one - other).T, axis=1).mean())
