"""Watermarks, date stamps, frames, captions: what a photo carries in its frame is no evidence of what it shows."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf import FeatureSet
from steeple.recognition.verification import Verification, near

_STILL: Final = 0.6  # root mean square, in radii of an inlier; of 271 pairs of photos of one scene, 1 is as still
_ANCHORS: Final = (0.0, 0.5, 1.0)  # of a side: what is put into a frame is aligned to an edge or to the middle
_BLOCKS: Final = 5  # a side: borders and bars leave more than a quarter of the blocks to the scene
_FEWEST: Final = 5  # matches; a block with fewer, such as one of sky, says nothing
_LEAST_SHARE: Final = 0.25  # of the matches of a block
_QUANTILE: Final = 0.25  # of the blocks: a stamp on one of two equal photos makes them no others
_REACH: Final = 1.5  # radii of an inlier from an overlay's model: its matches
_SPREAD: Final = 1.0  # radii of an inlier from an overlay's features: those that show it too


def overlay_features(
    query: FeatureSet,
    reference: FeatureSet,
    pairs: NDArray[np.intp],
    verification: Verification,
    inlier_radius: float,
) -> NDArray[np.bool_] | None:
    """The features of a query that show something put over the photo rather than its scene, as one match reveals it.

    Watermarks, date stamps, borders and captions stay where they are in the frame, whatever the scene: at the
    same distance from an edge or from the middle, in shares of the width or the height, or in pixels. Two photos of
    one scene hardly ever agree on exactly that, unless they are all but the same photo, and those agree all over.

    Args:
        query: The query.
        reference: The reference image.
        pairs: intp[M, 2]; matches: rows of ``query`` and of ``reference``.
        verification: Of these matches.
        inlier_radius: Reprojection error of an inlier, at most, query pixels.

    Returns:
        bool[N] over the query's features: the matches that agree with the model, and what is next to them. None if
        the model is one of scenes.
    """
    points, others = query.keypoints[pairs[:, 0]], reference.keypoints[pairs[:, 1]]
    inliers = verification.inliers
    if _restlessness(points[inliers], others[inliers], query, reference) > _STILL * inlier_radius:
        return None
    if _agree_all_over(points, near(verification.affine, points, others, inlier_radius), query):
        return None
    shown = points[near(verification.affine, points, others, _REACH * inlier_radius)]
    apart = np.abs(query.keypoints[:, None] - shown[None]).max(axis=2).min(axis=1)
    beside: NDArray[np.bool_] = apart <= _SPREAD * inlier_radius
    return beside


def _restlessness(
    points: NDArray[np.float32], others: NDArray[np.float32], query: FeatureSet, reference: FeatureSet
) -> float:
    """How far, query pixels, root mean square, matches are from having stayed where they were in the frame."""
    wider, higher = query.width / reference.width, query.height / reference.height
    least = math.inf
    for zooms in {(wider, higher), (wider, wider), (higher, higher), (1.0, 1.0)}:
        squares = 0.0
        for axis, (zoom, here, there) in enumerate(
            zip(zooms, (query.width, query.height), (reference.width, reference.height), strict=True)
        ):
            along = points[:, axis] - zoom * others[:, axis]
            # A match at the anchor of the one frame is at the anchor of the other.
            squares += min(float(np.mean((along - anchor * (here - zoom * there)) ** 2)) for anchor in _ANCHORS)
        least = min(least, squares)
    return math.sqrt(least)


def _agree_all_over(points: NDArray[np.float32], close: NDArray[np.bool_], query: FeatureSet) -> bool:
    """Whether a good share of the matches agrees in three quarters of the blocks that have any."""
    cells = (points + np.float32(0.5)) * np.float32(_BLOCKS) / np.array([query.width, query.height], np.float32)
    column, row = np.clip(cells, 0, _BLOCKS - 1).astype(np.intp).T
    block = row * _BLOCKS + column
    matches = np.bincount(block, minlength=_BLOCKS**2)
    right = np.bincount(block[close], minlength=_BLOCKS**2)
    filled = matches >= _FEWEST
    return bool(filled.any() and np.quantile(right[filled] / matches[filled], _QUANTILE) >= _LEAST_SHARE)
