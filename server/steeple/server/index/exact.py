"""Exact nearest neighbours by brute force: what approximate indexes are measured against."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf import DIMENSIONS
from steeple.server.index import protocol
from steeple.server.index.protocol import IndexStats, Neighbours
from steeple.server.index.snapshot import SnapshotHeader, read_snapshot, write_snapshot

_BLOCK: Final = 64  # queries at a time: their distances to a million descriptors take 256 MB


class ExactIndex:
    """A :class:`~steeple.server.index.protocol.DescriptorIndex` that compares with every descriptor.

    Args:
        model: Name of the model release whose descriptors it holds.
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self._images: dict[int, NDArray[np.float32]] = {}
        self._lock = threading.Lock()

    def add(self, image_key: int, descriptors: NDArray[np.float32]) -> None:
        """See :meth:`DescriptorIndex.add`."""
        rows = protocol.checked(descriptors).copy()
        with self._lock:
            self._images[protocol.checked_key(image_key)] = rows

    def remove(self, image_key: int) -> bool:
        """See :meth:`DescriptorIndex.remove`."""
        with self._lock:
            return self._images.pop(image_key, None) is not None

    def __contains__(self, image_key: int) -> bool:
        with self._lock:
            return image_key in self._images

    def search(self, queries: NDArray[np.float32], neighbours: int) -> Neighbours:
        """See :meth:`DescriptorIndex.search`."""
        rows = protocol.checked(queries)
        ids, descriptors = self._all()
        kept = min(neighbours, len(ids))
        found = np.full((len(rows), neighbours), -1, np.int64)
        distances = np.full((len(rows), neighbours), np.inf, np.float32)
        if kept:
            for start in range(0, len(rows), _BLOCK):
                block = slice(start, start + _BLOCK)
                nearest, distances[block, :kept] = _nearest(rows[block], descriptors, kept)
                found[block, :kept] = ids[nearest]
        return protocol.neighbours_of_ids(found, distances)

    def snapshot(self, path: Path, sequence: int) -> None:
        """See :meth:`DescriptorIndex.snapshot`."""
        ids, descriptors = self._all()
        header = SnapshotHeader(kind="exact", model=self._model, sequence=sequence, images=self._keys())
        write_snapshot(path, header, ids.tobytes() + descriptors.tobytes())

    @staticmethod
    def restore(path: Path, model: str) -> tuple[ExactIndex, int]:
        """An index from its snapshot, and the catalogue sequence number up to which it is current.

        Raises:
            SnapshotError: If the file is missing, truncated, corrupt, or of another kind or release.
        """
        header, payload = read_snapshot(path, kind="exact", model=model)
        count = len(payload) // (8 + 4 * DIMENSIONS)
        ids = np.frombuffer(payload, np.int64, count)
        descriptors = np.frombuffer(payload, np.float32, offset=8 * count).reshape(count, DIMENSIONS)
        index = ExactIndex(model)
        for key in header.images:
            index.add(key, descriptors[ids >> protocol.FEATURE_BITS == key])
        return index, header.sequence

    def stats(self) -> IndexStats:
        """See :meth:`DescriptorIndex.stats`."""
        with self._lock:
            count = sum(len(rows) for rows in self._images.values())
            return IndexStats("exact on CPU", len(self._images), count, 4.0 * DIMENSIONS)

    def _keys(self) -> tuple[int, ...]:
        with self._lock:
            return tuple(sorted(self._images))

    def _all(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        with self._lock:
            ids = [protocol.descriptor_ids(key, len(rows)) for key, rows in self._images.items()]
            rows = list(self._images.values())
        if not rows:
            return np.empty(0, np.int64), np.empty((0, DIMENSIONS), np.float32)
        return np.concatenate(ids), np.concatenate(rows)


def _nearest(
    queries: NDArray[np.float32], descriptors: NDArray[np.float32], count: int
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Positions of the ``count`` nearest of each query, nearest first, and their squared distances."""
    squared = (queries**2).sum(axis=1)[:, None] - 2.0 * queries @ descriptors.T + (descriptors**2).sum(axis=1)[None, :]
    # Partition, then sort the few that are near: sorting all takes ten times as long. Ties go by position.
    limits = np.partition(squared, count - 1, axis=1)[:, count - 1]
    nearest = np.empty((len(queries), count), np.intp)
    for row, (distances, limit) in enumerate(zip(squared, limits, strict=True)):
        near = np.flatnonzero(distances <= limit)
        nearest[row] = near[np.argsort(distances[near], kind="stable")][:count]
    return nearest, np.take_along_axis(squared, nearest, axis=1)
