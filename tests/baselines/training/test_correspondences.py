"""Keypoints of two views show the same, and patches lie to each other as is said."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.baselines.patches import REGION, SIDE, cut
from steeple.baselines.training.correspondences import (
    Correspondences,
    Keypoints,
    PairParameters,
    carried,
    corresponding,
    similarities,
)
from steeple.baselines.training.patch_pairs import WIDE, PatchParameters, detection_pairs, patch_pairs
from steeple.delf.homographies import about, mapped, rotating, scaling, tilting
from steeple.delf.training.recipe import LightParameters
from tests.scenes import scene

NO_CHANGE = LightParameters(toned=0, night=0, grey=0, blurred=0, noisy=0, compressed=0, occluded=0)
EXACT = PairParameters(light=NO_CHANGE, position_error=0, scale_error=0, angle_error=0)


def drawn(seed: int, parameters: PairParameters = EXACT) -> Correspondences:
    return corresponding(scene(seed, 320, 240), parameters, np.random.default_rng(seed))


def likeness(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.float64]:
    """float64[N]: correlation of patches."""
    a, b = (part - part.mean(axis=(1, 2), keepdims=True) for part in (first.astype(float), second.astype(float)))
    return np.asarray((a * b).sum(axis=(1, 2)) / np.sqrt((a**2).sum(axis=(1, 2)) * (b**2).sum(axis=(1, 2)) + 1e-9))


def test_a_similarity_is_the_same_everywhere() -> None:
    homography = scaling(1.5, 1.5) @ about((50, 80), rotating(40))
    scales, turns = similarities(homography, np.array([[0.0, 0], [100, 30]]))
    np.testing.assert_allclose(scales, 1.5)
    np.testing.assert_allclose(turns, math.radians(40))


def test_a_tilted_plane_shrinks_along_its_depth() -> None:
    scales, turns = similarities(tilting(60, 0, 1e6), np.array([[0.0, 0.0]]))
    assert scales[0] == pytest.approx(math.sqrt(0.5))
    assert turns[0] == pytest.approx(0)
    near, far = similarities(tilting(60, 0, 500), np.array([[0.0, -100], [0.0, 100]]))[0]
    assert near > far


def test_carried_keypoints_have_the_place_size_and_angle_of_the_view() -> None:
    homography = scaling(2, 2) @ about((50, 50), rotating(90))
    there = carried(Keypoints(np.array([[60.0, 50.0]]), np.array([4.0]), np.array([0.5])), homography)
    np.testing.assert_allclose(there.positions, [[100.5, 120.5]])
    np.testing.assert_allclose(there.sizes, 8)
    np.testing.assert_allclose(there.angles, 0.5 + math.pi / 2)


@pytest.mark.parametrize("seed", range(4))
def test_keypoints_of_the_second_view_are_those_of_the_first(seed: int) -> None:
    found = drawn(seed)
    assert 20 <= len(found.in_first) == len(found.in_second) <= EXACT.per_photo
    expected = carried(found.in_first, found.homography)
    apart = np.linalg.norm(found.in_second.positions - expected.positions, axis=1)
    assert (apart <= 0.5 * expected.sizes).all()
    assert np.median(apart / expected.sizes) < 0.2
    assert (np.abs(np.log(found.in_second.sizes / expected.sizes)) < math.log(1.5)).all()
    # Of the same place, in the same orientation: a fifth of a size off, patches still look alike.
    made = patch_pairs(found, PatchParameters(), np.random.default_rng(0))
    right = likeness(made["first"], made["second"])
    assert np.median(right) > 0.75
    assert np.median(likeness(made["first"], np.roll(made["second"], 1, axis=0))) < 0.4


def test_keypoints_are_spread_and_their_regions_are_inside() -> None:
    found = drawn(1)
    points = found.in_first
    half = REGION / 2 * points.sizes[:, None]
    height, width = found.first.shape
    assert (points.positions - half >= 0).all()
    assert (points.positions + half <= [width - 1, height - 1]).all()
    apart = np.linalg.norm(points.positions[:, None] - points.positions[None], axis=2)
    larger = np.maximum(points.sizes[:, None], points.sizes[None])
    assert (apart >= 0.25 * REGION * larger)[~np.eye(len(points), dtype=bool)].all()


def test_errors_of_place_scale_and_angle_are_made_where_nothing_was_found() -> None:
    wrong = PairParameters(light=NO_CHANGE, found_share=0, position_error=0.2, scale_error=0.1, angle_error=10)
    found = drawn(2, wrong)
    expected = carried(found.in_first, found.homography)
    apart = (found.in_second.positions - expected.positions) / expected.sizes[:, None]
    assert apart.std() == pytest.approx(0.2, rel=0.5)
    assert np.log(found.in_second.sizes / expected.sizes).std() == pytest.approx(0.1, rel=0.5)
    turned = np.angle(np.exp(1j * (found.in_second.angles - expected.angles)))
    assert np.degrees(turned).std() == pytest.approx(10, rel=0.5)


def test_a_plain_photo_has_no_keypoints() -> None:
    found = corresponding(np.full((100, 120, 3), 90, np.uint8), EXACT, np.random.default_rng(0))
    assert len(found.in_first) == len(found.in_second) == 0
    made = patch_pairs(found, PatchParameters(spun=True, detection=True), np.random.default_rng(0))
    assert {len(array) for array in made.values()} == {0}


def test_spun_pairs_are_turned_by_one_angle() -> None:
    found = drawn(3)
    plain, spun = (patch_pairs(found, PatchParameters(spun=s), np.random.default_rng(0)) for s in (False, True))
    assert np.median(likeness(spun["first"], spun["second"])) > 0.75
    assert np.median(likeness(spun["first"], plain["first"])) < 0.6


def made_for_detection(seed: int) -> tuple[Correspondences, dict[str, NDArray[Any]]]:
    found = drawn(seed)
    return found, detection_pairs(found, np.random.default_rng(seed))


def test_a_turn_is_by_how_much_the_second_patch_shows_the_first_one_turned() -> None:
    _, made = made_for_detection(0)
    first = np.asarray(made["turned_first"], np.uint8)
    turned = []
    for patch, turn in zip(first, made["turn"].astype(float), strict=True):
        centre, sides = np.array([[(SIDE - 1) / 2] * 2]), np.array([float(SIDE)])
        # What is seen along -turn comes to lie along 0: the content turns clockwise by turn.
        turned.append(cut(patch, centre, sides, np.array([-turn]), SIDE)[0])
    inner = slice(8, 24)
    second = np.asarray(made["turned_second"], np.uint8)
    assert np.median(likeness(np.stack(turned)[:, inner, inner], second[:, inner, inner])) > 0.75
    assert np.median(likeness(first[:, inner, inner], second[:, inner, inner])) < 0.6


def test_a_transform_takes_pixels_of_one_wide_patch_to_those_of_the_other() -> None:
    _, made = made_for_detection(1)
    side = 13
    offsets = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2) - side // 2
    first_parts, second_parts = [], []
    for first, second, transform in zip(
        made["wide_first"], made["wide_second"], made["transform"].astype(float), strict=True
    ):
        at = offsets + (WIDE - 1) / 2
        there = mapped(np.vstack([transform, [0, 0, 1]]), at)
        if (there < 0).any() or (there > WIDE - 1).any():
            continue
        first_parts.append(_sampled(np.asarray(first, np.uint8), at).reshape(side, side))
        second_parts.append(_sampled(np.asarray(second, np.uint8), there).reshape(side, side))
    assert len(first_parts) > 10
    assert np.median(likeness(np.stack(first_parts), np.stack(second_parts))) > 0.75


def test_blank_places_have_no_keypoints_of_like_size() -> None:
    plain = np.full((240, 320, 3), 128, np.uint8)
    plain[:, :160] = scene(4, 160, 240)
    found = corresponding(plain, EXACT, np.random.default_rng(0))
    made = detection_pairs(found, np.random.default_rng(0))
    deviation: Callable[[str], float] = lambda name: float(made[name].astype(float).std(axis=(1, 2)).mean())  # noqa: E731
    assert deviation("blank") < 0.3 * deviation("wide_first")


def _sampled(image: NDArray[np.uint8], at: NDArray[np.floating]) -> NDArray[np.uint8]:
    rounded = np.rint(at).astype(int)
    return np.asarray(image[rounded[:, 1], rounded[:, 0]], np.uint8)
