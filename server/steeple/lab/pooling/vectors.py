"""Lengths of vectors."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

_SMALLEST: Final = 1e-12


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """L2-normalised along the last axis; a vector of zeros stays one.

    Args:
        vectors: float32[..., D].
    """
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    found: NDArray[np.float32] = (vectors / np.maximum(norms, _SMALLEST)).astype(np.float32)
    return found
