"""Clusters of descriptors: visual words, and cells of inverted files."""

from __future__ import annotations

from typing import Any, Final

import faiss
import numpy as np
from numpy.typing import NDArray

from steeple.lab.indexes.sharing import shared
from steeple.server.index.training import centroids

_ROUNDS: Final = 4


def clustered(training: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Centres of clusters; the same vectors have the same.

    K-means in two levels, which takes seconds where one level takes an hour, and four rounds of plain k-means from
    there.

    Args:
        training: float32[N, D], as many as clusters or more.
        count: Clusters.

    Returns:
        float32[count, D].
    """
    with shared(float(count) * training.size):
        first = centroids(training, count)
        clustering: Any = faiss.Kmeans(
            training.shape[1],
            count,
            niter=_ROUNDS,
            seed=1,
            min_points_per_centroid=1,
            max_points_per_centroid=len(training),
        )
        clustering.train(training, init_centroids=first)
    return np.asarray(clustering.centroids, np.float32)
