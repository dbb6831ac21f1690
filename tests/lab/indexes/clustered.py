"""Photos made of numbers: scenes of descriptors, seen with noise and with strangers among them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steeple.lab.features import LocalFeatures

DIMENSIONS = 32
FEATURES = 40


def unit(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    """Each of them at length 1."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), np.float32)


def features(descriptors: NDArray[np.float32] | NDArray[np.uint8]) -> LocalFeatures:
    """A photo of such descriptors, whose geometry does not matter."""
    count = len(descriptors)
    line = np.arange(count, dtype=np.float32)
    return LocalFeatures(
        np.stack([line, line], axis=1), np.ones_like(line), np.zeros_like(line), -line, descriptors, 640, 480
    )


def centres(count: int, dimensions: int = DIMENSIONS) -> NDArray[np.float64]:
    """float64[count, dimensions]: what descriptors of all photos cluster about."""
    return np.random.default_rng(99).standard_normal((count, dimensions))


def photos(count: int, seed: int, size: int = FEATURES) -> list[NDArray[np.float32]]:
    """Descriptors float32[size, D] of photos that have nothing to do with each other, about 64 shared centres."""
    rng = np.random.default_rng(seed)
    about = centres(64)
    return [
        unit(about[rng.integers(0, len(about), size)] + 0.6 * rng.standard_normal((size, DIMENSIONS)))
        for _ in range(count)
    ]


def seen_again(descriptors: NDArray[np.float32], seed: int, noise: float = 0.03) -> NDArray[np.float32]:
    """Another photo of the same scene: three descriptors of four, with noise, and strangers."""
    rng = np.random.default_rng(seed)
    kept = descriptors[rng.permutation(len(descriptors))[: 3 * len(descriptors) // 4]]
    strangers = photos(1, seed + 1000, len(descriptors) // 4)[0]
    return np.concatenate([unit(kept + noise * rng.standard_normal(kept.shape)), strangers])


def as_bits(descriptors: NDArray[np.float32]) -> NDArray[np.uint8]:
    """uint8[N, 16]: signs of their products with 128 directions, so that near ones differ in few bits."""
    directions = np.random.default_rng(5).standard_normal((descriptors.shape[1], 128))
    return np.packbits(descriptors @ directions > 0, axis=1)
