"""Cells of an inverted file: which are nearest to a vector."""

from __future__ import annotations

from typing import Any, Protocol

import faiss
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from steeple.server.index.threads import one_thread


class Cells(Protocol):
    """Finds the cells nearest to vectors."""

    def nearest(self, rows: NDArray[np.float32], count: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Numbers int64[N, count] of cells, nearest first, and squared distances float32[N, count] of their centroids.

        Args:
            rows: float32[N, D].
            count: At most as many as there are.
        """
        ...


class FlatCells:
    """Compares with every centroid float32[L, D]."""

    def __init__(self, centroids: NDArray[np.float32]) -> None:
        self._index: Any = faiss.IndexFlatL2(centroids.shape[1])
        self._index.add(centroids)

    def nearest(self, rows: NDArray[np.float32], count: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """See :meth:`Cells.nearest`."""
        distances, numbers = self._index.search(rows, count)
        return numbers, distances


class GraphCells:
    """Goes along a graph of centroids float32[L, D] (HNSW, Malkov and Yashunin, TPAMI 2018) of so many links a node."""

    def __init__(self, centroids: NDArray[np.float32], links: int) -> None:
        self._index: Any = faiss.IndexHNSWFlat(centroids.shape[1], links)
        with one_thread():  # the graph depends on which centroid comes first
            self._index.add(centroids)

    def nearest(self, rows: NDArray[np.float32], count: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """See :meth:`Cells.nearest`; -1 where the graph led to fewer."""
        self._index.hnsw.efSearch = max(2 * count, 32)
        distances, numbers = self._index.search(rows, count)
        return numbers, distances


class TreeCells:
    """Descends a KD-tree (Bentley, 1975) of centroids float32[L, D].

    A cell that is found may be ``1 + slack`` times as far as the one that should have been.
    """

    def __init__(self, centroids: NDArray[np.float32], slack: float) -> None:
        self._tree = KDTree(centroids)
        self._slack = slack

    def nearest(self, rows: NDArray[np.float32], count: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """See :meth:`Cells.nearest`."""
        distances, numbers = self._tree.query(rows, np.arange(1, count + 1), eps=self._slack)
        return numbers.astype(np.int64), (distances**2).astype(np.float32)
