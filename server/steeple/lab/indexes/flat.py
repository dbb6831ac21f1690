"""Exact nearest neighbours: every vector is compared with."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from steeple.lab.indexes.nearest import Nearest, NearestSearch, cosines, found, nearest_of
from steeple.lab.indexes.vectors import Vectors, numbers


class Flat(NearestSearch):
    """Exact: numbers are compared by Euclidean distance, bits by Hamming distance. Keeps the vectors, and no ids."""

    title = "exact search"
    fitted = False

    def __init__(self) -> None:
        super().__init__()
        self._index: Any = None
        self._size = 0  # of a vector, bytes
        self._bits = 0  # of a vector; 0: it has numbers

    def accept(self, rows: Vectors) -> None:
        """See :meth:`NearestSearch.accept`: numbers and bits."""

    def _build(self, rows: Vectors) -> None:
        columns = rows.shape[1]
        if rows.dtype == np.uint8:
            self._index, self._size, self._bits = faiss.IndexBinaryFlat(8 * columns), columns, 8 * columns
        else:
            self._index, self._size = faiss.IndexFlatL2(columns), 4 * columns
        self._index.add(rows)

    def _nearest(self, rows: Vectors, count: int) -> Nearest:
        return found(self._index, rows, count)

    def similarities(self, distances: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosines; of bits, the share that agrees."""
        return (1.0 - distances / self._bits).astype(np.float32) if self._bits else cosines(distances)

    def _bytes(self) -> int:
        return int(self._index.ntotal) * self._size


class InnerProducts(NearestSearch):
    """Exact, by inner product: the similarity is the cosine, and distances are those of unit vectors that have it."""

    title = "exact search"
    fitted = False

    def __init__(self) -> None:
        super().__init__()
        self._index: Any = None

    def accept(self, rows: Vectors) -> None:
        """See :meth:`NearestSearch.accept`."""
        numbers(rows, self.title)

    def _build(self, rows: Vectors) -> None:
        self._index = faiss.IndexFlatIP(rows.shape[1])
        self._index.add(rows)

    def _nearest(self, rows: Vectors, count: int) -> Nearest:
        products, positions = self._index.search(rows, count)
        return nearest_of(positions, 2.0 - 2.0 * products)

    def similarities(self, distances: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosines."""
        return cosines(distances)

    def _bytes(self) -> int:
        return int(self._index.ntotal * self._index.d) * 4
