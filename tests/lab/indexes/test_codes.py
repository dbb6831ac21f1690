"""Approximate neighbours against exact ones, and what the codes are to have by their papers."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from steeple.lab.indexes.cells import FlatCells, GraphCells, TreeCells
from steeple.lab.indexes.flat import Flat
from steeple.lab.indexes.hamming import BinaryCells, CodeTables, MultiProbe
from steeple.lab.indexes.hyperplanes import Hyperplanes
from steeple.lab.indexes.nearest import NearestSearch
from steeple.lab.indexes.product_quantizer import ProductQuantized
from steeple.lab.indexes.spheres import Spheres, SphericalHashing, spherical_distances
from tests.lab.indexes.clustered import as_bits, photos, seen_again, unit

TRAINING = np.concatenate(photos(20, seed=100))
GALLERY = np.concatenate(photos(50, seed=1))
QUERIES = seen_again(GALLERY[::16], seed=2, noise=0.08)
NEIGHBOURS = 10


def recall(search: NearestSearch, *, binary: bool = False) -> float:
    """Share of the exact nearest neighbours among as many of the search's."""
    code = as_bits if binary else np.asarray
    exact = Flat()
    exact.add(code(GALLERY))
    search.fit(code(TRAINING))
    search.add(code(GALLERY))
    right = exact.nearest(code(QUERIES), NEIGHBOURS)
    found = search.nearest(code(QUERIES), NEIGHBOURS)
    assert (np.diff(np.nan_to_num(found.distances, posinf=1e9), axis=1) >= 0).all()
    assert np.isinf(found.distances[found.positions < 0]).all()
    if binary:  # many are as far as each other: what is as near as the last of the exact ones is right
        limit = right.distances[:, -1:]
        return float((found.distances <= limit).mean())
    pairs = zip(right.positions, found.positions, strict=True)
    return float(np.mean([len(set(one.tolist()) & set(other.tolist())) / NEIGHBOURS for one, other in pairs]))


@pytest.mark.parametrize(
    ("search", "binary", "floor"),
    [
        (ProductQuantized(8, 8, 16), False, 0.84),
        (ProductQuantized(8, 8, 8), False, 0.7),
        (ProductQuantized(8, 8, 8, turned=True), False, 0.68),
        (ProductQuantized(16, 4, 16), False, 0.83),
        (ProductQuantized(16, 4, 16, cells=partial(TreeCells, slack=1.0)), False, 0.83),
        (ProductQuantized(16, 4, 16, cells=partial(GraphCells, links=8)), False, 0.83),
        (Hyperplanes(512, 0, 16, 1, centred=False, seed=0), False, 0.72),
        (Hyperplanes(128, 8, 12, 1, centred=False, seed=0), False, 0.54),
        (SphericalHashing(128, 0, 16, 1, seed=0), False, 0.54),
        (BinaryCells(16, 6), True, 0.92),
        (MultiProbe(8, 10, 1, 0), True, 0.92),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, NearestSearch) else str(value),
)
def test_most_neighbours_are_found(search: NearestSearch, binary: bool, floor: float) -> None:
    found = recall(search, binary=binary)
    assert floor <= found <= 1.0


def test_more_is_found_for_more() -> None:
    """Bytes, probes, bits and flips each buy neighbours."""
    assert recall(ProductQuantized(8, 8, 16)) > recall(ProductQuantized(8, 8, 4)) + 0.1
    assert recall(ProductQuantized(64, 8, 16)) > recall(ProductQuantized(64, 1, 16)) + 0.03
    short, long = (Hyperplanes(bits, 0, 16, 0, centred=False, seed=0) for bits in (64, 512))
    assert recall(long) > recall(short) + 0.1
    narrow, wide = (MultiProbe(4, 14, flips, 0) for flips in (0, 2))
    assert recall(wide, binary=True) > recall(narrow, binary=True) + 0.1


def test_a_tree_of_cells_finds_the_nearest() -> None:
    centroids, rows = TRAINING[:200], QUERIES
    cells, distances = FlatCells(centroids).nearest(rows, 5)
    exact, exact_distances = TreeCells(centroids, 0.0).nearest(rows, 5)
    assert exact.tolist() == cells.tolist()
    np.testing.assert_allclose(exact_distances, distances, atol=1e-5)
    loose = TreeCells(centroids, 1.0).nearest(rows, 5)[1]
    assert (loose <= 4 * distances + 1e-5).all()  # squared
    alone = TreeCells(centroids, 0.0).nearest(rows, 1)
    assert alone[0].shape == alone[1].shape == (len(rows), 1)
    graph = GraphCells(centroids, 16).nearest(rows, 5)[0]
    assert (graph == cells).mean() > 0.95


# --- hyperplanes ---


