"""Geometric verification: do the matches of two images agree on one geometry? (DELF, section 4.4)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

MIN_MATCHES: Final = 4
"""A similarity takes two matches, an affine model three; fewer than one more agree by construction."""

_CONFIDENCE: Final = 0.999
_REFINEMENTS: Final = 4
_LEAST_WIDTH: Final = 0.05  # of the inliers, over their length
_MAX_STRETCH: Final = 4.0  # largest to smallest singular value; beyond it, a wall is seen from the edge
_MAX_ZOOM: Final = 8.0  # two octaves more than the pyramid spans on either side
_MAX_SCALE_RATIO: Final = 2.5  # nine matches in ten of one scene are within 1.8, and half of those by chance beyond
_SPOTS_PER_RADIUS: Final = 3.0
_SQUARES: Final = 2**31  # more than lie side by side in any photo


@dataclass(frozen=True)
class Verification:
    """A model on which matches agree.

    Attributes:
        affine: float64[2, 3]; maps reference pixels to query pixels.
        inliers: bool[M]; which matches agree with it.
    """

    affine: NDArray[np.float64]
    inliers: NDArray[np.bool_]

    @property
    def count(self) -> int:
        """Number of inliers."""
        return int(self.inliers.sum())


def verify(
    query: NDArray[np.float32],
    reference: NDArray[np.float32],
    *,
    inlier_radius: float,
    iterations: int,
    scale_ratios: NDArray[np.float32] | None = None,
) -> Verification | None:
    """Fits an affine model to matches. The same matches give the same model.

    RANSAC looks for a similarity, which least squares on its inliers then turn into an affine model. An
    affine model from the start would be free to fold the reference image onto a line, and among matches
    that are wrong by more than the radius such a fold gathers more of them than the truth does.

    Matches that crowd one spot of either image count once: they are one observation, made on several
    levels of the pyramid. Matches whose features are of other sizes than the model has it are no inliers.

    Args:
        query: float32[M, 2]; keypoints in the query, pixels.
        reference: float32[M, 2]; the matched keypoints in the reference image, pixels.
        inlier_radius: Reprojection error of an inlier, at most, query pixels.
        iterations: At most.
        scale_ratios: float32[M]; the scale of the query's feature over that of the reference image's. None: not known.

    Returns:
        None if fewer than :data:`MIN_MATCHES` agree, or only on what is no view of a scene: collapsed to a
        dot, blown up or stretched out of reason.
    """
    if len(query) < MIN_MATCHES:
        return None
    similarity, mask = cv2.estimateAffinePartial2D(
        reference,
        query,
        method=cv2.RANSAC,
        ransacReprojThreshold=inlier_radius,
        maxIters=iterations,
        confidence=_CONFIDENCE,
    )
    return _checked(similarity, mask, query, reference, inlier_radius, scale_ratios)


def verify_sorted(
    query: NDArray[np.float32],
    reference: NDArray[np.float32],
    *,
    inlier_radius: float,
    iterations: int,
    scale_ratios: NDArray[np.float32] | None = None,
) -> Verification | None:
    """:func:`verify` for exact matches that are sorted, the best first: PROSAC (USAC) looks for an affine model.

    It draws from the best matches first. Among exact matches few are wrong by chance alone, so that an affine model
    has less to fold onto than among those that an index returns; there it keeps strangers out worse.
    """
    if len(query) < MIN_MATCHES:
        return None
    try:
        affine, mask = cv2.estimateAffine2D(
            reference,
            query,
            method=cv2.USAC_PROSAC,
            ransacReprojThreshold=inlier_radius,
            maxIters=iterations,
            confidence=_CONFIDENCE,
        )
    except cv2.error:  # raised for some matches that lie at too few points
        return None
    return _checked(affine, mask, query, reference, inlier_radius, scale_ratios)


def _checked(
    estimate: NDArray[Any] | None,
    mask: NDArray[Any],
    query: NDArray[np.float32],
    reference: NDArray[np.float32],
    inlier_radius: float,
    scale_ratios: NDArray[np.float32] | None,
) -> Verification | None:
    """An estimated model as a verification: refined, and None if it is no view of a scene or too few agree."""
    if estimate is None or not np.isfinite(estimate).all():
        return None
    model = np.asarray(estimate, np.float64)
    if not _is_view(model):
        return None
    model, inliers = _refined(model, mask[:, 0].astype(bool), query, reference, inlier_radius)
    if scale_ratios is not None:
        inliers = inliers & _same_size(model, scale_ratios)
    inliers = apart(inliers, query, reference, inlier_radius)
    return Verification(model, inliers) if inliers.sum() >= MIN_MATCHES else None


def inliers_of(
    affine: NDArray[np.float64],
    query: NDArray[np.float32],
    reference: NDArray[np.float32],
    scale_ratios: NDArray[np.float32],
    inlier_radius: float,
) -> NDArray[np.bool_]:
    """bool[M]: which matches are inliers of a model that others were fitted to. Arguments as for :func:`verify`."""
    return near(affine, query, reference, inlier_radius) & _same_size(affine, scale_ratios)


def apart(
    inliers: NDArray[np.bool_], query: NDArray[np.float32], reference: NDArray[np.float32], inlier_radius: float
) -> NDArray[np.bool_]:
    """bool[M]: ``inliers``, one a spot of either image. Arguments as for :func:`verify`."""
    return _one_a_spot(inliers, query, reference, inlier_radius / _SPOTS_PER_RADIUS)


def near(
    affine: NDArray[np.float64], query: NDArray[np.float32], reference: NDArray[np.float32], radius: float
) -> NDArray[np.bool_]:
    """bool[M]: which matches a model maps to within ``radius`` query pixels. Arguments as for :func:`verify`."""
    errors = reference @ affine[:, :2].T + affine[:, 2] - query
    close: NDArray[np.bool_] = (errors**2).sum(axis=1) < radius**2
    return close


def outline(
    homography: NDArray[np.float64], reference: NDArray[np.float32], size: tuple[int, int]
) -> NDArray[np.float32]:
    """Where the matched part of the reference image lies in the query.

    Args:
        homography: float64[3, 3]; maps reference pixels to query pixels.
        reference: float32[M, 2]; the inliers' keypoints in the reference image, pixels.
        size: Width and height of the query, pixels.

    Returns:
        float32[P, 2]; the convex hull of the inliers, mapped into the query and cut off at its border,
        clockwise on the screen. P is 0 if nothing of it is inside.
    """
    hull = cv2.convexHull(reference)[:, 0]
    lifted = hull @ homography[:, :2].T + homography[:, 2]
    mapped = (lifted[:, :2] / lifted[:, 2:]).astype(np.float32)
    width, height = size
    frame = np.array([[-0.5, -0.5], [width - 0.5, -0.5], [width - 0.5, height - 0.5], [-0.5, height - 0.5]], np.float32)
    _, inside = cv2.intersectConvexConvex(mapped, frame)
    if inside is None or len(inside) < 3:
        return np.empty((0, 2), np.float32)
    # OpenCV means an axis y that points up: with y down, what it calls counter-clockwise is clockwise on the screen.
    return np.asarray(cv2.convexHull(inside, clockwise=False)[:, 0], np.float32)


def _refined(
    model: NDArray[np.float64],
    inliers: NDArray[np.bool_],
    query: NDArray[np.float32],
    reference: NDArray[np.float32],
    radius: float,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """An affine model by least squares on the inliers, again on its own, as long as that gains inliers."""
    homogeneous = np.column_stack([reference, np.ones(len(reference))]).astype(np.float64)
    for _ in range(_REFINEMENTS):
        if inliers.sum() < MIN_MATCHES:
            break
        # Points on a line leave an affine model free to turn about it.
        longest, shortest = np.linalg.svd(reference[inliers] - reference[inliers].mean(axis=0), compute_uv=False)
        if shortest < _LEAST_WIDTH * longest:
            break
        solution, *_ = np.linalg.lstsq(homogeneous[inliers], query[inliers].astype(np.float64), rcond=None)
        better = np.ascontiguousarray(solution.T)
        agree = near(better, query, reference, radius)
        gained = int(agree.sum()) - int(inliers.sum())
        if not _is_view(better) or gained < 0:
            break
        model, inliers = better, agree
        if not gained:
            break
    return model, inliers


def _is_view(affine: NDArray[np.float64]) -> bool:
    """Whether a model is what two photos of one scene can be related by."""
    linear = affine[:, :2]
    largest, smallest = np.linalg.svd(linear, compute_uv=False)
    return bool(
        np.linalg.det(linear) > 0
        and smallest > 1 / _MAX_ZOOM
        and largest < _MAX_ZOOM
        and largest < _MAX_STRETCH * smallest
    )


def _same_size(affine: NDArray[np.float64], scale_ratios: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which matches are of features whose sizes differ as the model says, as far as levels of a pyramid can tell."""
    zoom = math.sqrt(float(np.linalg.det(affine[:, :2])))
    same: NDArray[np.bool_] = np.abs(np.log(scale_ratios / zoom)) < math.log(_MAX_SCALE_RATIO)
    return same


def _one_a_spot(
    inliers: NDArray[np.bool_], query: NDArray[np.float32], reference: NDArray[np.float32], radius: float
) -> NDArray[np.bool_]:
    """``inliers`` less those that share a square of ``radius`` pixels, in either image, with an earlier one."""
    kept = inliers.copy()
    for points in (query, reference):
        rows = np.flatnonzero(kept)
        squares = np.floor(points[rows] / radius).astype(np.int64)
        # One number a square: np.unique is several times slower on rows.
        _, first = np.unique(squares[:, 0] * _SQUARES + squares[:, 1], return_index=True)
        kept[:] = False
        kept[rows[first]] = True
    return kept
