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
from steeple.server.index_factory import IndexFactory

SAMPLES_PER_LIST: Final = 64
"""Descriptors that a list's centroid is the mean of, about: what training takes."""

_LISTS_PER_ROOT: Final = 16  # FAISS's advice: 4 to 16 times the root of the number of descriptors
_MOST_LISTS: Final = 1 << 18
_ITERATIONS: Final = 10
_OPQ_SAMPLES: Final = 1 << 13  # with so many and so few rounds, ten seconds: a stopped server waits for them
_OPQ_ITERATIONS: Final = 10
_PQ_SAMPLES: Final = 1 << 18


def lists_for(descriptors: int) -> int:
    """The number of inverted lists for as many descriptors: a power of two."""
    wanted = _LISTS_PER_ROOT * math.sqrt(max(1, descriptors))
    return min(_MOST_LISTS, 1 << round(math.log2(wanted)))


def samples_for(factory: IndexFactory) -> int:
    """Descriptors that training makes use of, about."""
    return SAMPLES_PER_LIST * max(factory.lists, 1 << factory.bits)


def train(
    descriptors: NDArray[np.float32],
    factory: IndexFactory,
    *,
    probes: int,
    stopped: Callable[[], bool] = lambda: False,
) -> Codebook:
    """A codebook for descriptors like those given; the same ones give the same codebook.

    The coarse centroids come from k-means in two levels: as many groups as the root of the number of lists, and then
    each group apart. One level would take hours for a hundred thousand lists.

    Args:
        descriptors: float32[N, 40]; :data:`SAMPLES_PER_LIST` a list are enough.
        factory: What it is to be.
        probes: Lists visited per descriptor.
        stopped: Asked now and then whether to give up.

    Raises:
        InvalidArgumentError: If there are fewer descriptors than lists, or than centroids of a sub-quantizer.
        CancelledError: If it was stopped.
    """
    least = max(factory.lists, 1 << factory.bits)
    if len(descriptors) < least:
        raise InvalidArgumentError(f"{factory} takes at least {least} descriptors to train, not {len(descriptors)}")
    turn = rotation(descriptors, factory.sub_quantizers) if factory.turned else None
    if turn is not None:
        descriptors = turn.apply(descriptors)
    means = centroids(descriptors, factory.lists, stopped)
    quantizer: Any = faiss.IndexFlatL2(DIMENSIONS)
    if factory.links:
        quantizer = faiss.IndexHNSWFlat(DIMENSIONS, factory.links)
    quantizer.add(means)
    lists: Any = faiss.IndexIVFPQ(quantizer, DIMENSIONS, factory.lists, factory.sub_quantizers, factory.bits)
    lists.use_precomputed_table = -1
    lists.do_polysemous_training = False
    lists.pq.cp.min_points_per_centroid = 1  # FAISS would write its advice to stderr
    lists.train(_some(descriptors, _PQ_SAMPLES))
    index: Any = lists if turn is None else faiss.IndexPreTransform(turn, lists)
    return Codebook(faiss.serialize_index(index).tobytes(), probes, "a new codebook")


def rotation(descriptors: NDArray[np.float32], sub_quantizers: int) -> Any:  # noqa: ANN401 - FAISS is untyped
    """The rotation after which product quantization loses least (Ge et al., Optimized Product Quantization, 2013).

    Args:
        descriptors: float32[N, D]; as many as a sub-quantizer has centroids, 256, or more.
        sub_quantizers: Of the product quantizer; they divide D.

    Returns:
        FAISS's, trained.
    """
    dimensions = descriptors.shape[1]
    turn: Any = faiss.OPQMatrix(dimensions, sub_quantizers)
    turn.niter = turn.niter_pq_0 = _OPQ_ITERATIONS
    quantizer: Any = faiss.ProductQuantizer(dimensions, sub_quantizers, 8)
    quantizer.cp.min_points_per_centroid = 1
    turn.pq = quantizer
    # Thousands of small steps, at the end of each of which threads would wait for each other.
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        turn.train(_some(descriptors, _OPQ_SAMPLES))
    finally:
        faiss.omp_set_num_threads(threads)
    turn.pq = None  # it goes with this function
    return turn


def _some(descriptors: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """At most twice ``count`` of them, evenly chosen."""
    return np.ascontiguousarray(descriptors[:: max(1, len(descriptors) // count)])


def centroids(
    descriptors: NDArray[np.float32], lists: int, stopped: Callable[[], bool] = lambda: False
) -> NDArray[np.float32]:
    """Centres of clusters, by k-means in two levels; the same descriptors have the same.

    Args:
        descriptors: float32[N, D], as many as there are lists or more.
        lists: How many.
        stopped: Asked now and then whether to give up.

    Returns:
        float32[lists, D].

    Raises:
        CancelledError: If it was stopped.
    """
    groups = round(math.sqrt(lists))
    means = _means(descriptors, groups)
    nearest: Any = faiss.IndexFlatL2(descriptors.shape[1])
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
    """float32[count, D]: centres of clusters."""
    clustering: Any = faiss.Kmeans(
        descriptors.shape[1],
        count,
        niter=_ITERATIONS,
        seed=1,
        min_points_per_centroid=1,
        max_points_per_centroid=4 * SAMPLES_PER_LIST,
    )
    clustering.train(np.ascontiguousarray(descriptors))
    return np.asarray(clustering.centroids, np.float32)
