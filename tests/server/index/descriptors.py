"""Descriptors to fill indexes with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steeple.delf import DIMENSIONS


def descriptors(seed: int, count: int = 50) -> NDArray[np.float32]:
    """float32[count, 40], L2-normalised, evenly spread over the sphere."""
    vectors = np.random.default_rng(seed).standard_normal((count, DIMENSIONS))
    unit: NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit
