"""Nearest neighbours in a pack: inverted lists of codes, searched with NumPy (DELF, section 4.4)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf.features import DIMENSIONS
from steeple.errors import InvalidArgumentError
from steeple.packs.pack import Pack
from steeple.recognition import Neighbours
from steeple.recognition.products import columns_of, inner_products

_WAITING: Final = 3  # times K descriptors a query that may be among its nearest, before they are sorted out


class PackIndex:
    """A :class:`~steeple.recognition.DescriptorSearch` over a pack. Thread safe.

    Distances are those of FAISS's IVF-PQ, to the descriptors that codes stand for, which are decoded list by list: a
    list is decoded once for all descriptors of the query that visit it, and compared with them in one product.

    Args:
        pack: The pack; not to be closed before.
        probes: Inverted lists visited per descriptor.
    """

    def __init__(self, pack: Pack, probes: int) -> None:
        self._pack = pack
        self._probes = probes
        sizes = np.bincount(pack.lists, minlength=pack.codebook.lists)
        self._starts = np.concatenate([[0], np.cumsum(sizes)])
        self._by_list = np.argsort(pack.lists, kind="stable").astype(np.int32)

    def search(
        self, queries: NDArray[np.float32], neighbours: int, *, within: Collection[int] | None = None
    ) -> Neighbours:
        """See :meth:`steeple.recognition.DescriptorSearch.search`."""
        if queries.dtype != np.float32 or queries.ndim != 2 or queries.shape[1] != DIMENSIONS:
            raise InvalidArgumentError(
                f"descriptors must be float32[N, {DIMENSIONS}], not {queries.dtype}{list(queries.shape)}"
            )
        if not np.isfinite(queries).all():
            raise InvalidArgumentError("descriptors must be finite numbers")
        rows, distances = self._nearest(queries, neighbours, None if within is None else self._of_images(within))
        none = rows < 0
        starts = self._pack.starts
        keys = np.searchsorted(starts, rows, side="right") - 1
        return Neighbours(
            image_keys=np.where(none, -1, keys).astype(np.int64),
            feature_numbers=np.where(none, -1, rows - starts[keys]).astype(np.int32),
            distances=distances,
        )

    def _of_images(self, keys: Collection[int]) -> NDArray[np.bool_]:
        """bool[N]: which features are of some images."""
        chosen = np.zeros(len(self._pack.lists), np.bool_)
        for key in keys:
            if 0 <= key < len(self._pack.images):
                chosen[self._pack.starts[key] : self._pack.starts[key + 1]] = True
        return chosen

    def _nearest(
        self, queries: NDArray[np.float32], count: int, chosen: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """int32[Q, K] and float32[Q, K]: the nearest features of each descriptor (-1: none), and squared distances."""
        book = self._pack.codebook
        turned = book.turned(queries)
        visited = book.nearest_lists(turned, self._probes)
        order = np.argsort(visited, axis=None, kind="stable")
        bounds = np.searchsorted(visited.ravel()[order], np.arange(book.lists + 1))
        nearest = _Nearest(len(queries), count)
        for number in np.flatnonzero((np.diff(bounds) > 0) & (np.diff(self._starts) > 0)):
            rows = self._by_list[self._starts[number] : self._starts[number + 1]]
            if chosen is not None:
                rows = rows[chosen[rows]]
                if not len(rows):
                    continue
            visiting = order[bounds[number] : bounds[number + 1]] // visited.shape[1]
            decoded = book.residuals(self._pack.codes.take(rows, axis=0))  # quicker than by brackets
            decoded += book.coarse[number]
            # Squared distances, but for those of the queries to the origin, which change nothing among one query's.
            distances = inner_products(turned[visiting], columns_of(decoded))
            distances *= -2.0
            distances += np.einsum("nd,nd->n", decoded, decoded)
            nearest.offer(visiting, rows, distances)
        found, distances = nearest.result()
        distances += np.einsum("qd,qd->q", turned, turned)[:, None]
        return found, np.maximum(distances, 0.0)  # rounding can leave less than nothing


class _Nearest:
    """The K nearest that were offered so far, of each query."""

    def __init__(self, queries: int, count: int) -> None:
        self._count = count
        self._limits = np.full(queries, np.inf, np.float32)  # only what is nearer may be among the nearest
        self._waiting = 0
        self._queries: list[NDArray[np.intp]] = []
        self._rows: list[NDArray[np.int32]] = []
        self._distances: list[NDArray[np.float32]] = []

    def offer(self, queries: NDArray[np.intp], rows: NDArray[np.int32], distances: NDArray[np.float32]) -> None:
        """Distances, float32[M, N], of some queries, intp[M], to some features, int32[N]."""
        limits = self._limits[queries]
        if len(rows) >= self._count:
            new = np.flatnonzero(np.isinf(limits))
            if len(new):
                # The K-th nearest of this list alone: whatever is farther than that is none of the K nearest.
                farthest = np.partition(distances[new], self._count - 1, axis=1)[:, self._count - 1]
                limits[new] = np.nextafter(farthest, np.float32(np.inf))
                self._limits[queries[new]] = limits[new]
        hits = np.flatnonzero(distances < limits[:, None])
        if not len(hits):
            return
        which, column = np.divmod(hits, len(rows))
        self._queries.append(queries[which])
        self._rows.append(rows[column])
        self._distances.append(distances.ravel()[hits])
        self._waiting += len(hits)
        if self._waiting > _WAITING * self._count * len(self._limits):
            self._sort_out()

    def result(self) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """int32[Q, K] and float32[Q, K]: the nearest, nearest first; -1 and infinite where there are fewer."""
        shape = (len(self._limits), self._count)
        found, distances = np.full(shape, -1, np.int32), np.full(shape, np.inf, np.float32)
        if self._waiting:
            places = self._sort_out()
            found[self._queries[0], places] = self._rows[0]
            distances[self._queries[0], places] = self._distances[0]
        return found, distances

    def _sort_out(self) -> NDArray[np.intp]:
        """Leaves the nearest alone, by query and distance; their places among those of their query."""
        queries, rows = np.concatenate(self._queries), np.concatenate(self._rows)
        distances = np.concatenate(self._distances)
        order = np.argsort(distances)
        # By query, and of one query as they are: numbers of 16 bits are sorted in one go.
        order = order[np.argsort(queries[order].astype(np.min_scalar_type(len(self._limits))), kind="stable")]
        numbers = np.bincount(queries, minlength=len(self._limits))
        firsts = np.cumsum(numbers) - numbers
        places: NDArray[np.intp] = np.arange(len(order)) - firsts[queries[order]]
        kept = places < self._count
        order, places = order[kept], places[kept]
        last = places == self._count - 1
        self._queries, self._rows, self._distances = [queries[order]], [rows[order]], [distances[order]]
        self._limits[self._queries[0][last]] = self._distances[0][last]
        self._waiting = len(order)
        return places
