"""Networks of whole photos: their regions, what comes out, and that PCA is where the projection begins."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from tests.tiny_training import NEEDS_TENSORFLOW

pytestmark = NEEDS_TENSORFLOW


@pytest.fixture(scope="module")
def networks() -> Any:
    return importlib.import_module("steeple.baselines.training.global_network")


@pytest.fixture(scope="module")
def rmac(networks: Any) -> Any:
    return networks.rmac_network("efficientnet-lite0", 8)


def test_a_region_is_the_maximum_within_it(networks: Any) -> None:
    cells = np.arange(36, dtype=np.float32).reshape(1, 6, 6, 1)

    made = np.asarray(networks.RegionMaxima()(cells))[0, :, 0]

    assert made[:5].tolist() == [35, 21, 23, 33, 35]


def test_vectors_are_unit_whatever_the_size_of_the_photo(rmac: Any) -> None:
    for height, width in ((64, 96), (96, 64)):
        image = np.random.default_rng(0).uniform(-1, 1, (2, height, width, 3)).astype(np.float32)

        made = rmac(image, training=False)

        assert made["map"].shape == (2, height // 32, width // 32, 1280)
        assert np.linalg.norm(np.asarray(made["vector"]), axis=1) == pytest.approx(1, abs=1e-3)


def test_mac_is_the_maximum_of_every_channel(networks: Any) -> None:
    network = networks.mac_network("efficientnet-lite0")
    image = np.random.default_rng(0).uniform(-1, 1, (1, 64, 96, 3)).astype(np.float32)

    made = {name: np.asarray(array) for name, array in network(image, training=False).items()}

    greatest = made["map"].max(axis=(1, 2))
    assert made["vector"] == pytest.approx(greatest / np.sqrt(np.square(greatest).sum() + 1e-12), abs=1e-5)


def test_the_projection_begins_as_pca_with_whitening() -> None:
    run = importlib.import_module("steeple.baselines.training.global_run")
    random = np.random.default_rng(1)
    vectors = (random.standard_normal((4000, 6)) * [9, 5, 2, 1, 0.5, 0.1] + 3).astype(np.float32)

    kernel, bias = run.principal_axes(vectors, 3)

    made = vectors @ kernel + bias
    assert made.mean(axis=0) == pytest.approx(0, abs=1e-3)
    assert np.cov(made, rowvar=False) == pytest.approx(np.eye(3), abs=0.05)
