"""Codes that say on which side of hyperplanes a vector lies (Charikar, STOC 2002)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steeple.errors import InvalidArgumentError
from steeple.lab.indexes.arguments import enough, whole
from steeple.lab.indexes.hamming import CodeTables, checked_tables
from steeple.lab.indexes.nearest import Nearest, NearestSearch
from steeple.lab.indexes.vectors import Vectors, numbers


def checked_code(size: int) -> int:
    """Bits of a code.

    Raises:
        InvalidArgumentError: If they do not fill bytes.
    """
    if whole("bits", size, 8, 1 << 13) % 8:
        raise InvalidArgumentError(f"bits is {size}; it must be a multiple of 8")
    return size


class Hyperplanes(NearestSearch):
    """Random hyperplanes, of which two vectors are parted by as many as their angle is wide.

    Args:
        size: Hyperplanes; bits of a code, a multiple of 8.
        tables: See :class:`~steeple.lab.indexes.hamming.CodeTables`.
        key: See there.
        flips: See there.
        centred: Whether hyperplanes go through the mean of the training vectors; else through the origin, and there is
            nothing to fit.
        seed: Another one gives other hyperplanes.

    Raises:
        InvalidArgumentError: If a number is out of range.
    """

    title = "LSH"

    def __init__(self, size: int, tables: int, key: int, flips: int, *, centred: bool, seed: int) -> None:
        super().__init__()
        self.fitted = centred
        self._size = checked_code(size)
        self._codes = CodeTables(self._size, *checked_tables(tables, key, flips))
        self._seed = whole("seed", seed, 0)
        self._mean: NDArray[np.float32] | None = None
        self._normals = np.empty((0, self._size), np.float32)

    def accept(self, rows: Vectors) -> None:
        """See :meth:`NearestSearch.accept`: numbers."""
        dimensions = numbers(rows, self.title).shape[1]
        # Normals of a normal distribution have all directions alike.
        normals = np.random.default_rng(self._seed).standard_normal((dimensions, self._size))
        self._normals = normals.astype(np.float32)

    def _train(self, rows: Vectors) -> None:
        enough(len(rows), 1, self.title, "vector")
        self._mean = rows.mean(axis=0, dtype=np.float64).astype(np.float32)

    def codes(self, rows: NDArray[np.float32]) -> NDArray[np.uint8]:
        """uint8[N, bits / 8]."""
        centred = rows if self._mean is None else rows - self._mean
        return np.packbits(centred @ self._normals > 0, axis=1)

    def _build(self, rows: Vectors) -> None:
        self._codes.add(self.codes(numbers(rows, self.title)))

    def _nearest(self, rows: Vectors, count: int) -> Nearest:
        return self._codes.nearest(self.codes(numbers(rows, self.title)), count)

    def similarities(self, distances: NDArray[np.float32]) -> NDArray[np.float32]:
        """The cosine of the angle that as many hyperplanes part, about."""
        return np.cos(np.pi * distances / self._size).astype(np.float32)

    def _bytes(self) -> int:
        return self._codes.bytes
