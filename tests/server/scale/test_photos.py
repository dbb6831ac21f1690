"""Queries with an answer, and without."""

from __future__ import annotations

import numpy as np
import pytest

from steeple.delf import ModelRelease
from steeple.errors import InvalidArgumentError
from steeple.recognition import verify
from steeple.recognition.matching import mutual_nearest_neighbours
from steeple.server.scale import SyntheticCatalogue, SyntheticPhotos
from steeple.server.scale.photos import PLANTED, QUERY_IMAGES

RELEASE = ModelRelease.load()


@pytest.fixture(scope="module")
def photos() -> SyntheticPhotos:
    return SyntheticPhotos(RELEASE.name, SyntheticCatalogue(RELEASE).image, 40)


def test_a_photo_has_the_descriptors_of_its_image(photos: SyntheticPhotos) -> None:
    photo = photos.photo(3)
    assert (photo.model, photo.width, photo.height, len(photo)) == (RELEASE.name, 640, 480, 1000)
    similar = (photo.unit_descriptors() * SyntheticCatalogue(RELEASE).image(3)).sum(axis=1)
    assert similar.min() > 0.99, "but for eight bits"
    np.testing.assert_array_equal(photo.keypoints, photos.photo(3).keypoints)


@pytest.mark.parametrize("number", range(4))
def test_a_planted_query_shows_its_image_from_elsewhere(photos: SyntheticPhotos, number: int) -> None:
    query = photos.query(number, planted=True)
    assert query.image is not None
    assert len(query.features) == 500
    shown = photos.photo(query.image)
    pairs, _ = mutual_nearest_neighbours(query.features.unit_descriptors(), shown.unit_descriptors())
    found = verify(
        query.features.keypoints[pairs[:, 0]], shown.keypoints[pairs[:, 1]], inlier_radius=24.0, iterations=1000
    )
    assert found is not None
    assert found.count > 0.8 * PLANTED
    zoom = np.sqrt(abs(np.linalg.det(found.affine[:, :2])))
    assert 0.65 < zoom < 1.3


def test_a_query_without_an_answer_has_matches_that_agree_on_nothing(photos: SyntheticPhotos) -> None:
    query = photos.query(0, planted=False)
    assert query.image is None
    matched, most = 0, 0
    for image in range(40):
        reference = photos.photo(image)
        similar = query.features.unit_descriptors() @ reference.unit_descriptors().T
        rows, columns = np.nonzero(similar > 0.8)
        matched += len(rows) > 15
        found = verify(
            query.features.keypoints[rows], reference.keypoints[columns], inlier_radius=24.0, iterations=1000
        )
        most = max(most, found.count if found else 0)
    assert matched == QUERY_IMAGES
    assert most < 12


def test_a_small_catalogue_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="at least 20000"):
        SyntheticPhotos(RELEASE.name, SyntheticCatalogue(RELEASE).image, QUERY_IMAGES - 1)
