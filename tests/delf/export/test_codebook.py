"""The codebook of a release."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from steeple.delf.export import codebook

SMALL = "IVF16,PQ20np"
"""np: FAISS sorts no centroids for polysemous search, which takes a minute and which nothing uses."""


def unit(random: np.random.Generator, count: int, dimensions: int) -> NDArray[np.float32]:
    vectors = random.standard_normal((count, dimensions)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def test_a_codebook_is_trained_empty_and_the_same_every_time() -> None:
    descriptors = unit(np.random.default_rng(4), 3000, 40)
    first = codebook.train(SMALL, descriptors)
    assert codebook.train(SMALL, descriptors) == first
    assert codebook.train(SMALL, descriptors[::-1].copy()) != first
    index: Any = faiss.deserialize_index(np.frombuffer(first, np.uint8))
    assert (index.is_trained, index.ntotal, index.d, index.nlist) == (True, 0, 40, 16)
