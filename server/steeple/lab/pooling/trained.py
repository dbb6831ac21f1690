"""What this project has trained for descriptors of whole photos."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.baselines import releases
from steeple.delf.features import l2_normalised
from steeple.delf.training import layer_weights
from steeple.errors import ReleaseError

_PROJECTION: Final = "projection"


def trained_weights(name: str, folder: Path = releases.RELEASES) -> layer_weights.LayerWeights:
    """Weights of a network that this project has trained, by layer.

    Args:
        name: Of its file, without the ending.
        folder: That holds it.

    Raises:
        NotFoundError: If there is none of that name.
        ReleaseError: If it is damaged.
    """
    return releases.load(name, folder).weights


class TrainedProjection:
    """A fully connected layer: PCA, whitening and shift in one, learned with the network (Gordo et al., IJCV 2017).

    Args:
        kernel: float32[D, E].
        bias: float32[E].
    """

    def __init__(self, kernel: NDArray[np.float32], bias: NDArray[np.float32]) -> None:
        self._kernel = kernel
        self._bias = bias

    def apply(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32[N, D] to float32[N, E], L2-normalised."""
        return l2_normalised(vectors @ self._kernel + self._bias)


def trained_projection(name: str, folder: Path = releases.RELEASES) -> TrainedProjection:
    """That of a trained network; arguments as for :func:`trained_weights`.

    Raises:
        ReleaseError: If there is no such network, or it has no projection.
    """
    weights = trained_weights(name, folder)
    if _PROJECTION not in weights:
        raise ReleaseError(f"{name} has no projection of regions; leave trained out, or say dir")
    return TrainedProjection(*weights[_PROJECTION])
