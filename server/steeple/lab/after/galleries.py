"""What stages after the search keep of the gallery, and how they say what is missing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from steeple.errors import FailedPreconditionError, InvalidArgumentError
from steeple.lab.features import LocalFeatures
from steeple.lab.protocols import Evidence


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
    products: NDArray[np.float64] = vectors.astype(np.float64) @ query.astype(np.float64)
    return products


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
