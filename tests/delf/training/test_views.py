"""Two views of one scene: whether positions are where they are said to be, by geometry and by looking."""

from __future__ import annotations

import dataclasses
import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.delf.training.recipe import LightParameters, ViewParameters
from steeple.delf.training.views import ScenePair, ViewPair, square_view, view_pair
from tests.scenes import scene

STRIDE = 16
SIDE = 224
DARK = LightParameters(toned=0, night=0, grey=0, blurred=0, noisy=0, compressed=0, occluded=0)
STILL = ViewParameters(
    side=SIDE,
    least_crop=1.0,
    jitter=0.0,
    perspective=0.0,
    scale_spread=1.0,
    rotation=0.0,
    turned_share=0.0,
    shift=0.0,
    light=DARK,
)
"""Views that do not differ."""
LIVELY = ViewParameters(side=SIDE, scale_spread=1.3, turned_share=0.3, light=DARK)


def random(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def centres(side: int = SIDE) -> NDArray[np.float64]:
    """x, y of the centre of each cell: a patch of 16 pixels from 0 to 15 has its centre at 7.5."""
    axis = np.arange(side // STRIDE) * STRIDE + 7.5
    return np.array([(x, y) for y in axis for x in axis])


def dots(seed: int, width: int = 400, height: int = 300) -> NDArray[np.uint8]:
    """uint8[height, width, 3]: bright dots far apart on grey, bright enough not to be exposed anew."""
    picture = np.full((height, width, 3), 100, np.uint8)
    offset = random(seed).integers(-12, 13, (height // 60, width // 60, 2))
    for row, column in np.ndindex(height // 60, width // 60):
        x, y = 60 * column + 30 + offset[row, column, 0], 60 * row + 30 + offset[row, column, 1]
        cv2.circle(picture, (int(x), int(y)), 6, (250, 250, 250), -1, cv2.LINE_AA)
    return picture


def found_dots(view: NDArray[np.uint8]) -> NDArray[np.float64]:
    """x, y of the middle of every dot that is whole."""
    grey = view[..., 1].astype(np.float64)
    ground = np.median(grey)
    count, labels, stats, _ = cv2.connectedComponentsWithStats((grey > ground + 40).astype(np.uint8))
    found = []
    for label in range(1, count):
        x, y, width, height = (int(value) for value in stats[label, :4])
        if x > 1 and y > 1 and x + width < SIDE - 1 and y + height < SIDE - 1:
            weight = np.where(labels == label, grey - ground, 0)
            rows, columns = np.indices(grey.shape)
            found.append(((columns * weight).sum() / weight.sum(), (rows * weight).sum() / weight.sum()))
    return np.array(found).reshape(-1, 2)


def predicted(pair: ViewPair, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where points of the first view lie in the second, by the homography that all cells agree with."""
    model, mask = cv2.findHomography(centres(), pair.positions.astype(np.float64))
    assert mask.all()
    return np.asarray(cv2.perspectiveTransform(points[None], model)[0], np.float64)


def test_views_that_do_not_differ_are_one_picture() -> None:
    pair = view_pair(ScenePair.of_one(scene(1, 320, SIDE)), STILL, STRIDE, random(1))
    np.testing.assert_array_equal(pair.first, pair.second)
    np.testing.assert_allclose(pair.positions, centres(), atol=1e-3)
    assert pair.valid.all()
    assert pair.first.shape == (SIDE, SIDE, 3)
    assert [array.dtype.name for array in (pair.first, pair.positions, pair.valid)] == ["uint8", "float32", "bool"]


@pytest.mark.parametrize("degrees", [0, 90, 30, -135])
@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_a_known_turn_between_photos_is_a_turn_between_views(degrees: int, scale: float) -> None:
    """Views look at the same spot from as near, so that of a similarity between photos only the turn is left."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    transform = np.array([[scale * cos, -scale * sin, 400], [scale * sin, scale * cos, 50], [0, 0, 1]])
    first, second = scene(1, 300, 300), scene(2, 900, 900)
    square = np.array([[30, 30], [270, 30], [270, 270], [30, 270]], np.float32)
    pair = view_pair(ScenePair(first, second, transform, square), STILL, STRIDE, random(3))
    middle = (SIDE - 1) / 2
    expected = (centres() - middle) @ np.array([[cos, sin], [-sin, cos]]) + middle
    np.testing.assert_allclose(pair.positions, expected, atol=1e-2)


def test_cells_count_where_both_views_and_the_region_have_them() -> None:
    """A photo whose colours tell where its pixels are, beside itself turned by 45 degrees."""
    axis = np.linspace(40, 200, 300)
    photo = np.full((300, 300, 3), 120, np.uint8)
    photo[..., 0], photo[..., 1] = np.rint(axis)[None], np.rint(axis)[:, None]
    half = math.sqrt(0.5)
    transform = np.array([[half, -half, 150], [half, half, 150 - 300 * half], [0, 0, 1]])
    region = np.array([[60, 60], [60, 240], [150, 240], [150, 60]], np.float32)
    aside = dataclasses.replace(STILL, shift=0.4)
    for order in (region, region[::-1].copy()):
        pair = view_pair(ScenePair(photo, photo.copy(), transform, order), aside, STRIDE, random(4))
        around = np.rint(centres() - 0.5).astype(int)  # of the four pixels around a centre, the first
        colours = [pair.first[around[:, 1] + row, around[:, 0] + column, :2] for row in (0, 1) for column in (0, 1)]
        place = (np.mean(colours, axis=0) - 40) * 299 / 160
        depth = np.minimum(place - [60, 60], [150, 240] - place).min(axis=1)  # pixels within the region
        margin = np.minimum(pair.positions, SIDE - 1 - pair.positions).min(axis=1)
        sure = np.abs(depth) > 3
        assert sure.mean() > 0.9
        np.testing.assert_array_equal(pair.valid[sure], ((depth > 0) & (margin >= 0))[sure])
        assert (depth[sure] < 0).any(), "not all of the view is known"
        assert ((depth > 3) & (margin < 0)).any(), "not all that is known is in the second view"
        assert pair.valid.sum() > 30


def test_what_lies_outside_the_photo_is_not_valid() -> None:
    """A first view that is jittered looks beyond the photo, whose edge is mirrored there."""
    parameters = dataclasses.replace(STILL, jitter=0.1)
    for seed in range(5):
        pair = view_pair(ScenePair.of_one(np.full((SIDE, SIDE, 3), 100, np.uint8)), parameters, STRIDE, random(seed))
        edge = pair.valid.reshape(SIDE // STRIDE, -1)[[0, -1]]
        assert pair.valid.reshape(SIDE // STRIDE, -1)[4:10, 4:10].all()
        if not edge.all():
            return
    raise AssertionError("no view looked beyond the photo")


@pytest.mark.parametrize("seed", range(12))
def test_dots_of_one_photo_lie_where_positions_say(seed: int) -> None:
    pair = view_pair(ScenePair.of_one(dots(seed)), LIVELY, STRIDE, random(seed))
    assert_dots_agree(pair)


@pytest.mark.parametrize("seed", range(6))
def test_dots_of_two_photos_lie_where_positions_say(seed: int) -> None:
    first = dots(seed)
    affine = np.array([[1.4, -0.2, 30.0], [0.15, 1.2, 20.0]])
    second = np.asarray(cv2.warpAffine(first, affine, (640, 520), borderValue=(100, 100, 100)), np.uint8)
    region = np.array([[40, 40], [360, 40], [360, 260], [40, 260]], np.float32)
    pair = ScenePair(first, second, np.vstack([affine, [0, 0, 1]]), region)
    assert_dots_agree(view_pair(pair, LIVELY, STRIDE, random(seed)))


def assert_dots_agree(pair: ViewPair) -> None:
    here, there = found_dots(pair.first), found_dots(pair.second)
    expected = predicted(pair, here)
    cells = np.rint(here // STRIDE).astype(int)
    valid = pair.valid.reshape(SIDE // STRIDE, -1)[cells[:, 1], cells[:, 0]]
    seen = valid & ((expected > 14) & (expected < SIDE - 15)).all(axis=1)
    assert seen.sum() >= 2
    distances = np.linalg.norm(expected[seen, None] - there[None], axis=2).min(axis=1)
    assert distances.max() < 0.75


def test_views_differ_as_far_as_asked() -> None:
    """Turn and scale between views over many draws."""
    parameters = dataclasses.replace(STILL, rotation=10.0, scale_spread=1.5, scale_limit=2.0)
    photo = ScenePair.of_one(scene(1, 300, 300))
    turns, scales = [], []
    for seed in range(200):
        pair = view_pair(photo, parameters, STRIDE, random(seed))
        grid = pair.positions.reshape(SIDE // STRIDE, SIDE // STRIDE, 2)
        step = (grid[7, 8] - grid[7, 7]) / STRIDE
        turns.append(math.degrees(math.atan2(step[1], step[0])))
        scales.append(float(np.linalg.norm(step)))
    assert np.std(turns) == pytest.approx(10, rel=0.2)
    assert abs(np.mean(turns)) < 2
    assert np.std(np.log(scales)) == pytest.approx(math.log(1.5), rel=0.25)
    assert min(scales) == pytest.approx(0.5, abs=1e-3)
    assert max(scales) == pytest.approx(2.0, abs=1e-3)


def test_randomness_is_the_generator_s() -> None:
    lively = ViewParameters(side=SIDE)
    photo = ScenePair.of_one(scene(1, 400, 300))
    one, again, other = (view_pair(photo, lively, STRIDE, random(seed)) for seed in (5, 5, 6))
    for name in ("first", "second", "positions", "valid"):
        np.testing.assert_array_equal(getattr(one, name), getattr(again, name))
    assert np.abs(one.first.astype(int) - other.first).mean() > 5
    first, same, another = (square_view(photo.first, lively, random(seed)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, same)
    assert np.abs(first.astype(int) - another).mean() > 5


def test_a_square_view_shows_part_of_its_photo_either_way_round() -> None:
    """The photo's columns tell where they are: to the right it grows more red."""
    photo = np.full((240, 320, 3), 120, np.uint8)
    photo[..., 0] = np.linspace(20, 220, 320).astype(np.uint8)
    slopes = []
    for seed in range(20):
        view = square_view(photo, dataclasses.replace(STILL, least_crop=0.5), random(seed))
        assert (view.shape, view.dtype.name) == ((SIDE, SIDE, 3), "uint8")
        row = view[SIDE // 2, :, 0].astype(float)
        assert 15 <= row.min() < row.max() <= 225
        slopes.append(np.sign(np.polyfit(np.arange(SIDE), row, 1)[0]))
    assert {-1.0, 1.0} == set(slopes)


def test_large_photos_are_shown_without_aliasing() -> None:
    """A fine chequerboard, shrunk four times, is grey."""
    fine = np.zeros((900, 900, 3), np.uint8)
    fine[::2, ::2] = fine[1::2, 1::2] = 220
    view = view_pair(ScenePair.of_one(fine), STILL, STRIDE, random(1)).first[16:-16, 16:-16]
    assert view.std() < 6
