"""Matches between the descriptors of two images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def mutual_nearest_neighbours(
    query: NDArray[np.float32], reference: NDArray[np.float32]
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Pairs of descriptors that are each other's nearest.

    Args:
        query: float32[Q, D], L2-normalised.
        reference: float32[R, D], L2-normalised.

    Returns:
        Pairs intp[M, 2] (row of ``query``, row of ``reference``), most distinctive first, and their
        distinctiveness float32[M]: 1 less the ratio of the squared distances to the nearest and the
        second nearest reference descriptor, 0 (no better than the next) to 1 (identical).
    """
    if not len(query) or not len(reference):
        return np.empty((0, 2), np.intp), np.empty(0, np.float32)
    similarities = query @ reference.T
    nearest = similarities.argmax(axis=1)
    rows = np.arange(len(query))
    best = similarities[rows, nearest]
    # By value, not by argmax over columns, which is many times slower in row-major order.
    mutual = np.flatnonzero(similarities.max(axis=0)[nearest] == best)
    others = similarities[mutual]
    others[np.arange(len(mutual)), nearest[mutual]] = -1.0
    # Squared distances of unit vectors are 2 - 2 * similarity.
    distinctiveness = 1.0 - np.clip((1.0 - best[mutual]) / np.maximum(1.0 - others.max(axis=1), 1e-6), 0.0, 1.0)
    order = np.argsort(-distinctiveness, kind="stable")
    pairs = np.stack([mutual, nearest[mutual]], axis=1)[order]
    return pairs, distinctiveness[order].astype(np.float32)
