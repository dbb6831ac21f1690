"""What every pooling holds to, and what is known of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steeple.baselines.regions import region_grid
from steeple.errors import FailedPreconditionError, InvalidArgumentError
from steeple.lab.pooling import POOLINGS
from steeple.lab.pooling.proposals import proposals
from steeple.lab.pooling.whole import centring_prior, cross_dimensional, generalised_mean

Maps = tuple[np.ndarray, ...]
CHANNELS = 6
EVERY = pytest.mark.parametrize("name", POOLINGS)
SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 9))


def random_map(seed: int, height: int = 6, width: int = 8, channels: int = CHANNELS) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.maximum(rng.normal(0.3, 1.0, (height, width, channels)), 0).astype(np.float32)


def fitted(name: str, **parameters: Any) -> Any:
    pooling = POOLINGS[name].make(**parameters)
    pooling.fit([(random_map(100 + seed), random_map(200 + seed, 4, 5)) for seed in range(12)])
    return pooling


@EVERY
def test_a_vector_is_unit_and_the_same_each_time(name: str) -> None:
    maps = (random_map(1), random_map(2, 4, 5))
    vector = fitted(name).pool(maps)
    assert vector.shape == (CHANNELS,)
    assert vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)
    np.testing.assert_array_equal(vector, fitted(name).pool(maps))


@EVERY
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (9, 2), (3, 3)])
def test_maps_of_any_shape_have_a_vector(name: str, shape: tuple[int, int]) -> None:
    vector = fitted(name).pool((random_map(3, *shape) + 0.01,))
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)


@EVERY
def test_sizes_count_alike_however_active_they_are(name: str) -> None:
    pooling = fitted(name)
    large, small = random_map(4), random_map(5, 4, 5)
    alone = [pooling.pool((one,)) for one in (large, small)]
    expected = sum(alone) / np.linalg.norm(sum(alone))
    np.testing.assert_allclose(pooling.pool((large, 100 * small)), expected, atol=1e-4)


@EVERY
def test_a_map_of_zeros_gives_no_nonsense(name: str) -> None:
    vector = fitted(name).pool((np.zeros((4, 6, CHANNELS), np.float32),))
    assert np.isfinite(vector).all()
    assert np.linalg.norm(vector) <= 1.0 + 1e-5


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("neural-codes", {}),
        ("spoc", {}),
        ("spoc", {"centre": False}),
        ("mac", {}),
        ("gem", {}),
        ("r-mac", {"whiten": False}),
        ("region-proposals", {"whiten": False}),
    ],
)
def test_a_uniform_map_gives_its_cell(name: str, parameters: dict[str, Any]) -> None:
    cell = np.array([3.0, 0.0, 4.0], np.float32)
    vector = POOLINGS[name].make(**parameters).pool((np.broadcast_to(cell, (5, 7, 3)).copy(),))
    np.testing.assert_allclose(vector, [0.6, 0.0, 0.8], atol=1e-5)


@pytest.mark.parametrize("name", POOLINGS)
@pytest.mark.parametrize("flip", [np.fliplr, np.flipud])
def test_a_mirrored_map_has_the_same_vector(name: str, flip: Callable[[np.ndarray], np.ndarray]) -> None:
    """Of 7 x 7 cells, where R-MAC's regions (7; 4; 3 at 0, 2, 4) lie symmetrically."""
    pooling, values = fitted(name), random_map(6, 7, 7)
    np.testing.assert_allclose(pooling.pool((flip(values),)), pooling.pool((values,)), atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(SHAPES, st.integers(0, 1000))
def test_where_cells_lie_does_not_matter_to_whole_poolings(shape: tuple[int, int], seed: int) -> None:
    values = random_map(seed, *shape) + np.float32(0.01)
    moved = np.random.default_rng(seed).permutation(values.reshape(-1, CHANNELS)).reshape(values.shape)
    for name, parameters in (("neural-codes", {}), ("mac", {}), ("gem", {}), ("crow", {}), ("spoc", {"centre": False})):
        pooling = POOLINGS[name].make(**parameters)
        np.testing.assert_allclose(pooling.pool((moved,)), pooling.pool((values,)), atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(SHAPES, st.integers(0, 1000))
def test_gem_lies_between_mean_and_maximum(shape: tuple[int, int], seed: int) -> None:
    values = random_map(seed, *shape)
    mean, largest = values.mean((0, 1)), values.max((0, 1))
    np.testing.assert_allclose(generalised_mean(values, 1.0), mean, atol=1e-5)
    np.testing.assert_allclose(generalised_mean(values, 500.0), largest, rtol=0.02, atol=1e-5)
    cubic = generalised_mean(values, 3.0)
    np.testing.assert_allclose(cubic, np.cbrt((values.astype(np.float64) ** 3).mean((0, 1))), rtol=1e-4, atol=1e-5)
    assert (cubic >= mean - 1e-5).all()
    assert (cubic <= largest + 1e-5).all()


def test_the_centring_prior_is_that_of_the_paper() -> None:
    """4 x 6 cells: the border is 2 from the centre, so the deviation is 2/3; the nearest cells are half off."""
    prior = centring_prior(4, 6)
    assert prior.shape == (4, 6)
    assert prior[1, 2] == pytest.approx(np.exp(-(0.25 + 0.25) / (2 * 4 / 9)))
    assert prior[0, 2] == pytest.approx(np.exp(-(2.25 + 0.25) / (2 * 4 / 9)))
    np.testing.assert_array_equal(prior, prior[::-1, ::-1])
    assert centring_prior(5, 9)[2, 4] == 1.0


def test_crow_weights_cells_by_activity_and_channels_by_rarity() -> None:
    values = np.zeros((1, 2, 2), np.float32)
    values[0, 0], values[0, 1] = (3.0, 0.0), (2.0, 2.0)  # activities 3 and 4: weights sqrt(3 / 5), sqrt(4 / 5)
    cells = np.sqrt([0.6, 0.8])
    expected = [(3 * cells[0] + 2 * cells[1]) * np.log(1.5 / 1.0), 2 * cells[1] * np.log(1.5 / 0.5)]
    np.testing.assert_allclose(cross_dimensional(values), expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [
        # Square: one region, 2 x 2 of side 2 * 6 / 3 = 4, 3 x 3 of side 3.
        (6, 6, [(6, [0], [0]), (4, [0, 2], [0, 2]), (3, [0, 1, 3], [0, 1, 3])]),
        # 15 x 20: two regions overlap by 1 - 5/15 = 67 %, three by more, so m = 2; sides 15, 10, 7.
        (15, 20, [(15, [0], [0, 5]), (10, [0, 5], [0, 5, 10]), (7, [0, 4, 8], [0, 4, 8, 13])]),
        # 4 x 12: 2, 3, 4 regions overlap by -100 %, 0 %, 33 %, 5 by 50 %; m = 4. Sides 4, 2, 2.
        (
            12,
            4,
            [(4, [0, 2, 5, 8], [0]), (2, [0, 2, 5, 7, 10], [0, 2]), (2, [0, 2, 4, 6, 8, 10], [0, 1, 2])],
        ),
    ],
)
def test_regions_are_those_of_r_mac(height: int, width: int, expected: list[tuple[int, list[int], list[int]]]) -> None:
    """Tolias et al., ICLR 2016, section 3.2, worked by hand."""
    by_hand = [(row, column, side) for side, rows, columns in expected for row in rows for column in columns]
    assert region_grid(height, width) == by_hand


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 4))
def test_regions_lie_within_the_map_and_reach_its_borders(height: int, width: int, levels: int) -> None:
    regions = region_grid(height, width, levels)
    assert all(row >= 0 and column >= 0 and side >= 1 for row, column, side in regions)
    assert max(row + side for row, _, side in regions) == height
    assert max(column + side for _, column, side in regions) == width


