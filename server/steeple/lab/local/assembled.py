"""Local features put into the order and number that all methods have them in."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.errors import InvalidArgumentError
from steeple.lab.features import LocalFeatures

MOST: Final = 10_000
"""Features of a photo, at most: searches and verification are made for a few thousand."""


def checked_count(count: int, most: int = MOST) -> int:
    """How many features of a photo to keep.

    Args:
        count: What was asked for.
        most: That the method can make.

    Raises:
        InvalidArgumentError: If it is not a whole number from 1 on, or more.
    """
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= most:
        raise InvalidArgumentError(f"'count' of a local extractor is a whole number from 1 to {most}, not {count!r}")
    return count


def checked_threshold(name: str, value: float) -> float:
    """A threshold of what is between 0 and 1.

    Raises:
        InvalidArgumentError: If nothing would be above it, or it is below 0.
    """
    if not 0 <= value < 1:
        raise InvalidArgumentError(f"{name!r} of a local extractor is from 0 to less than 1, not {value!r}")
    return value


def strongest_first(features: LocalFeatures, count: int) -> LocalFeatures:
    """The strongest, at most so many; of equal ones, those that were found first.

    Args:
        features: In the order of finding.
        count: How many to keep.
    """
    order = np.argsort(-features.scores, kind="stable")[:count]
    return LocalFeatures(
        features.positions[order],
        features.scales[order],
        features.angles[order],
        features.scores[order],
        features.descriptors[order],
        features.width,
        features.height,
    )


def no_features(image: NDArray[np.uint8], columns: int, *, binary: bool = False) -> LocalFeatures:
    """Those of a photo without any.

    Args:
        image: uint8[H, W, 3].
        columns: Of the descriptors: components, or bytes.
        binary: Whether descriptors are bits.
    """
    descriptors = np.empty((0, columns), np.uint8) if binary else np.empty((0, columns), np.float32)
    none = np.empty(0, np.float32)
    return LocalFeatures(np.empty((0, 2), np.float32), none, none, none, descriptors, image.shape[1], image.shape[0])
