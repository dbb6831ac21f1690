"""How good a reference image a photo makes: a grade, and what keeps it from the best, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.delf.features import FeatureSet
from steeple.server.catalogue import Quality

BEST: Final = 5

_CELLS: Final = 4  # of the grid, a side
_SHARPNESS_SIDE: Final = 640  # pixels of the longer side at which sharpness is measured
_ALIKE: Final = 0.9  # cosine of two descriptors that are taken for each other
_MOST: Final = 1000  # features compared with each other
_SQUARE: Final = 80  # features a side of what is multiplied at a time
_APART: Final = 0.1  # of the diagonal: nearer ones may show the same thing


@dataclass(frozen=True)
class Measures:
    """What a grade is made from.

    Attributes:
        features: Number of local features.
        spread: Share of the photo that they cover, 0 to 1: of a grid of 16 cells, the number that as many features in
            equal shares would fill (the exponential of the entropy over the cells), divided by 16.
        sharpness: Standard deviation of the Laplacian, grey levels, at a longer side of 640 pixels; None without a
            photo.
        repetition: Share of the features that look like one elsewhere in the photo, 0 to 1.
    """

    features: int
    spread: float
    sharpness: float | None
    repetition: float


def measure(features: FeatureSet, pixels: NDArray[np.uint8] | None) -> Measures:
    """Measures a photo.

    Args:
        features: Of the photo.
        pixels: uint8[H, W, 3], RGB; None if there are only features.
    """
    return Measures(
        len(features), _spread(features), None if pixels is None else _sharpness(pixels), _repetition(features)
    )


def grade(measures: Measures) -> Quality:
    """The grade that measures are worth: 5, less what each of them takes off."""
    found = [
        (_above(measures.features, (20, 100, 300)), f"few local features: {measures.features}"),
        (_above(measures.spread, (0.3, 0.5, 0.65)), f"they lie on {measures.spread:.0%} of the photo"),
        (_above(1 - measures.repetition, (0.6, 0.75, 0.88)), f"{measures.repetition:.0%} look like others in it"),
    ]
    if measures.sharpness is not None:
        found.append((_above(measures.sharpness, (4.0, 8.0, 14.0)), "the photo is blurred"))
    found.sort(key=lambda each: -each[0])
    reasons = tuple(reason for off, reason in found if off)
    if measures.features < 20:
        return Quality(0, reasons)
    return Quality(max(0, BEST - sum(off for off, _ in found)), reasons)


def _above(value: float, steps: tuple[float, float, float]) -> int:
    """How many of three steps a value does not reach."""
    return sum(value < step for step in steps)


def _spread(features: FeatureSet) -> float:
    if not len(features):
        return 0.0
    cells = (features.keypoints / [features.width, features.height] * _CELLS).astype(int).clip(0, _CELLS - 1)
    counts = np.bincount(cells[:, 1] * _CELLS + cells[:, 0], minlength=_CELLS**2)
    shares = counts[counts > 0] / len(features)
    return float(np.exp(-(shares * np.log(shares)).sum()) / _CELLS**2)


def _sharpness(pixels: NDArray[np.uint8]) -> float:
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    shrink = _SHARPNESS_SIDE / max(grey.shape)
    if shrink < 1:
        grey = cv2.resize(grey, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    return float(cv2.Laplacian(grey, cv2.CV_32F).std())


def _repetition(features: FeatureSet) -> float:
    if len(features) < 2:
        return 0.0
    descriptors, keypoints = features.unit_descriptors()[:_MOST], features.keypoints[:_MOST]
    apart = _APART * float(np.hypot(features.width, features.height))
    repeated = np.zeros(len(descriptors), np.bool_)
    # In squares that BLAS does not share among threads: an import grades photos on all cores at once, and threads that
    # wait for each other there would take more time than they save. Each pair once.
    for start in range(0, len(descriptors), _SQUARE):
        rows, others = descriptors[start : start + _SQUARE], range(start, len(descriptors), _SQUARE)
        products = np.concatenate([rows @ descriptors[other : other + _SQUARE].T for other in others], axis=1)
        first, second = np.nonzero(products > _ALIKE)
        first, second = first + start, second + start
        far = np.hypot(*(keypoints[first] - keypoints[second]).T) > apart
        repeated[first[far]] = repeated[second[far]] = True
    return float(repeated.mean())
