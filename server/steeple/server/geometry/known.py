"""Outlines beside known homographies: of views made from photos, or of pairs of photos listed in a file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from steeple.delf.homographies import (
    Homography,
    Image,
    about,
    clipped,
    corners,
    in_front,
    inverse,
    mapped,
    middle,
    rotating,
    shifting,
    tilting,
    warped,
)
from steeple.delf.progress import Progress
from steeple.server.geometry.finder import Finder, Found
from steeple.server.geometry.outlines import surrounded
from steeple.server.geometry.pairs_file import KnownPair
from steeple.server.robustness.photos import fit_vga, naming, read_photo, vga_scale

_SCALES: Final = (0.6, 1.5)
_ROTATION: Final = 15.0  # degrees, either way
_TILT: Final = 30.0  # degrees, at most
_SHIFT: Final = 0.1  # of either side, either way
_CAMERA_DISTANCE: Final = 1.2  # of the longer side


@dataclass(frozen=True)
class Outlined:
    """How one outline compares with the truth.

    Attributes:
        identified: Whether the answer names the landmark.
        inliers: Matches behind it; 0 if there is no outline.
        outline_error: Mean error of the outline's corners, pixels of a query that fits 640x480. NaN if there is no
            outline.
        photo_error: The same of the corners of the part of the reference image that the query shows, on to which the
            outline's model is extended.
    """

    identified: bool = False
    inliers: int = 0
    outline_error: float = math.nan
    photo_error: float = math.nan

    @property
    def verified(self) -> bool:
        """Whether there is an outline."""
        return self.inliers > 0


def random_homography(random: Generator, width: int, height: int) -> Homography:
    """A change of viewpoint as a second photo of a landmark may have.

    Scale 0.6 to 1.5, rotation up to 15 degrees, a tilt up to 30 degrees out of the picture in any direction, and a
    shift up to a tenth of the picture; about the middle of a picture of ``width`` x ``height`` pixels.
    """
    scale = math.exp(random.uniform(*np.log(_SCALES)))
    turn = rotating(random.uniform(-_ROTATION, _ROTATION))
    tilt = tilting(random.uniform(0, _TILT), random.uniform(0, 360), _CAMERA_DISTANCE * max(width, height))
    move = shifting(*(random.uniform(-_SHIFT, _SHIFT, 2) * (width, height)))
    return move @ about(middle(width, height), np.diag([scale, scale, 1.0]) @ turn @ tilt)


def measure_views(photos: Sequence[Path], finder: Finder, progress: Progress) -> list[Outlined]:
    """Looks for every photo in a random view of it; the view's seed is the photo's number.

    Args:
        photos: Files; each is shrunk to fit 640x480 first.
        finder: Of the release.
        progress: Told how many are done.

    Raises:
        ImageError: If a photo cannot be used; the text names it.
    """
    results = []
    for number, path in enumerate(photos):
        progress("known views", number, len(photos))
        photo = fit_vga(read_photo(path))
        size = (photo.shape[1], photo.shape[0])
        homography = random_homography(np.random.default_rng(number), *size)
        with naming(path):
            results.append(outlined(finder, warped(photo, homography, size), photo, homography))
    progress("known views", len(photos), len(photos))
    return results


def measure_pairs(pairs: Sequence[KnownPair], finder: Finder, progress: Progress) -> list[Outlined]:
    """Looks for every reference photo in its query.

    Raises:
        ImageError: If a photo cannot be used; the text names it.
    """
    results = []
    for number, pair in enumerate(pairs):
        progress("known pairs", number, len(pairs))
        query, reference = read_photo(pair.query), read_photo(pair.reference)
        with naming(pair.query):
            query_features = finder.features(query)
        with naming(pair.reference):
            reference_features = finder.features(reference)
        results.append(_outlined(finder.find(query_features, reference_features), pair.homography, reference))
    progress("known pairs", len(pairs), len(pairs))
    return results


def outlined(finder: Finder, query: Image, reference: Image, homography: Homography) -> Outlined:
    """Looks for a reference image in a query.

    Args:
        finder: Of the release.
        query: uint8[H, W, 3], RGB.
        reference: uint8[H, W, 3], RGB.
        homography: The truth; maps pixels of the reference image to those of the query.
    """
    found = finder.find(finder.features(query), finder.features(reference))
    return _outlined(found, homography, reference)


def _outlined(found: Found | None, homography: Homography, reference: Image) -> Outlined:
    if found is None:
        return Outlined()
    candidate = found.candidate

    def error(points: NDArray[np.float64]) -> float:
        if not len(points) or not in_front(homography, points):
            return math.nan
        distances = np.linalg.norm(mapped(candidate.homography, points) - mapped(homography, points), axis=1)
        return float(distances.mean()) * vga_scale(*found.size)

    return Outlined(
        found.identified,
        candidate.inliers,
        error(surrounded(candidate)),
        error(_seen(homography, (reference.shape[1], reference.shape[0]), found.size)),
    )


def _seen(homography: Homography, reference_size: tuple[int, int], query_size: tuple[int, int]) -> NDArray[np.float64]:
    """float64[P, 2]: corners of the part of a reference image that a query shows, pixels of the reference image."""
    outer = corners(*reference_size)
    if not in_front(homography, outer):
        return np.empty((0, 2))
    return mapped(inverse(homography), clipped(mapped(homography, outer), query_size))
