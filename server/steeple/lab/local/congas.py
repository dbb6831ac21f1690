"""A feature like CONGAS: Gabor wavelets around extrema of the difference of Gaussians."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.delf.features import l2_normalised
from steeple.lab.features import LocalFeatures
from steeple.lab.local.assembled import checked_count, checked_threshold, no_features
from steeple.lab.local.opencv import SMALLEST, described, grey, points
from steeple.server.robustness.rootsift import exact_sift

_SIDE: Final = 32
"""Samples along a side of the normalised region."""
_EXTENT: Final = 16.0
"""The region's side in standard deviations of the Gaussian that the keypoint was found with."""
_CHUNK: Final = 512  # regions at a time: OpenCV remaps into pictures of at most 32,767 rows


@dataclass(frozen=True)
class _Band:
    """Wavelets of one frequency.

    Attributes:
        wavelength: In samples of the region.
        orientations: Evenly over half a turn.
        rings: Radius, in samples, and number of places on it.
    """

    wavelength: float
    orientations: int
    rings: tuple[tuple[float, int], ...]


_BANDS: Final = (
    _Band(6.0, 4, ((0.0, 1), (5.0, 6), (10.0, 12))),
    _Band(12.0, 6, ((0.0, 1), (8.0, 6))),
)
"""Finer wavelets are narrower, and stand closer together: 19 places of 4 orientations and 7 of 6."""


class CongasLike:
    """Amplitudes of Gabor wavelets, as CONGAS is described in public.

    Known of CONGAS: keypoints are extrema of the Laplacian of Gaussians; a region around each is normalised for scale
    and orientation; the amplitudes of its products with Gabor wavelets of several frequencies, orientations and places,
    those of low frequency that overlap left out, are put together, normalised and compressed (Buddemeier and Neven,
    US 8,098,938); there are 118, and PCA takes them to 40 (Zheng et al., CVPR 2009). Which wavelets at which places,
    how orientation is assigned and how features are chosen is not known. Here keypoints, orientations and their order
    are SIFT's, and the 118 wavelets stand in rings. :mod:`steeple.lab.local.projected` has the PCA.

    Args:
        count: Features kept, at most.
        contrast: Extrema of the difference of Gaussians below this contrast are dropped.

    Raises:
        InvalidArgumentError: If a value makes no sense.
    """

    def __init__(self, count: int = 1000, contrast: float = 0.04) -> None:
        self._count = checked_count(count)
        self._detector = exact_sift(self._count, checked_threshold("contrast", contrast))
        bank = wavelets()
        self._bank = np.ascontiguousarray(np.concatenate([bank.real, bank.imag]).T, np.float32)

    def extract(self, image: NDArray[np.uint8]) -> LocalFeatures:
        """At most ``count`` features, float32[N, 118], of a photo uint8[H, W, 3]."""
        dimensions = self._bank.shape[1] // 2
        if min(image.shape[:2]) < SMALLEST:
            return no_features(image, dimensions)
        luma = grey(image)
        found = self._detector.detect(luma, None)
        if not found:
            return no_features(image, dimensions)
        products = _regions(luma, found).reshape(len(found), -1) @ self._bank
        amplitudes = np.hypot(products[:, :dimensions], products[:, dimensions:])
        return described(found, points(found), l2_normalised(amplitudes), image, self._count)


def wavelets() -> NDArray[np.complex64]:
    """complex64[118, 1024]: Gabor wavelets over a region, row by row, without response to an even brightness."""
    centre = (_SIDE - 1) / 2
    y, x = np.mgrid[:_SIDE, :_SIDE] - centre
    made = []
    for band in _BANDS:
        deviation = band.wavelength / 2
        for radius, number in band.rings:
            for place in 2 * np.pi * np.arange(number) / number:
                across, down = x - radius * np.cos(place), y - radius * np.sin(place)
                envelope = np.exp(-(across**2 + down**2) / (2 * deviation**2))
                envelope /= envelope.sum()
                for angle in np.pi * np.arange(band.orientations) / band.orientations:
                    phase = 2 * np.pi / band.wavelength * (across * np.cos(angle) + down * np.sin(angle))
                    wave = np.exp(1j * phase)
                    made.append((envelope * (wave - (envelope * wave).sum())).ravel())
    return np.array(made, np.complex64)


def _regions(luma: NDArray[np.uint8], found: Sequence[cv2.KeyPoint]) -> NDArray[np.float32]:
    """float32[N, 32, 32]: what surrounds keypoints, turned upright and brought to one size."""
    centres = points(found)
    # OpenCV's size is a diameter of two standard deviations.
    spacing = np.array([point.size for point in found]) / 2 * _EXTENT / _SIDE
    angles = np.deg2rad([point.angle for point in found])
    across, down = np.meshgrid(*[np.arange(_SIDE) - (_SIDE - 1) / 2] * 2)
    cos, sin = (spacing * part for part in (np.cos(angles), np.sin(angles)))
    x = centres[:, 0, None, None] + cos[:, None, None] * across - sin[:, None, None] * down
    y = centres[:, 1, None, None] + sin[:, None, None] * across + cos[:, None, None] * down
    # Samples further apart than two pixels come from a smaller picture, whose pixel i is pixel 2i of the one before.
    levels = np.clip(np.floor(np.log2(spacing)), 0, None).astype(int)
    regions = np.empty((len(found), _SIDE, _SIDE), np.float32)
    picture = luma.astype(np.float32)
    for level in range(int(levels.max()) + 1):
        rows = np.flatnonzero(levels == level)
        for start in range(0, len(rows), _CHUNK):
            chosen = rows[start : start + _CHUNK]
            columns, lines = ((part[chosen] / 2**level).astype(np.float32).reshape(-1, _SIDE) for part in (x, y))
            sampled = cv2.remap(picture, columns, lines, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
            regions[chosen] = sampled.reshape(-1, _SIDE, _SIDE)
        picture = np.asarray(cv2.pyrDown(picture), np.float32)
    return regions
