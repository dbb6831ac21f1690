"""Exact nearest neighbours by brute force: what approximate indexes are measured against."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf import DIMENSIONS
from steeple.recognition.neighbours import Neighbours
from steeple.server.index import protocol
from steeple.server.index.protocol import IndexStats
from steeple.server.index.snapshot import Part, SnapshotFolder

_KIND: Final = "exact"
_FEATURE_BITS: Final = 12  # of a descriptor's id, that number it within its image: there are at most 4096
_BLOCK: Final = 1 << 24  # distances at a time, 64 MB: few and large products, without memory for all of them
_WAITING: Final = 100  # descriptors a query that may be among its nearest, before they are sorted out


@dataclass(frozen=True, eq=False)
class _Stacked:
    """All descriptors, made ready for search.

    Attributes:
        ids: int64[N].
        lifted: float32[41, N]; see :func:`lifted`.
    """

    ids: NDArray[np.int64]
    lifted: NDArray[np.float32]

    @staticmethod
    def of(ids: NDArray[np.int64], descriptors: NDArray[np.float32]) -> _Stacked:
        return _Stacked(ids, lifted(descriptors))


@dataclass(frozen=True, eq=False)
class _Near:
    """Descriptors that may be among the nearest of queries.

    Attributes:
        rows: intp[M]; the query's.
        positions: intp[M]; of one query, rising where distances are equal.
        distances: float32[M].
    """

    rows: NDArray[np.intp]
    positions: NDArray[np.intp]
    distances: NDArray[np.float32]

    def and_also(self, other: _Near) -> _Near:
        return _Near(
            np.concatenate([self.rows, other.rows]),
            np.concatenate([self.positions, other.positions]),
            np.concatenate([self.distances, other.distances]),
        )

    def best(self, queries: int, count: int) -> _Near:
        """The ``count`` nearest of each query, which has that many; by query, nearest first."""
        order = np.lexsort((self.distances, self.rows))  # stable: ties stay by position
        numbers = np.bincount(self.rows, minlength=queries)
        firsts = np.cumsum(numbers) - numbers
        chosen = order[(firsts[:, None] + np.arange(count)).reshape(-1)]
        return _Near(self.rows[chosen], self.positions[chosen], self.distances[chosen])


class ExactIndex:
    """A :class:`~steeple.server.index.protocol.DescriptorIndex` that compares with every descriptor.

    Args:
        model: Name of the model release whose descriptors it holds.
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self._images: dict[int, NDArray[np.float32]] = {}
        self._stacked: _Stacked | None = None  # of the images as they are; None once they changed
        self._lock = threading.Lock()

    def add(self, image_key: int, descriptors: NDArray[np.float32]) -> None:
        """See :meth:`DescriptorIndex.add`."""
        rows = protocol.checked(descriptors).copy()
        with self._lock:
            self._images[protocol.checked_key(image_key)] = rows
            self._stacked = None

    def remove(self, image_key: int) -> bool:
        """See :meth:`DescriptorIndex.remove`."""
        with self._lock:
            self._stacked = None
            return self._images.pop(image_key, None) is not None

    def __contains__(self, image_key: int) -> bool:
        with self._lock:
            return image_key in self._images

    def search(
        self, queries: NDArray[np.float32], neighbours: int, *, within: Collection[int] | None = None
    ) -> Neighbours:
        """See :meth:`DescriptorIndex.search`."""
        rows = protocol.checked(queries)
        with self._lock:
            if within is not None:
                chosen = set(within)
                stacked = _Stacked.of(*_joined({key: self._images[key] for key in self._images if key in chosen}))
            else:
                stacked = self._stacked = self._stacked or _Stacked.of(*_joined(self._images))
        kept = min(neighbours, len(stacked.ids))
        found = np.full((len(rows), neighbours), -1, np.int64)
        distances = np.full((len(rows), neighbours), np.inf, np.float32)
        if kept and len(rows):
            nearest, distances[:, :kept] = nearest_positions(rows, stacked.lifted, kept)
            found[:, :kept] = stacked.ids[nearest]
        return _neighbours_of_ids(found, distances)

    def snapshot(self, folder: Path, sequence: int, stopped: Callable[[], bool] = lambda: False) -> None:
        """See :meth:`DescriptorIndex.snapshot`. It takes too little time to be stopped."""
        target = SnapshotFolder(folder)
        with self._lock:
            ids, descriptors = _joined(self._images)
            keys = sorted(self._images)
        parts = {
            "images": target.save("images", np.array(keys, np.int64).tobytes()),
            "descriptors": target.save("descriptors", ids.tobytes() + descriptors.tobytes()),
        }
        facts = {"kind": _KIND, "model": self._model, "sequence": sequence}
        facts |= {role: asdict(part) for role, part in parts.items()}
        target.commit(facts, keep=parts.values())

    @staticmethod
    def restore(folder: Path, model: str) -> tuple[ExactIndex, int]:
        """An index from its snapshot, and the catalogue sequence number up to which it is current.

        Raises:
            SnapshotError: If a file is missing, truncated, corrupt, or of another kind or release.
        """
        source = SnapshotFolder(folder)
        facts = source.facts(kind=_KIND, model=model)
        payload = source.load(Part.of(facts["descriptors"]))
        count = len(payload) // (8 + 4 * DIMENSIONS)
        ids = np.frombuffer(payload, np.int64, count)
        descriptors = np.frombuffer(payload, np.float32, offset=8 * count).reshape(count, DIMENSIONS)
        index = ExactIndex(model)
        for key in map(int, np.frombuffer(source.load(Part.of(facts["images"])), np.int64)):
            index.add(key, descriptors[ids >> _FEATURE_BITS == key])
        return index, int(facts["sequence"])

    def stats(self) -> IndexStats:
        """See :meth:`DescriptorIndex.stats`."""
        with self._lock:
            count = sum(len(rows) for rows in self._images.values())
            return IndexStats("exact on CPU", len(self._images), count, 4.0 * DIMENSIONS)


