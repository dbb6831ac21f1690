"""Spherical hashing: codes that say in which spheres a vector lies (Heo et al., CVPR 2012)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from steeple.lab.indexes.arguments import enough, whole
from steeple.lab.indexes.hamming import CodeTables, checked_tables
from steeple.lab.indexes.hyperplanes import checked_code
from steeple.lab.indexes.nearest import Nearest, NearestSearch
from steeple.lab.indexes.vectors import Vectors, numbers

_SUBSET: Final = 5  # training vectors, in whose middle a pivot is first
_ROUNDS: Final = 100
_MEAN_TOLERANCE: Final = 0.1  # the paper's: of the overlaps' mean difference from a quarter
_SPREAD_TOLERANCE: Final = 0.15  # the paper's: of their standard deviation
_TRAINING: Final = 20_000  # vectors: an overlap of a quarter is then known to one in a hundred
_SHORTLIST: Final = 5  # times as many as asked for are found by Hamming distance


@dataclass(frozen=True, eq=False)
class Spheres:
    """Spheres float32[L, D] of pivots and float32[L] of radii, each with half of the training vectors inside."""

    pivots: NDArray[np.float32]
    radii: NDArray[np.float32]

    def inside(self, rows: NDArray[np.float32]) -> NDArray[np.bool_]:
        """bool[N, L]: which vectors lie in which spheres."""
        return np.asarray(_distances(rows, self.pivots) < self.radii)

    @staticmethod
    def learned(training: NDArray[np.float32], count: int, seed: int) -> Spheres:
        """Spheres that part the training vectors in halves, each two of which overlap in a quarter.

        Two pivots whose spheres overlap in more push each other away, and in less they pull each other near, until the
        overlaps are as the paper has them or 100 rounds are over (section 3.3).

        Args:
            training: float32[N, D].
            count: L.
            seed: Another one begins elsewhere.
        """
        rng = np.random.default_rng(seed)
        rows = training
        if len(rows) > _TRAINING:
            rows = rows[np.sort(rng.choice(len(rows), _TRAINING, replace=False))]
        pivots = rows[rng.integers(0, len(rows), (count, _SUBSET))].mean(axis=1)
        quarter = len(rows) / 4
        others = ~np.eye(count, dtype=np.bool_)
        for _ in range(_ROUNDS):
            spheres = Spheres(pivots, _median_radii(rows, pivots))
            inside = spheres.inside(rows).astype(np.float32)
            excess = (inside.T @ inside - quarter) / quarter
            if count == 1 or _balanced(excess[others]):
                return spheres
            excess[~others] = 0
            # The sum over j of e_ij (p_i - p_j), half of it, over the number of spheres.
            pivots = pivots + (excess.sum(axis=1)[:, None] * pivots - excess @ pivots) / (2 * count)
        return Spheres(pivots, _median_radii(rows, pivots))


def _balanced(excess: NDArray[np.float32]) -> bool:
    return bool(np.abs(excess).mean() <= _MEAN_TOLERANCE and excess.std() <= _SPREAD_TOLERANCE)


def _median_radii(rows: NDArray[np.float32], pivots: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.median(_distances(rows, pivots), axis=0), np.float32)


def _distances(rows: NDArray[np.float32], pivots: NDArray[np.float32]) -> NDArray[np.float32]:
    """float32[N, L]; squared."""
    squared = (rows**2).sum(axis=1)[:, None] + (pivots**2).sum(axis=1) - 2.0 * rows @ pivots.T
    return np.asarray(np.maximum(squared, 0.0), np.float32)


def spherical_distances(
    hamming: NDArray[np.float32], ours: NDArray[np.integer[Any]], theirs: NDArray[np.integer[Any]]
) -> NDArray[np.float32]:
    """Distances of codes that order them as the spherical Hamming distance does.

    That is ``|a xor b| / |a and b|``; here it is ``|a xor b| / |a or b|``, from 0 to 1, which rises with it and is not
    infinite where codes share no sphere, but 1.

    Args:
        hamming: Of each pair of codes.
        ours: Spheres that the first of each pair lies in.
        theirs: Spheres that the second one lies in.
    """
    either = 0.5 * (ours + theirs + hamming)
    return np.asarray(np.divide(hamming, either, out=np.ones_like(either), where=either > 0), np.float32)


class SphericalHashing(NearestSearch):
    """Spheres, by which of them two vectors share.

    Those that are nearest by Hamming distance, five times as many as asked for, are ordered by the spherical one.

    Args:
        size: Spheres; bits of a code, a multiple of 8.
        tables: See :class:`~steeple.lab.indexes.hamming.CodeTables`.
        key: See there.
        flips: See there.
        seed: Another one begins with other pivots.

    Raises:
        InvalidArgumentError: If a number is out of range.
    """

    title = "spherical hashing"

    def __init__(self, size: int, tables: int, key: int, flips: int, *, seed: int) -> None:
        super().__init__()
        self._size = checked_code(size)
        self._codes = CodeTables(self._size, *checked_tables(tables, key, flips))
        self._seed = whole("seed", seed, 0)
        self._spheres: Spheres
        self._inside = np.empty(0, np.uint16)  # of how many spheres each vector is

    def accept(self, rows: Vectors) -> None:
        """See :meth:`NearestSearch.accept`: numbers."""
        numbers(rows, self.title)

    def _train(self, rows: Vectors) -> None:
        enough(len(rows), 2 * _SUBSET, self.title, "vectors")
        self._spheres = Spheres.learned(numbers(rows, self.title), self._size, self._seed)

    def _build(self, rows: Vectors) -> None:
        inside = self._spheres.inside(numbers(rows, self.title))
        self._inside = inside.sum(axis=1, dtype=np.uint16)
        self._codes.add(np.packbits(inside, axis=1))

    def _nearest(self, rows: Vectors, count: int) -> Nearest:
        inside = self._spheres.inside(numbers(rows, self.title))
        listed = self._codes.nearest(np.packbits(inside, axis=1), min(_SHORTLIST * count, len(self._inside)))
        none = listed.positions < 0
        hamming = np.where(none, 0, listed.distances)
        distances = spherical_distances(hamming, inside.sum(axis=1)[:, None], self._inside[listed.positions])
        distances[none] = np.inf
        # Stable: of equals, that of the smaller Hamming distance comes first.
        order = np.argsort(distances, axis=1, kind="stable")[:, :count]
        return Nearest(
            np.take_along_axis(listed.positions, order, axis=1), np.take_along_axis(distances, order, axis=1)
        )

    def similarities(self, distances: NDArray[np.float32]) -> NDArray[np.float32]:
        """The share of the spheres that hold either vector and hold both."""
        return (1.0 - distances).astype(np.float32)

    def _bytes(self) -> int:
        return self._codes.bytes + self._inside.nbytes
