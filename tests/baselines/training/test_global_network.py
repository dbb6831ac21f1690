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


def test_regions_of_a_square_are_1_4_and_9(networks: Any) -> None:
    found = networks.region_grid(6, 6)

    assert found[0] == (0, 0, 6)
    assert [side for _, _, side in found] == [6] + [4] * 4 + [3] * 9
    assert found[1:5] == [(0, 0, 4), (0, 2, 4), (2, 0, 4), (2, 2, 4)]


@pytest.mark.parametrize(("height", "width"), [(10, 8), (8, 10), (7, 20), (1, 5), (2, 2)])
def test_regions_lie_on_the_map_and_cover_it(networks: Any, height: int, width: int) -> None:
    covered = np.zeros((height, width), int)
    for row, column, side in networks.region_grid(height, width):
        assert 0 <= row <= height - side
        assert 0 <= column <= width - side
        covered[row : row + side, column : column + side] += 1

    assert covered.all()


def test_regions_of_an_upright_map_are_those_of_the_other_turned(networks: Any) -> None:
    turned = {(column, row, side) for row, column, side in networks.region_grid(6, 9)}

    assert turned == set(networks.region_grid(9, 6))


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