def _joined(images: Mapping[int, NDArray[np.float32]]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """int64[N] and float32[N, 40]: ids and descriptors of all images."""
    if not images:
        return np.empty(0, np.int64), np.empty((0, DIMENSIONS), np.float32)
    ids = [_descriptor_ids(key, len(rows)) for key, rows in images.items()]
    return np.concatenate(ids), np.concatenate(list(images.values()))


def lifted(descriptors: NDArray[np.float32]) -> NDArray[np.float32]:
    """float32[D + 1, N] of float32[N, D]: ``-2 d`` over ``|d|^2``.

    Its product with ``(q, 1)`` is the squared distance to q, less ``|q|^2``, which does not change who is near.
    """
    rows = np.empty((descriptors.shape[1] + 1, len(descriptors)), np.float32)
    np.multiply(descriptors.T, -2.0, out=rows[:-1])
    np.einsum("nd,nd->n", descriptors, descriptors, out=rows[-1])
    return rows


def nearest_positions(
    queries: NDArray[np.float32], lifted: NDArray[np.float32], count: int
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Exact nearest neighbours.

    Args:
        queries: float32[Q, D]; Q is 1 or more.
        lifted: float32[D + 1, N]; see :func:`lifted`.
        count: K, from 1 to N.

    Returns:
        Positions intp[Q, K] of the nearest of each query, nearest first, and their squared distances float32[Q, K]. Of
        descriptors as far as each other, the one of lower position is nearer.
    """
    number, total = len(queries), lifted.shape[1]
    extended = np.concatenate([queries, np.ones((number, 1), np.float32)], axis=1)
    width = min(total, max(_BLOCK // number, count))
    # Kept between blocks: fresh memory for each costs as much as the product itself.
    products, nearer = np.empty(number * width, np.float32), np.empty(number * width, np.bool_)
    near = _Near(np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0, np.float32))
    for start in range(0, total, width):
        part = lifted[:, start : start + width]
        shape = (number, part.shape[1])
        size = shape[0] * shape[1]
        distances = np.matmul(extended, part, out=products[:size].reshape(shape))
        reached = nearer[:size].reshape(shape)
        if start == 0:
            limits = np.partition(distances, count - 1, axis=1)[:, count - 1 : count]
            np.less_equal(distances, limits, out=reached)
        else:  # what is only as near as the farthest of the ``count`` so far has a higher position: it is not nearer
            np.less(distances, limits, out=reached)
        hits = np.flatnonzero(reached)
        rows, columns = np.divmod(hits, shape[1])
        near = near.and_also(_Near(rows, columns + start, distances.reshape(-1)[hits]))
        if len(near.rows) > _WAITING * number:
            near = near.best(number, count)
            limits = near.distances.reshape(number, count)[:, -1:]
    near = near.best(number, count)
    squared = near.distances.reshape(number, count) + np.einsum("qd,qd->q", queries, queries)[:, None]
    return near.positions.reshape(number, count), np.maximum(squared, 0.0)  # rounding can leave less than nothing


def _descriptor_ids(image_key: int, count: int) -> NDArray[np.int64]:
    """int64[count]: the ids of an image's descriptors."""
    return (image_key << _FEATURE_BITS) + np.arange(count, dtype=np.int64)


def _neighbours_of_ids(ids: NDArray[np.int64], distances: NDArray[np.float32]) -> Neighbours:
    """Neighbours from descriptor ids (-1: none) and squared distances, both [Q, K]."""
    none = ids < 0
    return Neighbours(
        image_keys=np.where(none, -1, ids >> _FEATURE_BITS),
        feature_numbers=np.where(none, -1, ids & ((1 << _FEATURE_BITS) - 1)).astype(np.int32),
        distances=np.where(none, np.float32(np.inf), distances),
    )
