"""Synthetic catalogues: what they promise of images and copies."""

from __future__ import annotations

import numpy as np
import pytest

from steeple.delf import ModelRelease
from steeple.server.index import ExactIndex
from steeple.server.scale import IMAGE_DESCRIPTORS, SyntheticCatalogue, key_of

RELEASE = ModelRelease.load()


@pytest.fixture(scope="module")
def catalogue() -> SyntheticCatalogue:
    return SyntheticCatalogue(RELEASE)


def test_images_are_unit_descriptors_and_always_the_same(catalogue: SyntheticCatalogue) -> None:
    image = catalogue.image(7)
    assert image.shape == (IMAGE_DESCRIPTORS, 40)
    assert image.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(image, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(image, SyntheticCatalogue(RELEASE).image(7))
    assert not (image == catalogue.image(8)).all(axis=1).any()


@pytest.mark.parametrize("distance", [0.1, 0.35, 0.58])
def test_copies_are_as_far_from_their_originals_as_asked(catalogue: SyntheticCatalogue, distance: float) -> None:
    queries, origins = catalogue.copies(30, 400, distance)
    assert queries.shape == (400, 40)
    assert queries.dtype == np.float32
    assert len(set(origins.tolist())) > 390
    originals = np.stack([catalogue.image(origin // 1000)[origin % 1000] for origin in origins.tolist()])
    angles = np.arccos(np.clip((queries * originals).sum(axis=1), -1, 1))
    np.testing.assert_allclose(np.tan(angles), distance, rtol=0.01)


def test_the_exact_neighbour_of_a_copy_is_its_original(catalogue: SyntheticCatalogue) -> None:
    exact = ExactIndex(RELEASE.name)
    for number in range(30):
        exact.add(key_of(number), catalogue.image(number))
    queries, origins = catalogue.copies(30, 300, 0.35)
    found = exact.search(queries, 1)
    assert (1000 * (found.image_keys - key_of(0)) + found.feature_numbers)[:, 0].tolist() == origins.tolist()