def test_r_mac_sums_unit_maxima_of_regions() -> None:
    values = random_map(7, 5, 5)
    parts = [values[r : r + s, c : c + s].max((0, 1)) for r, c, s in region_grid(5, 5, 2)]
    expected = sum(part / np.linalg.norm(part) for part in parts)
    vector = POOLINGS["r-mac"].make(levels=2, whiten=False).pool((values,))
    np.testing.assert_allclose(vector, expected / np.linalg.norm(expected), atol=1e-5)
    np.testing.assert_allclose(
        POOLINGS["r-mac"].make(levels=1, whiten=False).pool((values,)),
        POOLINGS["mac"].make().pool((values,)),
        atol=1e-5,
    )


def test_r_mac_keeps_as_many_dimensions_as_it_is_told_to() -> None:
    assert fitted("r-mac", dimensions=3).pool((random_map(8),)).shape == (3,)
    assert fitted("region-proposals", dimensions=2).pool((random_map(8),)).shape == (2,)


def two_objects(weight: float = 1.0) -> np.ndarray:
    values = np.full((14, 20, 3), 0.1, np.float32)
    values[2:7, 3:8] = 1.0
    values[8:12, 12:18] = weight
    return values


def test_proposals_are_what_stands_out() -> None:
    found = proposals(two_objects(0.8), 8, 0.2)
    centres = [((top + bottom) / 2, (left + right) / 2) for top, left, bottom, right in found[:2]]
    np.testing.assert_allclose(sorted(centres), [(4.5, 5.5), (10.0, 15.0)], atol=1.0)
    assert proposals(two_objects(0.8), 1, 0.2) == found[:1]
    assert proposals(np.ones((5, 5, 2), np.float32), 8, 0.5) == [], "of a uniform map nothing stands out"