def test_as_many_hyperplanes_part_two_vectors_as_their_angle_is_wide() -> None:
    """Charikar's: the share is the angle over pi; of 4096 it is within three standard deviations, 2.4 %."""
    planes = Hyperplanes(4096, 0, 16, 0, centred=False, seed=3)
    angles = np.linspace(0.1, 3.0, 12)
    rows = np.zeros((13, 24), np.float32)
    rows[0, 0] = 1.0
    rows[1:, 0], rows[1:, 7] = np.cos(angles), np.sin(angles)
    planes.add(rows)
    found = planes.nearest(rows[:1], 13)
    by_angle = dict(zip(found.positions[0].tolist(), found.distances[0].tolist(), strict=True))
    shares = np.array([by_angle[number + 1] for number in range(12)]) / 4096
    np.testing.assert_allclose(shares, angles / np.pi, atol=0.024)
    similarities = planes.similarities((4096 * shares).astype(np.float32))
    np.testing.assert_allclose(similarities.astype(np.float64), np.cos(angles), atol=0.08)


def test_centred_hyperplanes_part_what_lies_far_from_the_origin() -> None:
    """Vectors about (1, 1, ...) are on the same sides of planes through the origin, and on different ones of others."""
    rows = unit(1.0 + 0.1 * np.random.default_rng(0).standard_normal((400, 32)))
    balance = []
    for centred in (False, True):
        planes = Hyperplanes(128, 0, 16, 0, centred=centred, seed=0)
        planes.fit(rows)
        planes.add(rows)
        ones = np.unpackbits(planes.codes(rows), axis=1).mean(axis=0)
        balance.append(float(np.abs(ones - 0.5).mean()))
    assert balance[0] > 0.4
    assert balance[1] < 0.1


# --- spheres ---


@pytest.mark.parametrize("count", [32, 64])
def test_spheres_halve_the_vectors_and_overlap_in_a_quarter(count: int) -> None:
    """The conditions of the paper's section 3.2, to its tolerances."""
    spheres = Spheres.learned(TRAINING, count, seed=0)
    inside = spheres.inside(TRAINING)
    np.testing.assert_allclose(inside.mean(axis=0), 0.5, atol=0.005)
    overlaps = (inside.T.astype(np.float64) @ inside) / len(TRAINING)
    apart = overlaps[~np.eye(count, dtype=np.bool_)]
    assert np.abs(apart - 0.25).mean() <= 0.1 * 0.25
    assert apart.std() <= 0.15 * 0.25


def test_spheres_are_as_good_for_vectors_they_were_not_learned_on() -> None:
    inside = Spheres.learned(TRAINING, 32, seed=0).inside(GALLERY)
    assert np.abs(inside.mean(axis=0) - 0.5).max() < 0.12
    correlations = np.asarray(np.corrcoef(inside.T.astype(np.float64)))[~np.eye(32, dtype=np.bool_)]
    assert np.abs(correlations).mean() < 0.15


def test_unlearned_spheres_are_not_balanced() -> None:
    """What the test above asks for does not hold by itself: pivots have to move."""
    rng = np.random.default_rng(0)
    pivots = TRAINING[rng.integers(0, len(TRAINING), 32)]
    far = ((TRAINING[:, None] - pivots) ** 2).sum(axis=2)
    inside = Spheres(pivots, np.median(far, axis=0).astype(np.float32)).inside(TRAINING)
    overlaps = (inside.T.astype(np.float64) @ inside) / len(TRAINING)
    assert overlaps[~np.eye(32, dtype=np.bool_)].std() > 0.15 * 0.25


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2**16 - 1), st.integers(0, 2**16 - 1)), min_size=2, max_size=20),
)
def test_codes_are_ordered_as_by_the_spherical_hamming_distance(pairs: list[tuple[int, int]]) -> None:
    xor = np.array([(one ^ other).bit_count() for one, other in pairs], np.float32)
    both = np.array([(one & other).bit_count() for one, other in pairs], np.float64)
    ours, theirs = (np.array([pair[side].bit_count() for pair in pairs], np.int64) for side in (0, 1))
    distances = spherical_distances(xor, ours, theirs)
    assert ((distances >= 0) & (distances <= 1)).all()
    with np.errstate(divide="ignore", invalid="ignore"):
        paper = np.where(both > 0, xor / both, np.inf)
    smaller = paper[:, None] < paper[None]
    assert (distances[:, None] < distances[None])[smaller].all()


# --- tables ---


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 2))
def test_tables_miss_no_code_within_reach(seed: int, flips: int) -> None:
    """By the pigeonhole principle: with m tables, a code at a distance below m (flips + 1) agrees in one key."""
    rng = np.random.default_rng(seed)
    codes: NDArray[np.uint8] = rng.integers(0, 256, (300, 8), np.uint8)
    query = codes[:1].copy()
    tables = CodeTables(64, 4, 16, flips)
    for number in range(1, 120):
        codes[number] = query[0]
        for bit in rng.choice(64, rng.integers(0, 13), replace=False):
            codes[number, bit // 8] ^= np.uint8(1 << int(bit % 8))
    tables.add(codes)
    every = np.unpackbits(codes ^ query, axis=1).sum(axis=1)
    reach = set(np.flatnonzero(every < 4 * (flips + 1)).tolist())
    found = tables.nearest(query, 300)
    assert reach <= set(found.positions[0].tolist())
    known = found.positions[0] >= 0
    assert found.distances[0][known].tolist() == every[found.positions[0][known]].tolist()
