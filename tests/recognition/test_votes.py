from __future__ import annotations

import numpy as np

from steeple.recognition.neighbours import Neighbours
from steeple.recognition.votes import matches_of, most_voted


def neighbours(keys: list[list[int]], distances: list[list[float]] | None = None) -> Neighbours:
    array = np.array(keys, np.int64)
    return Neighbours(
        image_keys=array,
        feature_numbers=np.zeros_like(array, np.int32),
        distances=np.array(distances, np.float32) if distances else np.where(array < 0, np.inf, 1).astype(np.float32),
    )


def test_each_descriptor_votes_once_for_an_image() -> None:
    """Image 7 fills all the neighbours of one descriptor; image 5 has one of each of two."""
    assert most_voted(neighbours([[7, 7, 7, 7], [5, 9, 9, 9], [5, -1, -1, -1]]), 10) == [5, 7, 9]


def test_the_matches_of_an_image_are_its_nearest_descriptors() -> None:
    found = Neighbours(
        image_keys=np.array([[3, 8, 3], [8, 8, 9], [9, 9, 3]], np.int64),
        feature_numbers=np.array([[10, 11, 12], [13, 14, 15], [16, 17, 18]], np.int32),
        distances=np.array([[0.1, 0.2, 0.3]] * 3, np.float32),
    )
    assert matches_of(found, 3).tolist() == [[0, 10], [2, 18]]
    assert matches_of(found, 8).tolist() == [[0, 11], [1, 13]]
    assert matches_of(found, 4).shape == (0, 2)


def test_equal_votes_rank_by_distance_then_key() -> None:
    assert most_voted(neighbours([[4, 2], [2, 4]], [[0.1, 0.4], [0.2, 0.9]]), 10) == [2, 4]
    assert most_voted(neighbours([[4, 2], [2, 4]]), 10) == [2, 4]


def test_the_nearest_of_an_image_counts() -> None:
    """Image 3's far second match does not weigh against it."""
    assert most_voted(neighbours([[3, 8, 3]], [[0.1, 0.2, 0.9]]), 2) == [3, 8]


def test_missing_neighbours_do_not_vote() -> None:
    assert most_voted(neighbours([[-1, -1], [6, -1]]), 10) == [6]
    assert most_voted(neighbours([[-1, -1]]), 10) == []


def test_the_limit_holds() -> None:
    assert most_voted(neighbours([[1, 2, 3], [2, 3, 4], [3, 4, 5]]), 2) == [3, 2]