def test_proposals_do_not_say_the_same_twice() -> None:
    found = proposals(random_map(9, 15, 20), 20, 0.5)
    assert len(found) > 3
    masks = np.zeros((len(found), 15, 20), bool)
    for mask, (top, left, bottom, right) in zip(masks, found, strict=True):
        mask[top:bottom, left:right] = True
    for first in range(len(found)):
        for second in range(first):
            shared = (masks[first] & masks[second]).sum() / (masks[first] | masks[second]).sum()
            assert shared <= 0.5


def test_regional_attention_prefers_what_tells_photos_apart() -> None:
    """Each photo has an object of its own, and an edge that all have: sky, say."""
    rng = np.random.default_rng(10)
    objects = [np.append(part, 0.0) for part in np.abs(rng.normal(size=(30, 12)))]
    sky = np.append(np.zeros(12), 1.0)

    def photo(thing: np.ndarray, noise: float) -> np.ndarray:
        values = np.abs(rng.normal(0, noise, (6, 12, 13)))
        values[:, :6] += sky
        values[:, 6:] += thing
        return values.astype(np.float32)

    training = [(photo(thing, 0.05),) for thing in objects[:24]]
    strong, none = (POOLINGS["regional-attention"].make(strength=strength) for strength in (1.0, 0.0))
    for pooling in (strong, none):
        pooling.fit(training)

    def apart(pooling: Any) -> float:
        once, again = (np.stack([pooling.pool((photo(thing, 0.05),)) for thing in objects[24:]]) for _ in range(2))
        similar = once @ again.T
        return float(np.diag(similar).mean() - similar[~np.eye(6, dtype=bool)].mean())

    assert apart(strong) > apart(none) + 0.05
    plain = POOLINGS["r-mac"].make()
    plain.fit(training)
    np.testing.assert_allclose(none.pool(training[0]), plain.pool(training[0]), atol=1e-5)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("gem", {"power": 0.5}),
        ("r-mac", {"levels": 0}),
        ("r-mac", {"dimensions": 0}),
        ("regional-attention", {"strength": -1.0}),
        ("region-proposals", {"regions": -1}),
        ("region-proposals", {"overlap": 0.0}),
    ],
)
def test_parameters_that_make_no_sense_are_refused(name: str, parameters: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError, match=r"at least|overlap must be"):
        POOLINGS[name].make(**parameters)


def test_what_must_be_fitted_says_so() -> None:
    with pytest.raises(FailedPreconditionError, match="training photos"):
        POOLINGS["regional-attention"].make().pool((random_map(11),))
    with pytest.raises(InvalidArgumentError, match="training photos"):
        POOLINGS["r-mac"].make().fit([])
    with pytest.raises(InvalidArgumentError, match="training photos"):
        POOLINGS["regional-attention"].make().fit([(random_map(12),)])
