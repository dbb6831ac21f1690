"""Weights of a network by layer in one file, half precision: what a release carries to be trained on from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from steeple.delf.training import checkpoint

LayerWeights: TypeAlias = Mapping[str, Sequence[NDArray[np.float32]]]
"""Weights by layer name, in Keras' order and layout."""


def write(file: Path, layers: LayerWeights) -> None:
    """Writes the weights of every layer as float16, by layer name and number."""
    checkpoint.write_arrays(
        file,
        {
            f"{layer}:{number}": array.astype(np.float16)
            for layer, arrays in layers.items()
            for number, array in enumerate(arrays)
        },
    )


def read(file: Path) -> dict[str, list[NDArray[np.float32]]]:
    """Reads what :func:`write` wrote, as float32.

    Raises:
        ReleaseError: If the file is missing or damaged.
    """
    found: dict[str, list[NDArray[np.float32]]] = {}
    for name, array in checkpoint.read_arrays(file).items():  # in the order of writing
        found.setdefault(name.rpartition(":")[0], []).append(array.astype(np.float32))
    return found
