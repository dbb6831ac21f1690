"""Visual words: clusters of descriptors, and which of them a descriptor is nearest to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from steeple.lab.indexes.arguments import enough
from steeple.lab.indexes.clusters import clustered
from steeple.lab.indexes.sampling import sampled
from steeple.lab.indexes.sharing import shared
from steeple.lab.indexes.vectors import Vectors, numbers


class VisualWords:
    """A vocabulary of visual words.

    Attributes:
        centroids: float32[W, D].
    """

    def __init__(self, centroids: NDArray[np.float32]) -> None:
        self.centroids = centroids
        self._index: Any = faiss.IndexFlatL2(centroids.shape[1])
        self._index.add(centroids)

    @staticmethod
    def learned(photos: Sequence[Vectors], count: int, method: str, seed: int) -> VisualWords:
        """The vocabulary of photos, from at most 300,000 of their descriptors.

        Args:
            photos: Their descriptors, float32[N, D] each.
            count: Words.
            method: What errors call what needs it.
            seed: Another one chooses other descriptors.

        Raises:
            InvalidArgumentError: If there are fewer descriptors than words.
        """
        enough(sum(map(len, photos)), count, method, "descriptors")
        return VisualWords(clustered(numbers(sampled(photos, seed=seed), method), count))

    def __len__(self) -> int:
        return len(self.centroids)

    def nearest(self, rows: NDArray[np.float32], count: int = 1) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The nearest words int64[N, count] of descriptors, nearest first, and squared distances float32[N, count]."""
        with shared(float(rows.size) * len(self)):
            distances, words = self._index.search(rows, min(count, len(self)))
        return words, np.maximum(distances, 0.0)
