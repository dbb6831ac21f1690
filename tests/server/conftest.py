"""Photos and features to build catalogues from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from steeple.delf.features import DIMENSIONS, FeatureSet, quantize_descriptors
from steeple.delf.release import DEFAULT_RELEASE
from tests.scenes import encoded, scene

MakePhoto = Callable[..., bytes]
MakeFeatures = Callable[..., FeatureSet]


@pytest.fixture(scope="session")
def make_photo() -> MakePhoto:
    """Photos by number, as encoded files: each shows other shapes, so that a network tells them apart."""

    def make(number: int, *, suffix: str = ".jpg", width: int = 320, height: int = 240) -> bytes:
        return encoded(scene(number, width, height), suffix)

    return make


@pytest.fixture(scope="session")
def make_features() -> MakeFeatures:
    """Features by number: random descriptors at random places, as of a photo of 640 by 480 pixels."""

    def make(number: int, *, count: int = 200, model: str = DEFAULT_RELEASE) -> FeatureSet:
        random = np.random.default_rng(number)
        vectors = random.standard_normal((count, DIMENSIONS)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return FeatureSet(
            model=model,
            width=640,
            height=480,
            descriptors=quantize_descriptors(vectors),
            keypoints=(random.random((count, 2)) * [639, 479]).astype(np.float32),
            scales=np.ones(count, np.float32),
            scores=np.sort(random.random(count).astype(np.float32))[::-1].copy(),
        )

    return make
