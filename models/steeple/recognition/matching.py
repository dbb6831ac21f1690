"""Matches between the descriptors of two images."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.recognition.products import columns_of, inner_products

_BLOCK: Final = 128  # descriptors of the query at a time: what they make stays in the processor's cache


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
    count = len(query)
    nearest = np.empty(count, np.intp)
    best, second = np.empty(count, np.float32), np.empty(count, np.float32)
    highest = np.full(len(reference), -np.inf, np.float32)  # of each reference descriptor, among all of the query's
    columns = columns_of(reference)
    for start in range(0, count, _BLOCK):
        part = slice(start, min(start + _BLOCK, count))
        similarities = inner_products(query[part], columns)
        rows = np.arange(len(similarities))
        nearest[part] = similarities.argmax(axis=1)
        best[part] = similarities[rows, nearest[part]]
        np.maximum(highest, similarities.max(axis=0), out=highest)
        similarities[rows, nearest[part]] = -1.0
        second[part] = similarities.max(axis=1)
    # By value, not by argmax over columns, which is many times slower in row-major order.
    mutual = np.flatnonzero(highest[nearest] == best)
    # Squared distances of unit vectors are 2 - 2 * similarity.
    distinctiveness = 1.0 - np.clip((1.0 - best[mutual]) / np.maximum(1.0 - second[mutual], 1e-6), 0.0, 1.0)
    order = np.argsort(-distinctiveness, kind="stable")
    pairs = np.stack([mutual, nearest[mutual]], axis=1)[order]
    return pairs, distinctiveness[order].astype(np.float32)
