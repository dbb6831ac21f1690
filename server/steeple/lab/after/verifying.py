"""Geometric verification of one photo against another, for local features of any kind."""

from __future__ import annotations

from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.errors import InvalidArgumentError
from steeple.lab.features import LocalFeatures
from steeple.recognition.matching import mutual_nearest_neighbours
from steeple.recognition.verification import Verification, verify, verify_sorted

Sampling = Literal["prosac", "ransac"]
"""``prosac``: the most distinctive matches are drawn first; ``ransac``: all alike."""

SAMPLINGS: Final = ("prosac", "ransac")
_BITS: Final = 8  # of a byte


def matched(query: LocalFeatures, reference: LocalFeatures) -> NDArray[np.intp]:
    """intp[M, 2]: rows of the features that are each other's nearest, the most distinctive first.

    Descriptors of numbers are compared by inner product, those of bits by Hamming distance.

    Raises:
        InvalidArgumentError: If the descriptors of the photos are of different kinds or lengths.
    """
    if not len(query) or not len(reference):
        return np.empty((0, 2), np.intp)
    if query.binary != reference.binary or query.descriptors.shape[1] != reference.descriptors.shape[1]:
        raise InvalidArgumentError("the local features of two photos were made by different methods")
    if query.binary:
        return _matched_bits(query.descriptors, reference.descriptors)
    pairs, _ = mutual_nearest_neighbours(
        np.asarray(query.descriptors, np.float32), np.asarray(reference.descriptors, np.float32)
    )
    return pairs


def _matched_bits(
    query: NDArray[np.float32] | NDArray[np.uint8], reference: NDArray[np.float32] | NDArray[np.uint8]
) -> NDArray[np.intp]:
    """Of uint8[Q, B] and uint8[R, B]; equally near ones in the order of the query.

    Distances of bits are whole numbers with many ties, so that a ratio of two of them says little: the nearest pairs
    come first.
    """
    found = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(
        np.asarray(query, np.uint8), np.asarray(reference, np.uint8)
    )
    found = sorted(found, key=lambda match: (match.distance, match.queryIdx))
    return np.array([(match.queryIdx, match.trainIdx) for match in found], np.intp).reshape(-1, 2)


def verified(
    query: LocalFeatures,
    reference: LocalFeatures,
    pairs: NDArray[np.intp],
    *,
    inlier_radius: float,
    iterations: int,
    sampling: Sampling,
    scales: bool,
) -> Verification | None:
    """The geometry that matches of two photos agree on.

    Args:
        query: Of the query.
        reference: Of the reference image.
        pairs: intp[M, 2]; their matches, the most distinctive first.
        inlier_radius: Reprojection error of an inlier, at most, query pixels.
        iterations: At most.
        sampling: In what order matches are tried.
        scales: Whether matched features must be of sizes that differ as the geometry has it.

    Returns:
        None if too few agree.
    """
    ratios = query.scales[pairs[:, 0]] / reference.scales[pairs[:, 1]] if scales else None
    return (verify_sorted if sampling == "prosac" else verify)(
        query.positions[pairs[:, 0]],
        reference.positions[pairs[:, 1]],
        inlier_radius=inlier_radius,
        iterations=iterations,
        scale_ratios=ratios,
    )
