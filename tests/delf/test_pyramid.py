from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from steeple.delf import pyramid
from steeple.delf.release import ExtractionParameters

PARAMETERS = ExtractionParameters(
    pyramid_scales=(1.0, 0.7071, 0.5, 0.3536, 0.25),
    stride=16,
    max_pixels=480_000,
    max_features=1000,
    score_threshold=0.0,
)
SIDES = st.integers(32, 20_000)


@given(SIDES, SIDES)
def test_levels_fall_in_size_and_fit_the_stride(width: int, height: int) -> None:
    levels = pyramid.levels(width, height, PARAMETERS)
    assert levels
    pixels = [level.width * level.height for level in levels]
    assert pixels == sorted(pixels, reverse=True)
    assert len(set(levels)) == len(levels) <= 5
    for level in levels:
        assert level.width % 16 == 0
        assert level.height % 16 == 0
        assert min(level.width, level.height) >= 32


@given(st.integers(400, 6000), st.integers(400, 6000))
def test_the_largest_level_keeps_to_the_working_size(width: int, height: int) -> None:
    top = pyramid.levels(width, height, PARAMETERS)[0]
    working = min(width * height, 480_000)
    assert abs(top.width * top.height - working) < 16 * (top.width + top.height)
    assert top.scale == np.sqrt(width * height / (top.width * top.height))


def test_a_phone_photo_is_worked_on_at_800_by_600() -> None:
    assert [(level.width, level.height) for level in pyramid.levels(4000, 3000, PARAMETERS)] == [
        (800, 608),
        (560, 432),
        (400, 304),
        (288, 208),
        (192, 144),
    ]


@given(st.integers(32, 6000), st.integers(32, 6000))
def test_a_small_image_is_enlarged_to_the_least_working_size(width: int, height: int) -> None:
    enlarging = replace(PARAMETERS, min_pixels=640 * 480)
    scale = pyramid.working_scale(width, height, enlarging)
    pixels = width * height / scale**2
    assert 640 * 480 * 0.999 < pixels < 480_000 * 1.001 or scale == 0.25
    assert 0.25 <= scale <= pyramid.working_scale(width, height, PARAMETERS)
    if width * height >= 640 * 480:
        assert pyramid.levels(width, height, enlarging) == pyramid.levels(width, height, PARAMETERS)
    else:
        top = pyramid.levels(width, height, enlarging)[0]
        assert top.scale <= 1.0 + 16 * (width + height) / (width * height)


def test_a_thumbnail_is_worked_on_at_640_by_480() -> None:
    levels = pyramid.levels(200, 150, replace(PARAMETERS, min_pixels=640 * 480))
    assert [(level.width, level.height) for level in levels][:2] == [(640, 480), (448, 336)]
    assert levels[0].scale == 0.3125
    (image,) = pyramid.resized(np.full((150, 200, 3), 77, np.uint8), levels[:1])
    assert image.shape == (480, 640, 3)
    assert (image == 77).all()


def test_a_cell_lies_in_the_middle_of_its_patch() -> None:
    centres = pyramid.cell_centres(columns=40, rows=30, width=640, height=480)
    np.testing.assert_array_equal(centres[0], [7.5, 7.5])
    np.testing.assert_array_equal(centres[41], [23.5, 23.5])
    np.testing.assert_array_equal(centres[-1], [631.5, 471.5])


def test_cells_of_all_levels_share_one_frame() -> None:
    """The corners of what the cells of a level cover are the image's corners, whatever the level's size."""
    for columns, rows in ((40, 30), (28, 21), (10, 8)):
        centres = pyramid.cell_centres(columns, rows, 1000, 700).reshape(rows, columns, 2)
        half = np.array([1000 / columns, 700 / rows]) / 2
        np.testing.assert_allclose(centres[0, 0] - half, [-0.5, -0.5], atol=1e-4)
        np.testing.assert_allclose(centres[-1, -1] + half, [999.5, 699.5], atol=1e-3)
