"""Grades of reference images, and thumbnails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from steeple.delf.features import FeatureSet
from steeple.delf.image import read_image
from steeple.server.photo_quality import Measures, grade, measure
from steeple.server.thumbnails import thumbnail
from tests.scenes import scene

MakeFeatures = Callable[..., FeatureSet]
GOOD = Measures(features=1000, spread=0.8, sharpness=40.0, repetition=0.02)


def test_a_good_photo_has_nothing_against_it() -> None:
    assert grade(GOOD).grade == 5
    assert grade(GOOD).reasons == ()
    assert grade(replace(GOOD, sharpness=None)).grade == 5


@pytest.mark.parametrize(
    ("measures", "expected", "reason"),
    [
        (replace(GOOD, features=250), 4, "few local features: 250"),
        (replace(GOOD, features=90), 3, "few local features: 90"),
        (replace(GOOD, features=12), 0, "few local features: 12"),
        (replace(GOOD, spread=0.2), 2, "they lie on 20% of the photo"),
        (replace(GOOD, sharpness=5.0), 3, "the photo is blurred"),
        (replace(GOOD, repetition=0.3), 3, "30% look like others in it"),
    ],
)
def test_what_is_wrong_is_said_and_costs(measures: Measures, expected: int, reason: str) -> None:
    assert (grade(measures).grade, grade(measures).reasons) == (expected, (reason,))


def test_the_worst_comes_first_and_no_grade_is_below_zero() -> None:
    found = grade(Measures(features=250, spread=0.1, sharpness=1.0, repetition=0.9))
    assert found.grade == 0
    assert found.reasons[-1] == "few local features: 250"
    assert len(found.reasons) == 4


def test_features_are_measured(make_features: MakeFeatures) -> None:
    features = make_features(3, count=400)
    everywhere = measure(features, None)
    assert everywhere.spread > 0.95
    assert everywhere.repetition == 0
    corner = replace(features, keypoints=(features.keypoints / 4).astype(np.float32))
    assert measure(corner, None).spread == pytest.approx(1 / 16, abs=0.01)
    windows = replace(features, descriptors=np.repeat(features.descriptors[:100], 4, axis=0))
    assert measure(windows, None).repetition > 0.95


def test_a_blurred_photo_is_less_sharp(make_features: MakeFeatures) -> None:
    pixels, features = scene(4), make_features(4)
    blurred = np.asarray(cv2.GaussianBlur(pixels, (0, 0), 5), np.uint8)
    sharp, soft = (measure(features, image).sharpness or 0.0 for image in (pixels, blurred))
    assert sharp > 14
    assert soft < 4


@pytest.mark.parametrize(
    ("width", "height", "size"), [(640, 480, (256, 192)), (100, 800, (32, 256)), (60, 40, (60, 40))]
)
def test_a_thumbnail_is_the_photo_made_small(width: int, height: int, size: tuple[int, int]) -> None:
    photo = scene(5, width, height)
    small = read_image(thumbnail(photo))
    assert (small.shape[1], small.shape[0]) == size
    assert np.abs(small.mean((0, 1)) - photo.mean((0, 1))).max() < 4
