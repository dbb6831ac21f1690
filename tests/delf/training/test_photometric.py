"""Changes of light and camera."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.delf.training.photometric import degraded
from steeple.delf.training.recipe import LightParameters
from tests.scenes import scene

NONE = LightParameters(toned=0, night=0, grey=0, blurred=0, noisy=0, compressed=0, occluded=0)
CHANGES = [field.name for field in dataclasses.fields(LightParameters)]


def alone(change: str) -> LightParameters:
    return dataclasses.replace(NONE, **{change: 1.0})


def changed(image: NDArray[np.uint8], parameters: LightParameters, seed: int = 1) -> NDArray[np.uint8]:
    return degraded(image, parameters, np.random.default_rng(seed))


def detail(image: NDArray[np.uint8]) -> float:
    """How much neighbouring pixels differ."""
    return float(np.abs(np.diff(image.astype(float), axis=1)).mean())


@pytest.fixture(scope="module")
def picture() -> NDArray[np.uint8]:
    """Neither dark nor bright, so that no exposure is brought back."""
    image = scene(3, 160, 120)
    assert 0.35 < image.mean() / 255 < 0.55
    return image


def test_nothing_is_changed_when_nothing_is_asked_for(picture: NDArray[np.uint8]) -> None:
    for seed in range(5):
        np.testing.assert_array_equal(changed(picture, NONE, seed), picture)


@pytest.mark.parametrize("change", CHANGES)
def test_each_change_is_one_by_its_seed(change: str, picture: NDArray[np.uint8]) -> None:
    before = picture.copy()
    made = [changed(picture, alone(change), seed) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(picture, before)
    np.testing.assert_array_equal(made[0], made[1])
    assert (made[0] != picture).any()
    assert change == "grey" or (made[0] != made[2]).any(), "all but grey have degrees"


@pytest.mark.parametrize(("width", "height"), [(51, 37), (224, 224), (96, 200)])
def test_all_at_once_keeps_size_and_type(width: int, height: int) -> None:
    everything = LightParameters(**dict.fromkeys(CHANGES, 1.0))
    for seed in range(10):
        made = changed(scene(seed, width, height), everything, seed)
        assert (made.shape, made.dtype.name) == ((height, width, 3), "uint8")
        assert made.std() > 2, "something is left to see"


def test_how_often_is_as_asked(picture: NDArray[np.uint8]) -> None:
    grey = dataclasses.replace(NONE, grey=0.3)
    made = [changed(picture, grey, seed) for seed in range(300)]
    assert sum(bool((image[..., 0] == image[..., 2]).all()) for image in made) == pytest.approx(90, abs=25)


def test_grey_is_the_luminance(picture: NDArray[np.uint8]) -> None:
    made = changed(picture, alone("grey"))
    luminance = picture @ np.array([0.299, 0.587, 0.114])
    assert np.abs(made - luminance[..., None]).max() <= 1


@pytest.mark.parametrize("level", [8, 245])
def test_the_camera_exposes_what_is_too_dark_or_too_bright(level: int) -> None:
    flat = np.full((40, 40, 3), level, np.uint8)
    means = [changed(flat, NONE, seed).mean() / 255 for seed in range(20)]
    low, high = (0.12, 0.3) if level == 8 else (0.6, 0.75)
    assert low - 0.01 <= min(means) < max(means) <= high + 0.01


def test_a_night_has_a_black_sky() -> None:
    """Blue above, brown below; some nights turn the tones about instead, so the middle one of many is looked at."""
    day = np.empty((120, 120, 3), np.uint8)
    day[:60], day[60:] = (150, 190, 240), (140, 110, 80)
    nights = [changed(day, alone("night"), seed).astype(float) for seed in range(31)]
    above = np.median([night[:30].mean() / night[70:].mean() for night in nights])
    assert above < 0.6 < day[:30].mean() / day[70:].mean()
    warmth = [night[70:, :, 0].mean() / max(1.0, night[70:, :, 2].mean()) for night in nights]
    assert np.median(warmth) > 140 / 80


def test_blur_takes_detail_and_noise_adds_it(picture: NDArray[np.uint8]) -> None:
    for seed in range(8):
        assert detail(changed(picture, alone("blurred"), seed)) < 0.95 * detail(picture)
        noise = changed(picture, alone("noisy"), seed).astype(float) - picture
        inside = (picture > 60) & (picture < 195)  # where nothing is cut off
        assert 0.01 * 255 * 0.9 < noise[inside].std() < 0.06 * 255 * 1.1
        assert abs(noise[inside].mean()) < 1


def test_covered_patches_leave_most_of_the_picture(picture: NDArray[np.uint8]) -> None:
    shares = [float((changed(picture, alone("occluded"), seed) != picture).any(axis=2).mean()) for seed in range(40)]
    assert 0.0 < min(shares) < max(shares) <= 3 * 0.35**2
    assert np.mean(shares) > 0.03


def test_tones_keep_what_is_where(picture: NDArray[np.uint8]) -> None:
    """Other light on the same things: edges stay, colours go."""
    for seed in range(8):
        made = changed(picture, alone("toned"), seed).astype(float)
        assert np.abs(made - picture).mean() > 3
        edges, others = (np.abs(np.diff(image.mean(axis=2), axis=1)) for image in (picture.astype(float), made))
        assert np.corrcoef(edges.ravel(), others.ravel())[0, 1] > 0.7
