"""One vector for each photo: feature maps, pooled and whitened."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf.progress import Progress
from steeple.errors import InvalidArgumentError
from steeple.lab.cache import FeatureCache, Kept
from steeple.lab.extraction import WORKERS, Extraction, map_extraction
from steeple.lab.features import FeatureMaps
from steeple.lab.parts import Parts, make_part
from steeple.lab.photo_set import KEEP_BYTES, ShownDataset, ShownPhoto
from steeple.lab.pooling.whitening import Whitening
from steeple.lab.systems import GlobalBranch, fingerprint

_AHEAD: Final = 8  # photos whose feature maps are read before they are pooled


@dataclass(frozen=True, eq=False)
class Vectors:
    """Of a data set.

    Attributes:
        gallery: float32[G, D], L2-normalised.
        queries: float32[Q, D], L2-normalised.
        training: float32[T, D], L2-normalised.
        seconds: float64[Q]; that the vector of a query took, from its file to the end.
    """

    gallery: NDArray[np.float32]
    queries: NDArray[np.float32]
    training: NDArray[np.float32]
    seconds: NDArray[np.float64]


def make_vectors(
    branch: GlobalBranch, shown: ShownDataset, parts: Parts, cache: FeatureCache, progress: Progress, where: str
) -> Vectors:
    """The vectors of all photos of a data set; pooled ones are kept in the cache, a file for each part of the data set.

    Args:
        branch: How they are made.
        shown: The data set.
        parts: What the branch is made of.
        cache: Where features are kept.
        progress: Told how far it is.
        where: Of which system they are, for messages.

    Raises:
        InvalidArgumentError: If parameters make no sense, or there are too few training photos to fit on.
        ImageError: If a photo cannot be read.
    """
    training, gallery, queries = _Pooled(branch, shown, parts, cache, where).all(progress)
    if branch.whitening is None:
        return Vectors(gallery.vectors, queries.vectors, training.vectors, queries.seconds)
    if not shown.training:
        raise InvalidArgumentError(f"{where}: whitening is fitted on training photos, and there are none")
    whitening = Whitening(branch.whitening.dimensions, branch.whitening.whiten)
    whitening.fit(training.vectors)
    start = time.perf_counter()
    whitened = whitening.apply(queries.vectors)
    each = (time.perf_counter() - start) / max(1, len(whitened))
    return Vectors(
        whitening.apply(gallery.vectors), whitened, whitening.apply(training.vectors), queries.seconds + each
    )


@dataclass(frozen=True, eq=False)
class _Part:
    vectors: NDArray[np.float32]
    seconds: NDArray[np.float64]


class _Pooled:
    def __init__(
        self, branch: GlobalBranch, shown: ShownDataset, parts: Parts, cache: FeatureCache, where: str
    ) -> None:
        self._branch, self._cache = branch, cache
        self._pooling = make_part(branch.pooling, parts.poolings, where)
        self._maps: Extraction[FeatureMaps] = map_extraction(branch.backbone, parts.backbones, cache, where)
        self._sets = (shown.training, shown.gallery, shown.queries)

    def all(self, progress: Progress) -> tuple[_Part, _Part, _Part]:
        """Of training photos, gallery and queries."""
        training, gallery, queries = (self._load(photos) for photos in self._sets)
        if training is not None and gallery is not None and queries is not None:
            return training, gallery, queries
        self._maps.ensure([photo for photos in self._sets for photo in photos], progress)
        self._pooling.fit(self._maps.sequence(self._sets[0], KEEP_BYTES))
        training, gallery, queries = (self._pool(photos, progress) for photos in self._sets)
        return training, gallery, queries

    def _load(self, photos: Sequence[ShownPhoto]) -> _Part | None:
        kept = self._cache.load(self._key(photos))
        if kept is None or kept.arrays.keys() != {"vectors", "seconds"} or len(kept.arrays["vectors"]) != len(photos):
            return None
        return _Part(kept.arrays["vectors"], kept.arrays["seconds"])

    def _pool(self, photos: Sequence[ShownPhoto], progress: Progress) -> _Part:
        title = f"{self._branch.pooling.kind}: pooled"
        vectors, seconds = [], []
        for number, (maps, spent) in enumerate(self._read(photos)):
            progress(title, number, len(photos))
            start = time.perf_counter()
            vectors.append(self._pooling.pool(maps))
            seconds.append(spent + time.perf_counter() - start)
        progress(title, len(photos), len(photos))
        stacked = np.stack(vectors).astype(np.float32) if vectors else np.zeros((0, 0), np.float32)
        part = _Part(stacked, np.array(seconds, np.float64))
        arrays: Mapping[str, NDArray[Any]] = {"vectors": part.vectors, "seconds": part.seconds}
        self._cache.store(self._key(photos), Kept(arrays, float(part.seconds.sum())))
        return part

    def _read(self, photos: Sequence[ShownPhoto]) -> Iterator[tuple[FeatureMaps, float]]:
        """Maps in order, a few ahead: reading them takes as long as pooling them."""
        with ThreadPoolExecutor(WORKERS, "steeple-lab") as threads:
            for first in range(0, len(photos), _AHEAD):
                yield from threads.map(self._maps.load, photos[first : first + _AHEAD])

    def _key(self, photos: Sequence[ShownPhoto]) -> dict[str, Any]:
        branch = self._branch
        return {
            "kind": f"vectors-{branch.pooling.kind}",
            "backbone": branch.backbone.identity,
            "pooling": branch.pooling.identity,
            "training": fingerprint([photo.identity for photo in self._sets[0]]),
            "photos": fingerprint([photo.identity for photo in photos]),
        }
