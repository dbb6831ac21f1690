"""How matches between a photo and a changed copy of it compare with what is known of the change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from steeple.delf.homographies import Homography, clipped, corners, inverse, mapped
from steeple.recognition import verify
from steeple.recognition.matching import mutual_nearest_neighbours
from steeple.server.robustness.methods import LocalFeatures

NEAR: Final = 8.0
"""Pixels of the changed copy: a match that lands so close is a good one."""

CORRECT: Final = 16.0
"""Pixels of the changed copy: a match that lands so close is correct."""

MIN_INLIERS: Final = 12
"""Fewer may agree by chance."""

MAX_CORNER_ERROR: Final = 0.1
"""Of the changed copy's diagonal: the outline of what is recognised is off by less, on average over its corners."""

_ITERATIONS: Final = 1000  # of RANSAC, for all methods


@dataclass(frozen=True)
class Matched:
    """What became of one photo and its changed copy.

    Attributes:
        matches: Mutual nearest neighbours.
        near: Those that land within :data:`NEAR`.
        correct: Those that land within :data:`CORRECT`.
        inliers: Matches on whose geometry verification settled; 0 if on none.
        corner_error: Mean error of the outline's corners, a share of the copy's diagonal; infinite without outline.
    """

    matches: int
    near: int
    correct: int
    inliers: int
    corner_error: float

    @property
    def recognised(self) -> bool:
        """Whether verification found the photo, and where it is."""
        return self.inliers >= MIN_INLIERS and self.corner_error < MAX_CORNER_ERROR


def match(
    view: LocalFeatures,
    photo: LocalFeatures,
    homography: Homography,
    photo_size: tuple[int, int],
    view_size: tuple[int, int],
) -> Matched:
    """Matches a changed copy with its photo and verifies the matches as the server does.

    Args:
        view: Features of the changed copy, the query.
        photo: Features of the photo, the reference image.
        homography: The truth; maps pixels of the photo to those of the copy.
        photo_size: Width and height, pixels.
        view_size: Width and height, pixels.
    """
    pairs, _ = mutual_nearest_neighbours(view.descriptors, photo.descriptors)
    query, reference = view.keypoints[pairs[:, 0]], photo.keypoints[pairs[:, 1]]
    errors = np.linalg.norm(mapped(homography, reference) - query, axis=1)
    # The corners of the part of the photo that the copy shows: an outline need not be right where nothing is seen.
    seen = clipped(mapped(homography, corners(*photo_size)), view_size)
    origins = mapped(inverse(homography), seen)
    tried = []
    for radius in view.inlier_radii:
        verification = verify(query, reference, inlier_radius=radius, iterations=_ITERATIONS)
        inliers, corner_error = 0, float("inf")
        if verification is not None:
            estimated = origins @ verification.affine[:, :2].T + verification.affine[:, 2]
            inliers = verification.count
            corner_error = float(np.linalg.norm(estimated - seen, axis=1).mean() / np.hypot(*view_size))
        tried.append(
            Matched(
                matches=len(pairs),
                near=int((errors <= NEAR).sum()),
                correct=int((errors <= CORRECT).sum()),
                inliers=inliers,
                corner_error=corner_error,
            )
        )
    return max(tried, key=lambda matched: (matched.recognised, -matched.corner_error))
