"""Patches are where the convention says, at the scale and in the orientation asked for."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from steeple.baselines.patches import cut, normalised
from steeple.delf.homographies import about, mapped, rotating, scaling, shifting
from tests.scenes import scene

PICTURE = np.asarray(cv2.cvtColor(scene(5, 320, 240), cv2.COLOR_RGB2GRAY), np.uint8)


def one(image: NDArray[np.uint8], x: float, y: float, region: float, angle: float, side: int = 32) -> NDArray[np.uint8]:
    patch: NDArray[np.uint8] = cut(image, np.array([[x, y]]), np.array([region]), np.array([angle]), side)[0]
    return patch


def likeness(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    a, b = (patch.astype(np.float64) - patch.mean() for patch in (first, second))
    return float((a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum()))


def test_a_patch_of_the_pictures_own_pixels_is_a_part_of_it() -> None:
    np.testing.assert_array_equal(one(PICTURE, 115.5, 90.5, 32, 0.0), PICTURE[75:107, 100:132])


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_an_angle_is_clockwise_on_the_screen(quarters: int) -> None:
    patch = one(PICTURE, 115.5, 90.5, 32, quarters * math.pi / 2)
    # What points down in the picture, at a quarter turn, points right in the patch.
    np.testing.assert_allclose(patch, np.rot90(PICTURE[75:107, 100:132], quarters), atol=1)


def test_beyond_the_border_the_picture_goes_on_as_it_ends() -> None:
    patch = one(PICTURE, -20.0, 50.5, 16, 0.0, side=16)
    np.testing.assert_array_equal(patch, np.repeat(PICTURE[43:59, :1], 16, axis=1))


def test_a_large_region_is_averaged_and_not_skipped_through() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (512, 512)).astype(np.uint8)
    patch = one(noise, 255.5, 255.5, 512, 0.0)
    assert abs(float(patch.mean()) - 127.5) < 4
    assert patch.std() < 16  # of 74 in the picture; of 16 x 16 pixels each: 4.6


def test_many_patches_are_cut_in_portions_and_stay_in_order() -> None:
    rng = np.random.default_rng(1)
    positions, regions = rng.uniform(40, 200, (1500, 2)), rng.uniform(20, 150, 1500)
    patches = cut(PICTURE, positions, regions, np.zeros(1500), 32)
    for number in (0, 999, 1000, 1499):
        alone = one(PICTURE, positions[number, 0], positions[number, 1], regions[number], 0.0)
        np.testing.assert_array_equal(patches[number], alone)
    assert cut(PICTURE, np.empty((0, 2)), np.empty(0), np.empty(0), 32).shape == (0, 32, 32)


@settings(max_examples=20, deadline=None)
@given(degrees=st.floats(-180, 180), factor=st.floats(0.7, 1.6), x=st.floats(130, 190), y=st.floats(100, 140))
def test_a_patch_of_a_turned_and_scaled_picture_is_the_patch_of_the_picture(
    degrees: float, factor: float, x: float, y: float
) -> None:
    homography = scaling(factor, factor) @ about((159.5, 119.5), rotating(degrees))
    homography = shifting(100, 100) @ homography
    view = np.asarray(cv2.warpPerspective(PICTURE, homography, (800, 700), flags=cv2.INTER_CUBIC), np.uint8)
    at = mapped(homography, np.array([[x, y]]))[0]
    first = one(PICTURE, x, y, 60, 0.3)
    second = one(view, at[0], at[1], 60 * factor, 0.3 + math.radians(degrees))
    assert likeness(first, second) > 0.93  # a step of the pyramid may lie between them
    assert likeness(first, one(view, at[0], at[1], 60 * factor, 0.3 + math.radians(degrees + 25))) < likeness(
        first, second
    )


def test_patches_are_normalised_each_on_its_own_and_flat_ones_stay_flat() -> None:
    patches = np.stack([PICTURE[:32, :32], PICTURE[100:132, 50:82], np.full((32, 32), 7, np.uint8)])
    made = normalised(patches)
    assert made.shape == (3, 1, 32, 32)
    np.testing.assert_allclose(made.mean(axis=(1, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(made.std(axis=(1, 2, 3)), [1, 1, 0], atol=1e-4)
    brighter = normalised((patches[:2] // 2 + 60).astype(np.uint8))
    np.testing.assert_allclose(brighter, made[:2], atol=0.1)
