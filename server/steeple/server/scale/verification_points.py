"""What geometric verification costs, and how often it finds a model that was planted."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.recognition import Verification, verify
from steeple.recognition.homography import refine_homography
from steeple.recognition.matching import mutual_nearest_neighbours
from steeple.recognition.verification import verify_sorted

_SIZE: Final = (640.0, 480.0)
_NOISE: Final = 4.0  # pixels, as cells of 16 pixels place a keypoint: 16 / sqrt(12)
_NEAR: Final = 12.0  # pixels at the corners, on average: found
_TILT: Final = 0.2  # of the depth, at most, over a side of the picture
_KINDS: Final = ("affine", "homography")


@dataclass(frozen=True)
class VerificationPoint:
    """Many verifications of one kind.

    Attributes:
        kind: Of the planted model: ``affine`` or ``homography``.
        matches: Of each.
        inlier_share: Share of them that follow the planted model; the others are anywhere.
        found: Share of verifications whose model is within 12 px of the planted one, at the corners of the picture.
        false_inliers: Median of the inliers of as many matches without any model.
        milliseconds: Median.
        raw_milliseconds: The same of OpenCV's ``estimateAffinePartial2D`` (RANSAC) by itself, by turns with it.
    """

    kind: str
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
        verify_milliseconds: Of an affine model by PROSAC; median.
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
    """Verifies matches of planted models at 640x480, with keypoints as imprecise as cells of 16 pixels place them.

    Args:
        matches: Each with each of ``inlier_shares`` and each kind of model makes a point.
        inlier_shares: From 0 to 1.
        trials: Of each point.
        inlier_radius: Pixels.
        iterations: Of RANSAC, at most.
        advance: Told of each point.
    """
    points = []
    for kind, count, share in itertools.product(_KINDS, matches, inlier_shares):
        rng = np.random.default_rng((count, round(1000 * share)))
        found, false, times, raw_times = 0, [], [], []
        for _ in range(trials):
            model = _model(rng, kind)
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
            found += made is not None and _apart(_homography(made, query, reference, kind), model) < _NEAR
            nothing = verify(*_planted(model, count, 0.0, rng), inlier_radius=inlier_radius, iterations=iterations)
            false.append(nothing.count if nothing else 0)
        points.append(
            VerificationPoint(
                kind,
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
        points = _planted(_model(rng, "affine"), matches, 0.3, rng)
        began = time.perf_counter()
        mutual_nearest_neighbours(query, reference)
        middle = time.perf_counter()
        verify_sorted(*points, inlier_radius=inlier_radius, iterations=iterations)
        rematch.append(1e3 * (middle - began))
        check.append(1e3 * (time.perf_counter() - middle))
    return FinalistCost(features, matches, statistics.median(rematch), statistics.median(check))


def _model(rng: np.random.Generator, kind: str) -> NDArray[np.float64]:
    """float64[3, 3]: a view of a facade: zoom 0.5 to 2, turned by up to 20 degrees, sheared, squeezed, maybe tilted."""
    zoom, angle = np.exp(rng.uniform(-0.7, 0.7)), np.radians(rng.uniform(-20, 20))
    turned = zoom * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turned @ (np.eye(2) + rng.uniform(-0.12, 0.12, (2, 2)))
    middle = np.array(_SIZE) / 2
    affine = np.column_stack([linear, middle + rng.uniform(-60, 60, 2) - linear @ middle])
    tilt = rng.uniform(-_TILT, _TILT, 2) / _SIZE if kind == "homography" else np.zeros(2)
    last = np.array([*tilt, 1.0 - tilt @ middle])  # the middle of the picture stays as near as it was
    return np.vstack([affine + np.outer(affine @ [*middle, 1.0], last - [0.0, 0.0, 1.0]), last])


def _planted(
    model: NDArray[np.float64], count: int, share: float, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    reference = rng.uniform(0, _SIZE, (count, 2))
    query = _mapped(model, reference) + rng.normal(0, _NOISE, (count, 2))
    outliers = np.arange(count) >= round(share * count)
    query[outliers] = rng.uniform(0, _SIZE, (int(outliers.sum()), 2))
    return query.astype(np.float32), reference.astype(np.float32)


def _homography(
    made: Verification, query: NDArray[np.float32], reference: NDArray[np.float32], kind: str
) -> NDArray[np.float64]:
    """What an answer would have: the affine model where such was planted, else the homography refined from it."""
    if kind == "affine":
        return np.vstack([made.affine, [0.0, 0.0, 1.0]])
    rows = made.inliers
    return refine_homography(made.affine, query[rows], reference[rows], np.full(made.count, _NOISE))


def _mapped(model: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    lifted = np.column_stack([points, np.ones(len(points))]) @ model.T
    mapped: NDArray[np.float64] = lifted[:, :2] / lifted[:, 2:]
    return mapped


def _apart(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    width, height = _SIZE
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    return float(np.linalg.norm(_mapped(one, corners) - _mapped(other, corners), axis=1).mean())
