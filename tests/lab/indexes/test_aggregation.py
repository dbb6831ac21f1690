"""Bags of words, VLAD and ASMK* against their papers' formulas, written out word by word."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from steeple.errors import InvalidArgumentError
from steeple.lab.indexes import LOCAL_SEARCHES
from steeple.lab.indexes.clusters import clustered
from steeple.lab.indexes.sampling import sampled
from steeple.lab.indexes.visual_words import VisualWords
from steeple.lab.indexes.vlad import vlad
from tests.lab.indexes.clustered import DIMENSIONS, features, photos, seen_again

WORDS = 24
TRAINING = photos(12, seed=100)
GALLERY = photos(10, seed=1, size=30)
QUERY = seen_again(GALLERY[3], seed=7)


def vocabulary() -> NDArray[np.float64]:
    """The words that searches learn from the training photos."""
    return VisualWords.learned(TRAINING, WORDS, "a test", seed=0).centroids.astype(np.float64)


def words_of(rows: NDArray[np.float32], words: NDArray[np.float64], count: int = 1) -> NDArray[np.intp]:
    far = ((rows[:, None].astype(np.float64) - words[None]) ** 2).sum(axis=2)
    return np.argsort(far, axis=1)[:, :count]


# --- bag of words ---


def test_a_bag_of_words_is_that_of_the_formulas() -> None:
    """t_i = (n_id / n_d) log(N / n_i), compared by the cosine (Sivic and Zisserman, section 4)."""
    words = vocabulary()
    counts = [np.bincount(words_of(rows, words)[:, 0], minlength=WORDS) for rows in GALLERY]
    having = (np.stack(counts) > 0).sum(axis=0).tolist()
    weight = [math.log(len(GALLERY) / number) if number else math.log(len(GALLERY)) for number in having]
    bags = [count / count.sum() * weight for count in counts]
    asked = np.bincount(words_of(QUERY, words)[:, 0], minlength=WORDS) / len(QUERY) * weight
    cosines = [float(asked @ bag) / (np.linalg.norm(asked) * np.linalg.norm(bag)) for bag in bags]

    search = LOCAL_SEARCHES["bow"].make(words=WORDS)
    search.fit([features(rows) for rows in TRAINING])
    search.add([features(rows) for rows in GALLERY])
    ranking = search.search(features(QUERY), 10)
    assert ranking.keys[0] == 3
    for key, score in zip(ranking.keys, ranking.scores, strict=True):
        assert score == pytest.approx(cosines[key], abs=1e-5)
    assert set(range(10)) - set(ranking.keys.tolist()) == {key for key in range(10) if cosines[key] < 1e-9}


def test_soft_assignment_bridges_the_borders_of_words() -> None:
    """A descriptor half way between two words, seen twice: once nearer to one, once nearer to the other."""
    scores = []
    for assignments in (1, 2):
        search = LOCAL_SEARCHES["bow"].make(words=2, assignments=assignments, sigma=1.0)
        ends = np.zeros((40, 4), np.float32)
        ends[:20, 0] = ends[20:, 1] = 1.0
        search.fit([features(ends)])
        between = np.array([[0.72, 0.69, 0, 0], [0.69, 0.72, 0, 0]], np.float32)
        search.add([features(between[:1]), features(ends[:1]), features(ends[20:21]), features(ends[:0])])
        found = search.search(features(between[1:]), 4)
        scores.append(dict(zip(found.keys.tolist(), found.scores.tolist(), strict=True)).get(0, 0.0))
    assert scores[0] == 0.0
    assert scores[1] > 0.95


# --- VLAD ---


def test_vlad_is_that_of_the_formulas() -> None:
    words = vocabulary()
    nearest = words_of(QUERY, words)[:, 0]
    blocks = []
    for word in range(WORDS):
        block = np.zeros(DIMENSIONS)
        for row in QUERY[nearest == word]:
            block += row - words[word]
        block = np.sign(block) * np.abs(block) ** 0.5
        if np.linalg.norm(block) > 0:
            block /= np.linalg.norm(block)
        blocks.append(block)
    expected = np.concatenate(blocks)
    expected /= np.linalg.norm(expected)
    got = vlad(QUERY, VisualWords(words.astype(np.float32)))
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_whitened_training_photos_are_uncorrelated() -> None:
    training = photos(60, seed=5)
    search = LOCAL_SEARCHES["vlad"].make(words=4, dimensions=8)
    search.fit([features(rows) for rows in training])
    vectors = np.stack([search.vector(rows) for rows in training])  # type: ignore[attr-defined]
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    correlations = np.corrcoef(vectors.T) - np.eye(8)
    assert np.abs(correlations).max() < 0.25  # before they were L2-normalised they were 0


def test_vlad_needs_more_training_photos_than_dimensions() -> None:
    search = LOCAL_SEARCHES["vlad"].make(words=4, dimensions=12)
    with pytest.raises(InvalidArgumentError, match="takes at least 13 photos with features to be fitted, not 12"):
        search.fit([features(rows) for rows in TRAINING])
    with pytest.raises(InvalidArgumentError, match=r"takes at least 10 numbers before .* not 4"):
        LOCAL_SEARCHES["vlad"].make(words=1, dimensions=10).fit([features(rows[:, :4]) for rows in TRAINING])


# --- ASMK* ---


def signs_by_word(rows: NDArray[np.float32], words: NDArray[np.float64], count: int) -> dict[int, NDArray[np.float64]]:
    """Of each word, the signs of the sum of residuals of the descriptors that have it among their nearest."""
    nearest = words_of(rows, words, count)
    found = {}
    for word in np.unique(nearest):
        residuals = [
            row - words[word] for row, own in zip(rows.astype(np.float64), nearest, strict=True) if word in own
        ]
        found[int(word)] = np.where(np.sum(residuals, axis=0) > 0, 1.0, -1.0)
    return found


def kernel(
    one: dict[int, NDArray[np.float64]], other: dict[int, NDArray[np.float64]], alpha: float, tau: float
) -> float:
    """The sum over shared words of the selectivity of their similarity (equations 6, 19 and 22 of the paper)."""
    total = 0.0
    for word in one.keys() & other.keys():
        similarity = float(one[word] @ other[word]) / len(one[word])
        if similarity > tau:
            total += math.copysign(abs(similarity) ** alpha, similarity)
    return total


@pytest.mark.parametrize(("alpha", "tau", "assignments"), [(3.0, 0.0, 1), (3.0, 0.0, 5), (1.0, 0.3, 1), (5.0, 0.1, 3)])
def test_asmk_is_that_of_the_formulas(alpha: float, tau: float, assignments: int) -> None:
    words = vocabulary()
    asked = signs_by_word(QUERY, words, assignments)
    expected = []
    for rows in GALLERY:
        photo = signs_by_word(rows, words, 1)
        normalised = math.sqrt(kernel(asked, asked, alpha, tau) * kernel(photo, photo, alpha, tau))
        expected.append(kernel(asked, photo, alpha, tau) / normalised)

    search = LOCAL_SEARCHES["asmk"].make(words=WORDS, alpha=alpha, tau=tau, assignments=assignments)
    search.fit([features(rows) for rows in TRAINING])
    search.add([features(rows) for rows in GALLERY])
    ranking = search.search(features(QUERY), 10)
    assert ranking.keys[0] == 3
    for key, score in zip(ranking.keys, ranking.scores, strict=True):
        assert score == pytest.approx(expected[key], abs=1e-6)
    assert set(range(10)) - set(ranking.keys.tolist()) == {key for key in range(10) if not expected[key]}


@pytest.mark.parametrize("dimensions", [3, 64, 70, 130])
def test_codes_of_any_length_are_similar_to_themselves_by_1(dimensions: int) -> None:
    rng = np.random.default_rng(dimensions)
    rows = rng.standard_normal((80, dimensions)).astype(np.float32)
    search = LOCAL_SEARCHES["asmk"].make(words=8, assignments=1)
    search.fit([features(rows)])
    search.add([features(rows[:40]), features(rows[40:])])
    ranking = search.search(features(rows[40:]), 2)
    assert ranking.keys[0] == 1
    assert ranking.scores[0] == pytest.approx(1.0, abs=1e-6)


# --- vocabularies ---


@pytest.mark.parametrize("count", [8, 64])
def test_clusters_are_nearly_as_tight_as_those_of_plain_k_means(count: int) -> None:
    rows = np.concatenate(photos(60, seed=4))
    plain = KMeans(count, n_init=1, random_state=0).fit(rows)
    words = clustered(rows, count)
    far = ((rows[:, None] - words[None]) ** 2).sum(axis=2).min(axis=1)
    assert words.shape == (count, DIMENSIONS)
    assert far.sum() < 1.1 * plain.inertia_


def test_as_many_descriptors_are_sampled_as_asked_for() -> None:
    photos_of = [np.full((size, 4), number, np.float32) for number, size in enumerate([5, 0, 700, 20])]
    everything = sampled(photos_of, 1000)
    assert everything[:, 0].tolist() == np.repeat([0, 2, 3], [5, 700, 20]).tolist()
    some = sampled(photos_of, 145, seed=1)
    assert len(some) == 145
    assert 130 <= int((some[:, 0] == 2).sum()) <= 145
    assert (np.diff(some[:, 0]) >= 0).all()
    assert sampled(photos_of, 145, seed=1).tolist() == some.tolist()
    numbered = [np.arange(300, dtype=np.float32)[:, None], np.arange(300, 800, dtype=np.float32)[:, None]]
    chosen = sampled(numbered, 100, seed=1)[:, 0]
    assert len(set(chosen.tolist())) == 100
    assert chosen.tolist() != sampled(numbered, 100, seed=2)[:, 0].tolist()
