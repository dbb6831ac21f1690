"""Nearest neighbours of descriptors, gathered per reference image (DELF, section 4.4)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steeple.recognition.neighbours import Neighbours


@dataclass(frozen=True, eq=False)
class Votes:
    """The reference images among the neighbours of a query's descriptors, those with the most votes first.

    Attributes:
        image_keys: int64[I].
        counts: int64[I]; how many of the query's descriptors voted for it, never rising.
        distances: float64[I]; mean distance of those to their nearest of the image.
    """

    image_keys: NDArray[np.int64]
    counts: NDArray[np.int64]
    distances: NDArray[np.float64]


def counted(neighbours: Neighbours) -> Votes:
    """The votes for every image.

    A query descriptor votes once for each image among its neighbours, however many of them are of
    that image. Equal votes rank by the smaller mean distance, then by key.
    """
    rows, columns = np.nonzero(neighbours.image_keys >= 0)
    if not len(rows):
        return Votes(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64))
    keys, image = np.unique(neighbours.image_keys[rows, columns], return_inverse=True)
    # Neighbours are sorted by distance, so the first occurrence of a (query, image) pair is the nearest.
    _, first = np.unique(rows * len(keys) + image, return_index=True)
    votes = np.bincount(image[first], minlength=len(keys))
    distances = neighbours.distances[rows, columns][first]
    total = np.asarray(np.bincount(image[first], weights=distances, minlength=len(keys)), np.float64)
    means = total / votes
    order = np.lexsort((keys, means, -votes))
    return Votes(keys[order], votes[order].astype(np.int64), means[order])


def most_voted(neighbours: Neighbours, limit: int) -> list[int]:
    """Keys of the reference images with the most votes, at most ``limit``, as :func:`counted` ranks them."""
    return [int(key) for key in counted(neighbours).image_keys[:limit]]


def matches_of(neighbours: Neighbours, image_key: int) -> NDArray[np.intp]:
    """intp[M, 2]: query descriptor and the nearest descriptor of one image, for those that have it as a neighbour."""
    ours = neighbours.image_keys == image_key
    query = np.flatnonzero(ours.any(axis=1))
    # Neighbours are sorted by distance, so the first column of the image is the nearest.
    column = ours.argmax(axis=1)[query]
    return np.stack([query, neighbours.feature_numbers[query, column]], axis=1).astype(np.intp)
