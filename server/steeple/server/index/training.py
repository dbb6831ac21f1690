"""Codebooks for catalogues that have outgrown that of the model release."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import faiss
import numpy as np
from numpy.typing import NDArray

from steeple.delf import DIMENSIONS
from steeple.errors import CancelledError, InvalidArgumentError
from steeple.server.index.codebook import Codebook

SAMPLES_PER_LIST: Final = 64
"""Descriptors that a list's centroid is the mean of, about: what training takes."""

_LISTS_PER_ROOT: Final = 16  # FAISS's advice: 4 to 16 times the root of the number of descriptors
_MOST_LISTS: Final = 1 << 18
_ITERATIONS: Final = 10
_GRAPH_FROM: Final = 4096  # lists: below it, comparing with each is as fast as a graph
_GRAPH_NEIGHBOURS: Final = 32
_PQ_SAMPLES: Final = 1 << 18


def lists_for(descriptors: int) -> int:
    """The number of inverted lists for as many descriptors: a power of two."""
    wanted = _LISTS_PER_ROOT * math.sqrt(max(1, descriptors))
    return min(_MOST_LISTS, 1 << round(math.log2(wanted)))


def train(
    descriptors: NDArray[np.float32],
    lists: int,
    *,
    code_size: int,
    probes: int,
    stopped: Callable[[], bool] = lambda: False,
) -> Codebook:
    """A codebook for descriptors like those given; the same ones give the same codebook.

    The coarse centroids come from k-means in two levels: as many groups as the root of the number of lists, and then
    each group apart. One level would take hours for a hundred thousand lists.

    Args:
        descriptors: float32[N, 40]; :data:`SAMPLES_PER_LIST` a list are enough.
        lists: Inverted lists.
        code_size: Bytes of a code; a divisor of 40.
        probes: Lists visited per descriptor.
        stopped: Asked now and then whether to give up.

    Raises:
        InvalidArgumentError: If there are fewer descriptors than lists.
        CancelledError: If it was stopped.
    """
    if len(descriptors) < lists:
        raise InvalidArgumentError(f"{lists} lists take that many descriptors to train, not {len(descriptors)}")
    centroids = _centroids(descriptors, lists, stopped)
    quantizer: Any
    if lists < _GRAPH_FROM:
        quantizer = faiss.IndexFlatL2(DIMENSIONS)
    else:
        quantizer = faiss.IndexHNSWFlat(DIMENSIONS, _GRAPH_NEIGHBOURS)
    quantizer.add(centroids)
    index: Any = faiss.IndexIVFPQ(quantizer, DIMENSIONS, lists, code_size, 8)
    index.use_precomputed_table = -1
    index.do_polysemous_training = False
    index.pq.cp.min_points_per_centroid = 1  # FAISS would write its advice to stderr
    index.train(descriptors[:: max(1, len(descriptors) // _PQ_SAMPLES)])
    return Codebook(faiss.serialize_index(index).tobytes(), probes, "a new codebook")


def _centroids(descriptors: NDArray[np.float32], lists: int, stopped: Callable[[], bool]) -> NDArray[np.float32]:
    """float32[lists, 40]."""
    groups = round(math.sqrt(lists))
    means = _means(descriptors, groups)
    nearest: Any = faiss.IndexFlatL2(DIMENSIONS)
    nearest.add(means)
    group = nearest.search(descriptors, 1)[1][:, 0]
    sizes = np.bincount(group, minlength=groups)
    found = []
    # Each group gets its share of lists; rounding must neither lose nor add one.
    ends = np.rint(np.cumsum(sizes) * lists / len(descriptors)).astype(int)
    for number, count in enumerate(np.diff(ends, prepend=0)):
        if stopped():
            raise CancelledError("the training of the codebook was interrupted")
        if count:
            found.append(_means(descriptors[group == number], int(count)))
    return np.concatenate(found)


def _means(descriptors: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """float32[count, 40]: centres of clusters."""
    clustering: Any = faiss.Kmeans(
        DIMENSIONS,
        count,
        niter=_ITERATIONS,
        seed=1,
        min_points_per_centroid=1,
        max_points_per_centroid=4 * SAMPLES_PER_LIST,
    )
    clustering.train(np.ascontiguousarray(descriptors))
    return np.asarray(clustering.centroids, np.float32)
