"""The projection of trunk features to descriptors: PCA (DELF, section 4.3)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def principal_components(samples: Iterable[NDArray[np.float32]], dimensions: int) -> NDArray[np.float32]:
    """The directions of most energy of L2-normalised features.

    About the origin and not about the mean: then L2-normalising, projecting and L2-normalising again
    is one linear map before a single L2-normalisation, since positive factors cancel. As a 1x1
    convolution it quantizes with little loss, where int8 L2-normalised features of 112 components keep four bits each.

    Args:
        samples: Each float32[N, C]; trunk features.
        dimensions: D.

    Returns:
        float32[C, D]; orthonormal columns, signs fixed so that each column's largest component is positive.
    """
    moment: NDArray[np.float64] | None = None
    for sample in samples:
        unit = sample.astype(np.float64)
        unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-12)
        part = unit.T @ unit
        moment = part if moment is None else moment + part
    if moment is None:
        raise ValueError("no samples to fit the projection on")
    _, vectors = np.linalg.eigh(moment)
    columns = vectors[:, ::-1][:, :dimensions]
    peaks = np.abs(columns).argmax(axis=0)
    signs = np.sign(columns[peaks, np.arange(columns.shape[1])])
    projection: NDArray[np.float32] = (columns * signs).astype(np.float32)
    return projection
