"""Matches between the local features of two pictures, whatever their descriptors."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.errors import InvalidArgumentError
from steeple.lab.features import LocalFeatures
from steeple.recognition.matching import mutual_nearest_neighbours


def matched(first: LocalFeatures, second: LocalFeatures) -> NDArray[np.intp]:
    """Features that are each other's nearest, by Euclidean distance or, for bits, by Hamming distance.

    No ratio test: with one, methods differ by how well its threshold suits them.

    Returns:
        intp[M, 2]; rows of ``first`` and of ``second``; the most distinctive first, but for bits the nearest first.

    Raises:
        InvalidArgumentError: If descriptors are not of one kind and length.
    """
    if first.binary != second.binary or first.descriptors.shape[1:] != second.descriptors.shape[1:]:
        raise InvalidArgumentError("the features of two pictures are of different methods")
    if not len(first) or not len(second):
        return np.empty((0, 2), np.intp)
    if not first.binary:
        pairs, _ = mutual_nearest_neighbours(
            np.asarray(first.descriptors, np.float32), np.asarray(second.descriptors, np.float32)
        )
        return pairs
    found = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(first.descriptors, second.descriptors)
    ordered = sorted(found, key=lambda match: (match.distance, match.queryIdx))
    return np.array([(match.queryIdx, match.trainIdx) for match in ordered], np.intp).reshape(-1, 2)
