"""The compact codebook of a release: what :mod:`steeple.delf.compact` codes descriptors with."""

from __future__ import annotations

import io
from typing import Any, Final

import faiss
import numpy as np
from numpy.typing import NDArray

from steeple.delf.export.codebook import on_one_thread
from steeple.delf.features import DIMENSIONS
from steeple.delf.residual_quantizer import CENTROIDS
from steeple.errors import InvalidArgumentError

STAGES: Final = 12
_SEED: Final = 1234
_SAMPLES: Final = 120_000
_BEAM: Final = 5


def train(descriptors: NDArray[np.float32]) -> bytes:
    """A codebook, float16[12, 256, 40], as ``numpy.save`` writes it. The same descriptors give the same bytes.

    Args:
        descriptors: float32[N, 40], L2-normalised.

    Raises:
        InvalidArgumentError: If there are fewer than the centroids of a stage.
    """
    if len(descriptors) < CENTROIDS:
        raise InvalidArgumentError(
            f"a compact codebook takes {CENTROIDS} descriptors to train, and there are {len(descriptors)}; add photos"
        )
    chosen = np.random.default_rng(_SEED).permutation(len(descriptors))[:_SAMPLES]
    quantizer: Any = faiss.ResidualQuantizer(DIMENSIONS, STAGES, 8)
    quantizer.max_beam_size = _BEAM
    quantizer.cp.seed = _SEED
    quantizer.cp.min_points_per_centroid = 1  # FAISS would write its advice to stderr
    with on_one_thread():
        quantizer.train(np.ascontiguousarray(descriptors[np.sort(chosen)]))
    centroids = faiss.vector_to_array(quantizer.codebooks).reshape(STAGES, CENTROIDS, DIMENSIONS)
    file = io.BytesIO()
    np.save(file, centroids.astype(np.float16), allow_pickle=False)
    return file.getvalue()
