"""What stages after the search keep of the gallery, and how they say what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.errors import FailedPreconditionError, InvalidArgumentError
from steeple.lab.features import LocalFeatures
from steeple.lab.protocols import Evidence

_BLOCK: Final = 256  # photos at a time


def vectors_of(gallery: Sequence[Evidence], stage: str) -> NDArray[np.float32]:
    """float32[G, D]: the global descriptors of the gallery, one a row.

    Raises:
        InvalidArgumentError: If a photo has none.
    """
    if not gallery:
        return np.empty((0, 0), np.float32)
    return np.stack([vector_of(each, stage) for each in gallery])


def vector_of(evidence: Evidence, stage: str) -> NDArray[np.float32]:
    """float32[D]: the global descriptor of a photo.

    Raises:
        InvalidArgumentError: If it has none.
    """
    if evidence.vector is None:
        raise InvalidArgumentError(f"{stage} works on global descriptors: give the system a backbone and a pooling")
    return evidence.vector


def local_of(evidence: Evidence, stage: str) -> LocalFeatures:
    """The local features of a photo.

    Raises:
        InvalidArgumentError: If its system makes none.
    """
    if evidence.local is None:
        raise InvalidArgumentError(f"{stage} works on local features: give the system an extractor of them")
    return evidence.local


def similarities(vectors: NDArray[np.float32], query: NDArray[np.floating]) -> NDArray[np.float64]:
    """float64[G]: inner products of float32[G, D] with a vector float[D], of which the gallery may have none."""
    if not len(vectors):
        return np.empty(0)
    products: NDArray[np.float32] = vectors @ query.astype(np.float32)
    return products.astype(np.float64)


def unprepared(stage: str) -> FailedPreconditionError:
    """What to raise where the gallery is missing."""
    return FailedPreconditionError(f"{stage} has not been told the gallery: call prepare() first")


def require(holds: bool, stage: str, demand: str) -> None:
    """Raises unless a parameter makes sense.

    Raises:
        InvalidArgumentError: ``demand`` is what it says.
    """
    if not holds:
        raise InvalidArgumentError(f"{stage}: {demand}")


def nearest(vectors: NDArray[np.float32], count: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The nearest neighbours of each vector among the others.

    Args:
        vectors: float32[G, D], L2-normalised.
        count: How many, at most.

    Returns:
        int64[G, K], the nearest first, equally near ones in the order of the gallery, and their inner products
        float64[G, K]; K is the smaller of ``count`` and G - 1.
    """
    total = len(vectors)
    count = min(count, max(total - 1, 0))
    keys, products = np.empty((total, count), np.int64), np.empty((total, count))
    for start in range(0, total, _BLOCK):
        found = (vectors[start : start + _BLOCK] @ vectors.T).astype(np.float64)
        rows = np.arange(len(found))
        found[rows, start + rows] = -np.inf
        order = np.argsort(-found, axis=1, kind="stable")[:, :count]
        keys[start + rows], products[start + rows] = order, np.take_along_axis(found, order, axis=1)
    return keys, products
