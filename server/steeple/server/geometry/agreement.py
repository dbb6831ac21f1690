"""Outlines beside an independent, precise estimate: the homography that RootSIFT and MAGSAC find for two photos."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.delf import FeatureSet
from steeple.delf.homographies import Homography, mapped
from steeple.delf.photo_files import evenly
from steeple.delf.progress import Progress
from steeple.recognition.matching import mutual_nearest_neighbours
from steeple.server.evaluation import Dataset, Role
from steeple.server.geometry.finder import Finder
from steeple.server.robustness.methods import LocalFeatures, RootSift
from steeple.server.robustness.photos import fit_vga, naming, read_photo, vga_scale

MIN_INLIERS: Final = 60
"""Of the estimate; with fewer it is not taken for the truth."""

MIN_AREA: Final = 0.2
"""Of the query: the convex hull of the estimate's inliers covers as much, or more."""

RADIUS: Final = 3.0
"""Pixels of a query that fits 640x480: reprojection error of the estimate's inliers, at most."""

_FEATURES: Final = 4000  # an estimate may take its time
_MIN_DISTINCTIVENESS: Final = 0.36  # the ratio of 0.8 between distances (Lowe 2004, section 7.1)
_ITERATIONS: Final = 10_000
_CONFIDENCE: Final = 0.9999
_KEPT: Final = 64  # photos whose features are kept: pairs of one landmark follow each other


@dataclass(frozen=True, eq=False)
class Estimate:
    """A homography that two photos agree on.

    Attributes:
        homography: float64[3, 3]; maps pixels of the reference photo to those of the query.
        hull: float64[P, 2]; corners of the convex hull of its inliers, pixels of the reference photo.
        inliers: Matches that agree with it.
    """

    homography: Homography
    hull: NDArray[np.float64]
    inliers: int


@dataclass(frozen=True)
class Agreement:
    """How two photos of one landmark compare.

    Attributes:
        query: File.
        reference: File.
        inliers: Of the estimate.
        verified: Whether there is an outline.
        error: Mean distance between where the outline's model and the estimate send the corners of the estimate's
            hull, pixels of a query that fits 640x480; NaN without outline.
    """

    query: Path
    reference: Path
    inliers: int
    verified: bool
    error: float


def estimate(query: LocalFeatures, reference: LocalFeatures, query_size: tuple[int, int]) -> Estimate | None:
    """The homography of two photos, if it is beyond doubt.

    Args:
        query: Its features.
        reference: Its features.
        query_size: Width and height, pixels.

    Returns:
        None with fewer than :data:`MIN_INLIERS`, or if they cover less than :data:`MIN_AREA` of the query.
    """
    pairs, distinctiveness = mutual_nearest_neighbours(query.descriptors, reference.descriptors)
    pairs = pairs[distinctiveness >= _MIN_DISTINCTIVENESS]
    if len(pairs) < MIN_INLIERS:
        return None
    there, here = query.keypoints[pairs[:, 0]], reference.keypoints[pairs[:, 1]]
    found: Any = cv2.findHomography(  # OpenCV's types do not know that there may be none
        here, there, cv2.USAC_MAGSAC, RADIUS, maxIters=_ITERATIONS, confidence=_CONFIDENCE
    )
    if found[0] is None:
        return None
    model, mask = np.asarray(found[0], np.float64), found[1]
    # MAGSAC weighs matches and has no sharp radius of its own.
    agree = (mask[:, 0] > 0) & (np.linalg.norm(mapped(model, here) - there, axis=1) <= RADIUS)
    if agree.sum() < MIN_INLIERS:
        return None
    if cv2.contourArea(cv2.convexHull(there[agree])) < MIN_AREA * query_size[0] * query_size[1]:
        return None
    hull = np.asarray(cv2.convexHull(here[agree])[:, 0], np.float64)
    return Estimate(model, hull, int(agree.sum()))


def pairs_of(dataset: Dataset, limit: int) -> list[tuple[Path, Path]]:
    """Each query with each reference photo of its landmark, as files; at most ``limit`` pairs, evenly chosen."""
    pairs = [
        (query.path, reference.path)
        for query in dataset.photos
        if query.role is Role.QUERY
        for reference in dataset.photos
        if reference.role is Role.REFERENCE and reference.landmark == query.landmark
    ]
    return evenly(pairs, limit)


def measure_agreement(pairs: Sequence[tuple[Path, Path]], finder: Finder, progress: Progress) -> list[Agreement]:
    """Compares outlines with estimates, for those pairs of photos whose estimate is beyond doubt.

    Args:
        pairs: Query and reference, shrunk to fit 640x480 before anything else.
        finder: Of the release.
        progress: Told how many are done.

    Raises:
        ImageError: If a photo cannot be used; the text names it.
    """
    photos = _Photos(finder)
    results = []
    for number, (query, reference) in enumerate(pairs):
        progress("real pairs", number, len(pairs))
        precise = estimate(photos.precise(query), photos.precise(reference), photos.size(query))
        if precise is not None:
            results.append(_compared(photos, finder, query, reference, precise))
    progress("real pairs", len(pairs), len(pairs))
    return results


def _compared(photos: _Photos, finder: Finder, query: Path, reference: Path, precise: Estimate) -> Agreement:
    found = finder.find(photos.features(query), photos.features(reference))
    error = math.nan
    if found is not None:
        sent = mapped(found.candidate.homography, precise.hull)
        distances = np.linalg.norm(sent - mapped(precise.homography, precise.hull), axis=1)
        error = float(distances.mean()) * vga_scale(*photos.size(query))
    return Agreement(query, reference, precise.inliers, found is not None, error)


class _Photos:
    """Features of photos that come up again and again."""

    def __init__(self, finder: Finder) -> None:
        self._finder = finder
        self._sift = RootSift(_FEATURES)
        self._image = lru_cache(_KEPT)(lambda path: fit_vga(read_photo(path)))
        self.precise = lru_cache(_KEPT)(self._precise)
        self.features = lru_cache(_KEPT)(self._features)

    def size(self, path: Path) -> tuple[int, int]:
        height, width = self._image(path).shape[:2]
        return width, height

    def _precise(self, path: Path) -> LocalFeatures:
        return self._sift.features(self._image(path))

    def _features(self, path: Path) -> FeatureSet:
        with naming(path):
            return self._finder.features(self._image(path))
