"""Catalogues that are drawn as codes."""

from __future__ import annotations

import numpy as np
import pytest

from steeple.delf import ModelRelease
from steeple.server.index import FaissIndex
from steeple.server.index.codebook import Codebook
from steeple.server.index.mapped_memory import mapped_bytes
from steeple.server.scale import IMAGE_DESCRIPTORS, SyntheticLists, key_of

RELEASE = ModelRelease.load()
IMAGES = 40


@pytest.fixture(scope="module")
def drawn() -> SyntheticLists:
    return SyntheticLists(Codebook.of(RELEASE), IMAGES)


@pytest.fixture(scope="module")
def index(drawn: SyntheticLists, tmp_path_factory: pytest.TempPathFactory) -> FaissIndex:
    steps: list[int] = []
    made = drawn.index(RELEASE, tmp_path_factory.mktemp("lists"), lambda: steps.append(1))
    assert len(steps) == 1024
    return made


def test_every_descriptor_is_there_once(index: FaissIndex) -> None:
    stats = index.stats()
    assert (stats.images, stats.descriptors) == (IMAGES, IMAGES * IMAGE_DESCRIPTORS)
    (segment,) = index.sealed
    numbers = np.concatenate([segment.inverted_list(number)[1] for number in range(1024)])
    assert sorted(numbers.tolist()) == list(range(IMAGES * IMAGE_DESCRIPTORS))
    spread = [len(set((segment.inverted_list(number)[1] // 1000).tolist())) for number in range(1024)]
    assert np.median(spread) > IMAGES / 4, "the descriptors of an image are in many lists"


@pytest.mark.parametrize("distance", [0.0, 0.2])
def test_a_copy_finds_its_original(index: FaissIndex, drawn: SyntheticLists, distance: float) -> None:
    queries, origins = drawn.copies(300, distance)
    np.testing.assert_allclose(np.linalg.norm(queries, axis=1), 1, atol=1e-5)
    index.probes = 1024
    found = index.search(queries, 1)
    # Some codes lie outside of the sphere, and come out nearer to another one when they are L2-normalised.
    assert (1000 * (found.image_keys - key_of(0)) + found.feature_numbers == origins[:, None]).mean() > 0.9


def test_what_is_mapped_can_be_limited_and_answers_stay_the_same(index: FaissIndex, drawn: SyntheticLists) -> None:
    queries, _ = drawn.copies(500, 0.2)
    before = index.search(queries, 10)
    high = mapped_bytes()
    index.mapped_limit = 0
    again = index.search(queries, 10)
    low = mapped_bytes()
    index.mapped_limit = None
    assert high - low > 0.5 * index.sealed[0].file.data_bytes
    np.testing.assert_array_equal(before.distances, again.distances)
    np.testing.assert_array_equal(before.image_keys, again.image_keys)


def test_an_image_is_what_its_codes_stand_for(index: FaissIndex, drawn: SyntheticLists) -> None:
    index.probes = 1024
    found = index.search(drawn.image(7), 1)
    assert (found.image_keys[:, 0] == key_of(7)).mean() > 0.95
    assert (found.feature_numbers[:, 0] == np.arange(IMAGE_DESCRIPTORS)).mean() > 0.9
