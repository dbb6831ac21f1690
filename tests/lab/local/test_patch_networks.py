"""Patch networks find the same in a picture that is turned, enlarged or darkened, and say where."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from steeple.errors import InvalidArgumentError
from steeple.lab.features import LocalFeatures
from steeple.lab.local.hardnet import HardNetOnSift
from steeple.lab.local.lift import LiftLike
from steeple.lab.protocols import LocalExtractor
from tests.lab.local import views
from tests.lab.local.views import PICTURE, View, matched

COUNT = 600
RADIUS = {HardNetOnSift: 1.5, LiftLike: 3.0}
"""Pixels. Coarse levels have larger ones, and the learned detector knows them no better than that."""


@pytest.fixture(scope="module", params=[HardNetOnSift, LiftLike])
def extractor(request: pytest.FixtureRequest) -> LocalExtractor:
    made: LocalExtractor = request.param(count=COUNT)
    return made


@pytest.fixture(scope="module")
def picture(extractor: LocalExtractor) -> LocalFeatures:
    return extractor.extract(PICTURE)


def test_what_comes_out(picture: LocalFeatures) -> None:
    assert 300 < len(picture) <= COUNT
    assert picture.descriptors.shape == (len(picture), 128)
    np.testing.assert_allclose(np.linalg.norm(picture.descriptors, axis=1), 1, atol=1e-4)
    assert (np.diff(picture.scores) <= 0).all()
    assert ((picture.positions >= -0.5) & (picture.positions <= (views.WIDTH - 0.5, views.HEIGHT - 0.5))).all()


@pytest.mark.parametrize(("view", "turn"), [(views.quarter_turned, 90.0), (views.half_turned, 180.0)])
def test_positions_and_angles_turn_with_the_picture(
    extractor: LocalExtractor, picture: LocalFeatures, view: Callable[[], View], turn: float
) -> None:
    seen = view()
    found = matched(picture, extractor.extract(seen.image), seen.homography)
    radius = RADIUS[type(extractor)]
    assert found.share(radius) > 0.7
    off = np.angle(np.exp(1j * (found.right(radius).turns - np.deg2rad(turn))))
    assert abs(np.rad2deg(np.median(off))) < 3
    assert np.mean(np.abs(off) < np.deg2rad(20)) > 0.8


def test_positions_and_scales_grow_with_the_picture(extractor: LocalExtractor, picture: LocalFeatures) -> None:
    """The middle of pixel x lies at 2x + 1/2."""
    seen = views.doubled()
    larger = extractor.extract(seen.image)
    found = matched(picture, larger, seen.homography).right(6.0)
    assert len(found.errors) > 60
    assert np.abs(np.median(found.offsets, axis=0)).max() <= 0.6


def test_a_darker_picture_has_the_same_descriptors(extractor: LocalExtractor, picture: LocalFeatures) -> None:
    found = matched(picture, extractor.extract((PICTURE // 2 + 30).astype(np.uint8)), np.eye(3))
    assert found.share(RADIUS[type(extractor)]) > 0.7


def test_an_even_wall_has_no_keypoints(extractor: LocalExtractor) -> None:
    found = extractor.extract(np.full((120, 160, 3), 90, np.uint8))
    assert len(found) == 0
    assert found.descriptors.shape == (0, 128)


def test_fewer_are_the_strongest(picture: LocalFeatures) -> None:
    few = LiftLike(count=40).extract(PICTURE)
    alone = LiftLike(count=COUNT).extract(PICTURE).first(40)
    np.testing.assert_array_equal(few.positions, alone.positions)
    np.testing.assert_allclose(few.descriptors, alone.descriptors, atol=1e-5)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_threshold_without_sense_is_refused(value: float) -> None:
    with pytest.raises(InvalidArgumentError, match="'threshold' of lift-like"):
        LiftLike(threshold=value)
    with pytest.raises(InvalidArgumentError, match="'contrast' of a local extractor"):
        HardNetOnSift(contrast=value)
