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
        Pairs intp[M, 2] (row of ``query``, row of ``reference``) and their cosine similarities float32[M],
        most similar first.
    """
    if not len(query) or not len(reference):
        return np.empty((0, 2), np.intp), np.empty(0, np.float32)
    similarities = query @ reference.T
    nearest = similarities.argmax(axis=1)
    rows = np.arange(len(query))
    # By value, not by argmax over columns, which is many times slower in row-major order.
    mutual = similarities.max(axis=0)[nearest] == similarities[rows, nearest]
    pairs = np.stack([rows[mutual], nearest[mutual]], axis=1)
    similarity = similarities[pairs[:, 0], pairs[:, 1]]
    order = np.argsort(-similarity, kind="stable")
    return pairs[order], similarity[order]
