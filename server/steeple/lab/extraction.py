"""What parts make of photos: taken from the cache, or made by two threads at once and kept there."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any, Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from steeple.delf.progress import Progress
from steeple.lab.cache import FeatureCache, Kept, half
from steeple.lab.features import FeatureMaps, LocalFeatures
from steeple.lab.parts import PartUse, make_part
from steeple.lab.photo_set import LazySequence, ShownPhoto
from steeple.lab.protocols import Backbone, Kind, LocalExtractor

MadeT = TypeVar("MadeT")

Work = Callable[[ShownPhoto], MadeT]
Arrays = Mapping[str, NDArray[Any]]

WORKERS: Final = 2
"""Photos worked on at a time."""

_MAP: Final = "map"


class Extraction(Generic[MadeT]):
    """One part's work on photos.

    Args:
        cache: Where it is kept.
        identity: What the work depends on, but for the photo; ``kind`` is its name.
        worker: Makes what does the work, for one thread.
        pack: Makes arrays of what was made.
        unpack: The reverse, but for what rounding took.
        size: Bytes of memory that one takes.
    """

    def __init__(
        self,
        cache: FeatureCache,
        identity: Mapping[str, Any],
        worker: Callable[[], Work[MadeT]],
        pack: Callable[[MadeT], Arrays],
        unpack: Callable[[Arrays], MadeT],
        size: Callable[[MadeT], int],
    ) -> None:
        self._cache, self._identity, self._worker = cache, identity, worker
        self._pack, self._unpack, self._size = pack, unpack, size
        self._idle: SimpleQueue[Work[MadeT]] = SimpleQueue()

    def ensure(self, photos: Sequence[ShownPhoto], progress: Progress) -> None:
        """Makes and keeps what is not there.

        Args:
            photos: Which.
            progress: Told how far it is.

        Raises:
            ImageError: If a photo cannot be read; the text names it.
            UnavailableError: If the cache cannot be written to.
        """
        distinct = {self._cache.path(self._key(photo)): photo for photo in photos}
        missing = [photo for photo in distinct.values() if not self._cache.has(self._key(photo))]
        if not missing:
            return
        title = f"{self._identity['kind']}: features"
        progress(title, 0, len(missing))
        threads = ThreadPoolExecutor(WORKERS, "steeple-lab")
        try:
            for number, _ in enumerate(threads.map(self._make, missing), start=1):
                progress(title, number, len(missing))
        finally:  # interrupted: what is being made is finished, and no more is begun
            threads.shutdown(cancel_futures=True)

    def load(self, photo: ShownPhoto) -> tuple[MadeT, float]:
        """What was made of a photo, and the seconds that this took; it is made anew if the cache is damaged."""
        kept = self._cache.load(self._key(photo))
        if kept is not None:
            try:
                return self._unpack(kept.arrays), kept.seconds
            except (KeyError, ValueError, IndexError):  # whole, and not what it should be
                pass
        kept = self._make(photo)
        return self._unpack(kept.arrays), kept.seconds

    def sequence(self, photos: Sequence[ShownPhoto], keep_bytes: int) -> Sequence[MadeT]:
        """Of photos in their order, read when asked for.

        Args:
            photos: Which.
            keep_bytes: What is kept in memory at most.
        """
        return LazySequence(len(photos), lambda place: self.load(photos[place])[0], self._size, keep_bytes)

    def _make(self, photo: ShownPhoto) -> Kept:
        work = self._worker() if self._idle.empty() else self._idle.get()
        try:
            start = time.perf_counter()
            made = work(photo)
            seconds = time.perf_counter() - start
        finally:
            self._idle.put(work)
        kept = Kept(self._pack(made), seconds)
        self._cache.store(self._key(photo), kept)
        return kept

    def _key(self, photo: ShownPhoto) -> dict[str, Any]:
        return {**self._identity, **photo.identity}


def local_extraction(
    use: PartUse, kinds: Mapping[str, Kind[LocalExtractor]], cache: FeatureCache, where: str
) -> Extraction[LocalFeatures]:
    """Local features of photos.

    Args:
        use: The extractor.
        kinds: The table of extractors.
        cache: Where features are kept.
        where: Of which system it is, for messages.
    """

    def worker() -> Work[LocalFeatures]:
        extractor = make_part(use, kinds, where)
        return lambda photo: extractor.extract(photo.pixels())

    def size(local: LocalFeatures) -> int:
        return int(local.descriptors.nbytes + 5 * local.positions.nbytes)

    return Extraction(cache, use.identity, worker, _pack_local, _unpack_local, size)


def map_extraction(
    use: PartUse, kinds: Mapping[str, Kind[Backbone]], cache: FeatureCache, where: str
) -> Extraction[FeatureMaps]:
    """Feature maps of photos; arguments as for :func:`local_extraction`."""

    def worker() -> Work[FeatureMaps]:
        backbone = make_part(use, kinds, where)
        return lambda photo: backbone.maps(photo.pixels())

    identity = {**use.identity, "kind": f"maps-{use.kind}"}
    return Extraction(cache, identity, worker, _pack_maps, _unpack_maps, lambda maps: sum(each.nbytes for each in maps))


def _pack_local(local: LocalFeatures) -> Arrays:
    descriptors = local.descriptors if local.binary else half(local.descriptors.astype(np.float32))
    return {
        "positions": local.positions.astype(np.float32),
        "scales": local.scales.astype(np.float32),
        "angles": local.angles.astype(np.float32),
        "scores": local.scores.astype(np.float32),
        "descriptors": descriptors,
        "size": np.array([local.width, local.height], np.int64),
    }


def _unpack_local(arrays: Arrays) -> LocalFeatures:
    descriptors = arrays["descriptors"]
    width, height = arrays["size"].tolist()
    return LocalFeatures(
        arrays["positions"],
        arrays["scales"],
        arrays["angles"],
        arrays["scores"],
        descriptors if descriptors.dtype == np.uint8 else descriptors.astype(np.float32),
        width,
        height,
    )


def _pack_maps(maps: FeatureMaps) -> Arrays:
    return {f"{_MAP}{place}": half(each) for place, each in enumerate(maps)}


def _unpack_maps(arrays: Arrays) -> FeatureMaps:
    return tuple(arrays[f"{_MAP}{place}"].astype(np.float32) for place in range(len(arrays)))
