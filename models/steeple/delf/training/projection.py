"""The projection of trunk features to descriptors: PCA (DELF, section 4.3), or learned from cells that correspond."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

_SHRINKAGE: Final = 0.3


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
    return _signed(_leading(moment, dimensions))


def discriminant(
    pairs: Iterable[tuple[NDArray[np.float32], NDArray[np.float32]]], dimensions: int, whitening: float
) -> NDArray[np.float32]:
    """The directions in which features differ much from each other and little between two views of one spot.

    What changes between views (light, season, viewpoint) is scaled down before the directions of most energy are taken:
    the linear discriminant projections of Mikolajczyk and Matas (2007) and Cai et al. (2011). About the origin, as
    :func:`principal_components` is, and each pair weighs as much as its features have energy, since those are kept.

    Args:
        pairs: Each two float32[N, C]; trunk features of corresponding cells of two views.
        dimensions: D.
        whitening: From 0, which gives principal components weighed by energy, to 1, after which views differ alike in
            all directions.

    Returns:
        float32[C, D], signs fixed so that each column's largest component is positive.
    """
    total: NDArray[np.float64] | None = None
    within: NDArray[np.float64] | None = None
    for first, second in pairs:
        norms = [np.linalg.norm(part.astype(np.float64), axis=1, keepdims=True) for part in (first, second)]
        one, other = (part / np.maximum(norm, 1e-12) for part, norm in zip((first, second), norms, strict=True))
        root = np.sqrt(norms[0] * norms[1])
        apart = (one - other) * root
        energy = (one * root).T @ (one * root) + (other * root).T @ (other * root)
        total = energy if total is None else total + energy
        within = apart.T @ apart if within is None else within + apart.T @ apart
    if total is None or within is None:
        raise ValueError("no pairs to fit the projection on")
    channels = len(within)
    even = channels / max(float(np.trace(within)), 1e-12)
    within = (1 - _SHRINKAGE) * even * within + _SHRINKAGE * np.eye(channels)
    values, vectors = np.linalg.eigh(within)
    whitened = (vectors * values ** (-whitening / 2)) @ vectors.T
    return _signed(whitened @ _leading(whitened @ total @ whitened, dimensions))


def _leading(moment: NDArray[np.float64], dimensions: int) -> NDArray[np.float64]:
    _, vectors = np.linalg.eigh(moment)
    leading: NDArray[np.float64] = vectors[:, ::-1][:, :dimensions]
    return leading


def _signed(columns: NDArray[np.float64]) -> NDArray[np.float32]:
    peaks = np.abs(columns).argmax(axis=0)
    signs = np.sign(columns[peaks, np.arange(columns.shape[1])])
    projection: NDArray[np.float32] = (columns * signs).astype(np.float32)
    return projection
