"""Exact searches against brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.errors import InvalidArgumentError
from steeple.lab.features import LocalFeatures
from steeple.lab.indexes import GLOBAL_SEARCHES, LOCAL_SEARCHES, VotingSearch
from steeple.lab.indexes.flat import Flat
from steeple.lab.indexes.voting import Voting
from tests.lab.indexes.clustered import DIMENSIONS, as_bits, features, photos, seen_again, unit

BITS_SET = np.array([bin(number).count("1") for number in range(256)])


def distances_between(queries: NDArray[np.generic], gallery: NDArray[np.generic]) -> NDArray[np.float64]:
    """Squared Euclidean for numbers, Hamming for bits; float64[Q, G]."""
    if queries.dtype == np.uint8:
        return np.asarray(BITS_SET[np.bitwise_xor(queries[:, None], gallery[None]).astype(int)].sum(axis=2), np.float64)
    return np.asarray(((queries[:, None].astype(np.float64) - gallery[None].astype(np.float64)) ** 2).sum(axis=2))


def votes_by_hand(query: LocalFeatures, gallery: list[LocalFeatures], neighbours: int) -> dict[int, tuple[int, float]]:
    """Of each photo that has any: votes and their mean distance."""
    owners = np.concatenate([np.full(len(photo), key) for key, photo in enumerate(gallery)])
    everything = np.concatenate([photo.descriptors for photo in gallery if len(photo)])
    far = distances_between(query.descriptors, everything)
    found: dict[int, list[float]] = {}
    for row in far:
        nearest = np.argsort(row, kind="stable")[:neighbours]
        for key in np.unique(owners[nearest]):
            found.setdefault(int(key), []).append(float(row[nearest][owners[nearest] == key].min()))
    return {key: (len(each), float(np.mean(each))) for key, each in found.items()}


@pytest.mark.parametrize("neighbours", [1, 7])
def test_votes_are_those_of_brute_force(neighbours: int) -> None:
    gallery = [features(rows) for rows in photos(12, seed=1)]
    gallery.insert(3, features(np.empty((0, DIMENSIONS), np.float32)))
    search = LOCAL_SEARCHES["exact"].make(neighbours=neighbours)
    search.add(gallery)
    query = features(seen_again(np.asarray(gallery[8].descriptors, np.float32), seed=2))
    ranking = search.search(query, 100)
    expected = votes_by_hand(query, gallery, neighbours)
    assert ranking.keys[0] == 8
    assert ranking.keys.tolist() == sorted(expected, key=lambda key: (-expected[key][0], expected[key][1]))
    assert [int(score) for score in ranking.scores] == [expected[int(key)][0] for key in ranking.keys]
    assert 3 not in ranking.keys


def test_bits_vote_by_hamming_distance() -> None:
    """Ties at the last neighbour may fall either way, so that only the votes of a clear case are compared."""
    gallery = [features(as_bits(rows)) for rows in photos(10, seed=3)]
    search = LOCAL_SEARCHES["exact"].make(neighbours=1)
    search.add(gallery)
    query = features(as_bits(seen_again(photos(10, seed=3)[4], seed=5)))
    ranking = search.search(query, 3)
    assert ranking.keys[0] == 4
    assert int(ranking.scores[0]) >= 30  # three of four of its 40 descriptors are seen again
    near = Flat()
    near.add(np.concatenate([np.asarray(photo.descriptors) for photo in gallery]))
    found = near.nearest(query.descriptors, 5)
    everything = np.concatenate([photo.descriptors for photo in gallery])
    expected = np.sort(distances_between(query.descriptors, everything), axis=1)[:, :5]
    assert found.distances.tolist() == expected.tolist()
    assert near.similarities(np.array([0, 64, 128], np.float32)).tolist() == [1.0, 0.5, 0.0]


def test_the_nearer_of_equally_voted_photos_is_first() -> None:
    rows = unit(np.eye(4))
    near, far = unit(rows[0] + [0, 0.05, 0, 0]), unit(rows[0] + [0, 0.2, 0, 0])
    search = LOCAL_SEARCHES["exact"].make(neighbours=2)
    search.add([features(far[None]), features(near[None]), features(rows[3:])])
    ranking = search.search(features(rows[:1]), 10)
    assert ranking.keys.tolist() == [1, 0]
    assert 1.0 < ranking.scores[1] < ranking.scores[0] < 2.0


def test_matches_can_be_had_without_a_second_search() -> None:
    gallery = [features(rows) for rows in photos(6, seed=4)]
    search: VotingSearch = Voting(Flat(), 3)
    search.add(gallery)
    query = features(seen_again(np.asarray(gallery[2].descriptors, np.float32), seed=6))
    search.search(query, 5)
    neighbours = search.neighbours(query)
    assert search.neighbours(query) is neighbours
    assert neighbours.image_keys.shape == (len(query), 3)
    for row, column in itertools.product(range(len(query)), range(3)):
        photo = gallery[neighbours.image_keys[row, column]]
        descriptor = photo.descriptors[neighbours.feature_numbers[row, column]]
        distance = ((query.descriptors[row] - descriptor) ** 2).sum()
        assert distance == pytest.approx(neighbours.distances[row, column], abs=1e-5)
    assert search.neighbours(features(query.descriptors.copy())) is not neighbours


def test_cosines_are_those_of_brute_force() -> None:
    vectors = np.concatenate(photos(5, seed=7))
    search = GLOBAL_SEARCHES["exact"].make()
    search.add(vectors)
    query = seen_again(vectors[:8], seed=8)[0]
    ranking = search.search(query, 25)
    cosines = vectors.astype(np.float64) @ query
    assert ranking.keys.tolist() == np.argsort(-cosines)[:25].tolist()
    np.testing.assert_allclose(ranking.scores, np.sort(cosines)[::-1][:25], atol=1e-6)
    assert search.bytes_an_image == 4 * DIMENSIONS


def test_equal_vectors_rank_in_the_order_of_the_gallery() -> None:
    vectors = np.repeat(unit(np.eye(3)), [2, 3, 2], axis=0)
    search = GLOBAL_SEARCHES["exact"].make()
    search.add(vectors)
    assert search.search(vectors[2], 7).keys.tolist()[:3] == [2, 3, 4]


def test_a_search_of_vectors_says_that_it_takes_no_bits() -> None:
    search = GLOBAL_SEARCHES["exact"].make()
    with pytest.raises(InvalidArgumentError, match="float32"):
        search.add(np.zeros((3, 4), np.uint8))
