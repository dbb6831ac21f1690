"""Local features of both methods."""

from __future__ import annotations

import numpy as np
import pytest

from steeple.delf import ModelRelease
from steeple.server.robustness import Method, Release, RootSift
from tests.scenes import scene


@pytest.fixture(scope="module")
def release() -> Release:
    return Release(ModelRelease.load())


@pytest.mark.parametrize("name", ["delf-lite2-v1", "RootSIFT"])
def test_features_are_of_unit_length_inside_the_picture(name: str, release: Release) -> None:
    methods: dict[str, Method] = {"delf-lite2-v1": release, "RootSIFT": RootSift()}
    method = methods[name]
    assert method.name == name
    found = method.features(scene(1, 320, 240))
    assert len(found.keypoints) == len(found.descriptors) > 100
    assert np.linalg.norm(found.descriptors, axis=1) == pytest.approx(1, abs=1e-4)
    assert (found.keypoints >= -0.5).all()
    assert (found.keypoints <= [319.5, 239.5]).all()


def test_a_flat_picture_has_no_rootsift_features() -> None:
    found = RootSift().features(np.full((240, 320, 3), 90, np.uint8))
    assert (found.keypoints.shape, found.descriptors.shape) == ((0, 2), (0, 128))


def test_the_features_of_most_contrast_are_kept() -> None:
    assert len(RootSift(50).features(scene(1)).keypoints) == 50
    assert len(RootSift().features(scene(1)).keypoints) <= 1000


def test_rootsift_compares_roots_of_histograms() -> None:
    """The inner product of two descriptors is the Bhattacharyya coefficient of the histograms: never negative."""
    descriptors = RootSift().features(scene(1)).descriptors
    assert (descriptors >= 0).all()
    assert (descriptors**2).sum(axis=1) == pytest.approx(1, abs=1e-4)


def test_the_radius_is_stated_at_working_size(release: Release) -> None:
    own = ModelRelease.load()
    small, large = release.features(scene(1, 320, 240)), release.features(scene(1, 1600, 1200))
    assert small.inlier_radii == (own.verification.inlier_radius / 2,), "enlarged to 640x480"
    assert large.inlier_radii == pytest.approx((24 * np.sqrt(1600 * 1200 / 480000),))


def test_what_is_too_small_to_extract_has_no_features(release: Release) -> None:
    assert len(release.features(scene(1, 320, 24)).keypoints) == 0
