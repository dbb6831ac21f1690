"""The codebook of a release: coarse quantizer and product quantizer (DELF, section 4.4)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

_SEED = 1234


def train(factory: str, descriptors: NDArray[np.float32]) -> bytes:
    """A trained, empty FAISS index, serialized. The same descriptors give the same bytes.

    Args:
        factory: FAISS factory string.
        descriptors: float32[N, 40], L2-normalised.
    """
    index = faiss.index_factory(descriptors.shape[1], factory)
    lists: Any = faiss.downcast_index(faiss.extract_index_ivf(index))
    lists.cp.seed = _SEED
    lists.pq.cp.seed = _SEED
    with on_one_thread():
        index.train(descriptors)
    return faiss.serialize_index(index).tobytes()


@contextmanager
def on_one_thread() -> Iterator[None]:
    """Holds FAISS to one thread: the sums of k-means then add up in one order."""
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)
