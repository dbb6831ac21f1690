"""Geometric verification: do the matches of two images agree on one geometry? (DELF, section 4.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

MIN_MATCHES: Final = 4
"""An affine model takes three matches; fewer than one more agree by construction."""

_CONFIDENCE: Final = 0.999
_MAX_STRETCH: Final = 8.0  # largest to smallest singular value over which a view is not of the same plane
_MAX_ZOOM: Final = 16.0


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
    query: NDArray[np.float32], reference: NDArray[np.float32], *, inlier_radius: float, iterations: int
) -> Verification | None:
    """Fits an affine model to matches by RANSAC. The same matches give the same model.

    Matches that crowd one spot of either image count once: a spot holds one observation, found on
    several pyramid levels.

    Args:
        query: float32[M, 2]; keypoints in the query, pixels.
        reference: float32[M, 2]; the matched keypoints in the reference image, pixels.
        inlier_radius: Reprojection error of an inlier, at most, query pixels.
        iterations: At most.

    Returns:
        None if fewer than :data:`MIN_MATCHES` agree or their model is no view of a scene: mirrored,
        collapsed to a line, or stretched or zoomed out of reason.
    """
    if len(query) < MIN_MATCHES:
        return None
    affine, mask = cv2.estimateAffine2D(
        reference,
        query,
        method=cv2.RANSAC,
        ransacReprojThreshold=inlier_radius,
        maxIters=iterations,
        confidence=_CONFIDENCE,
        refineIters=10,
    )
    if affine is None or not np.isfinite(affine).all() or not _is_view(affine):
        return None
    inliers = _one_a_spot(mask[:, 0].astype(bool), query, reference, inlier_radius / 2)
    if inliers.sum() < MIN_MATCHES:
        return None
    return Verification(affine, inliers)


def outline(verification: Verification, reference: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Where the matched part of the reference image lies in the query.

    Args:
        verification: Of the matches.
        reference: float32[M, 2]; the matched keypoints in the reference image, pixels.
        size: Width and height of the query, pixels.

    Returns:
        float32[P, 2]; the convex hull of the inliers, mapped into the query and cut off at its border,
        clockwise on the screen. P is 0 if nothing of it is inside.
    """
    hull = cv2.convexHull(reference[verification.inliers], clockwise=False)[:, 0]
    mapped = (hull @ verification.affine[:, :2].T + verification.affine[:, 2]).astype(np.float32)
    width, height = size
    frame = np.array([[-0.5, -0.5], [width - 0.5, -0.5], [width - 0.5, height - 0.5], [-0.5, height - 0.5]], np.float32)
    _, inside = cv2.intersectConvexConvex(mapped, frame)
    if inside is None or len(inside) < 3:
        return np.empty((0, 2), np.float32)
    # With y down, the hull that OpenCV calls counter-clockwise runs clockwise on the screen.
    return np.asarray(cv2.convexHull(inside, clockwise=True)[:, 0], np.float32)


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


def _one_a_spot(
    inliers: NDArray[np.bool_], query: NDArray[np.float32], reference: NDArray[np.float32], radius: float
) -> NDArray[np.bool_]:
    """``inliers`` less those that share a square of ``radius`` pixels, in either image, with an earlier one."""
    kept = inliers.copy()
    for points in (query, reference):
        rows = np.flatnonzero(kept)
        squares = np.floor(points[rows] / radius).astype(np.int64)
        _, first = np.unique(squares, axis=0, return_index=True)
        kept[:] = False
        kept[rows[first]] = True
    return kept
