"""The embedded index: FAISS inverted lists of product-quantized residuals (DELF, section 4.4)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import faiss
import numpy as np
from numpy.typing import NDArray

from steeple.delf import DIMENSIONS, ModelRelease
from steeple.errors import ReleaseError, SnapshotError
from steeple.server.index import protocol
from steeple.server.index.locks import ReadWriteLock
from steeple.server.index.protocol import IndexStats, Neighbours
from steeple.server.index.snapshot import SnapshotHeader, read_snapshot, write_snapshot

_ID_BYTES: Final = 8


class FaissIndex:
    """A :class:`~steeple.server.index.protocol.DescriptorIndex` on the codebook of a model release.

    The coarse quantizer and the product quantizer come trained with the release, so the first image
    is searchable at once and small catalogues go the same way as large ones.

    Args:
        release: The model release whose descriptors are indexed.

    Raises:
        ReleaseError: If the release's codebook is not one for its descriptors.
    """

    def __init__(self, release: ModelRelease) -> None:
        index = _load(release.codebook_path.read_bytes(), f"the codebook of model release {release.name}")
        if index.d != DIMENSIONS or not index.is_trained or index.ntotal:
            raise ReleaseError(f"the codebook of model release {release.name} is not a trained, empty one")
        self._setup(release, index, set())

    def _setup(self, release: ModelRelease, index: Any, images: set[int]) -> None:  # noqa: ANN401 - FAISS is untyped
        self._release = release
        self._index = index
        self._index.nprobe = release.index.probes
        self._images = images
        self._lock = ReadWriteLock()

    def add(self, image_key: int, descriptors: NDArray[np.float32]) -> None:
        """See :meth:`DescriptorIndex.add`."""
        rows = protocol.checked(descriptors)
        ids = protocol.descriptor_ids(protocol.checked_key(image_key), len(rows))
        with self._lock.writing():
            if image_key in self._images:
                self._remove(image_key)
            self._index.add_with_ids(rows, ids)
            self._images.add(image_key)

    def remove(self, image_key: int) -> bool:
        """See :meth:`DescriptorIndex.remove`."""
        with self._lock.writing():
            if image_key not in self._images:
                return False
            self._remove(image_key)
            self._images.discard(image_key)
            return True

    def _remove(self, image_key: int) -> None:
        first = image_key << protocol.FEATURE_BITS
        self._index.remove_ids(faiss.IDSelectorRange(first, first + (1 << protocol.FEATURE_BITS)))

    def __contains__(self, image_key: int) -> bool:
        with self._lock.reading():
            return image_key in self._images

    def search(self, queries: NDArray[np.float32], neighbours: int) -> Neighbours:
        """See :meth:`DescriptorIndex.search`. Distances are those to the quantized descriptors."""
        rows = protocol.checked(queries)
        with self._lock.reading():
            distances, ids = self._index.search(rows, neighbours)
        return protocol.neighbours_of_ids(ids, distances)

    def snapshot(self, path: Path, sequence: int) -> None:
        """See :meth:`DescriptorIndex.snapshot`."""
        with self._lock.reading():
            payload = faiss.serialize_index(self._index)
            images = tuple(sorted(self._images))
        header = SnapshotHeader(_kind(self._release), self._release.name, sequence, images)
        write_snapshot(path, header, payload.data)

    @staticmethod
    def restore(path: Path, release: ModelRelease) -> tuple[FaissIndex, int]:
        """An index from its snapshot, and the catalogue sequence number up to which it is current.

        Raises:
            SnapshotError: If the file is missing, truncated, corrupt, or of another codebook or release.
        """
        header, payload = read_snapshot(path, kind=_kind(release), model=release.name)
        index = FaissIndex.__new__(FaissIndex)
        try:
            loaded = _load(bytes(payload), f"index snapshot {path}")
        except ReleaseError as error:
            raise SnapshotError(str(error)) from error
        index._setup(release, loaded, set(header.images))
        return index, header.sequence

    def stats(self) -> IndexStats:
        """See :meth:`DescriptorIndex.stats`."""
        with self._lock.reading():
            return IndexStats(
                kind=f"{self._release.index.factory} on CPU",
                images=len(self._images),
                descriptors=int(self._index.ntotal),
                bytes_per_descriptor=float(self._index.code_size + _ID_BYTES),
            )


def _kind(release: ModelRelease) -> str:
    # The codebook's hash, not its factory string: codes mean nothing under other centroids.
    return f"faiss {release.manifest['files'][release.codebook_path.name]['sha256']}"


def _load(data: bytes, what: str) -> Any:  # noqa: ANN401 - FAISS is untyped
    try:
        return faiss.deserialize_index(np.frombuffer(data, np.uint8))
    except RuntimeError as error:
        raise ReleaseError(f"{what} is not a FAISS index: {error}") from error
