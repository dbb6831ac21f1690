"""Keypoints of one photo in two views whose geometry is known: what patch networks are trained on.

Mishchuk et al. and Yi et al. take keypoints that structure from motion found in several photos of one place. Here the
second view is made of the first, so that any photo will do: tilted, turned, scaled, in other light. What two real
photos have beyond that - depth, and what stands before the building - is not in it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.baselines.patches import REGION
from steeple.delf.homographies import (
    Homography,
    about,
    framed,
    inverse,
    mapped,
    middle,
    rotating,
    scaling,
    tilting,
    warped,
)
from steeple.delf.training.photometric import degraded
from steeple.delf.training.recipe import LightParameters

_CONSIDERED: Final = 400  # keypoints of a view, at random: more cost time, and no more than a few dozen are taken
_NEAR: Final = 0.25  # of a region: keypoints as close as this to a chosen one show the same
_FOUND_NEAR: Final = 0.5  # of a size
_FOUND_SCALE: Final = math.log(1.5)
_FOUND_ANGLE: Final = math.radians(30)
_DISTANCE: Final = 1.5  # of the camera from the photo, in its longer sides


@dataclass(frozen=True)
class PairParameters:
    """How far two views of a photo differ, and which keypoints are taken.

    Attributes:
        tilt: Largest angle between the photo and the second view, degrees.
        scale_spread: Standard deviation of the factor between the views' scales, as a factor.
        scale_limit: The factor is at most this, and at least its inverse.
        rotation: Standard deviation of the angle between the views, degrees.
        turned_share: Share of pairs whose angle may be any.
        per_photo: Most keypoints of a photo, each time that it is used.
        found_share: Share of them that SIFT found in both views, with the second view's own geometry; the others are
            taken to the second view by calculation, with the errors below.
        position_error: Standard deviation, in sizes of the keypoint.
        scale_error: Standard deviation of a factor, as its logarithm.
        angle_error: Standard deviation, degrees.
        light: Photometric changes of both views.
    """

    tilt: float = 50.0
    scale_spread: float = 1.4
    scale_limit: float = 2.5
    rotation: float = 15.0
    turned_share: float = 0.2
    per_photo: int = 64
    found_share: float = 0.75
    position_error: float = 0.15
    scale_error: float = 0.12
    angle_error: float = 8.0
    light: LightParameters = field(
        default_factory=lambda: LightParameters(night=0.1, grey=0.0, blurred=0.2, occluded=0.0)
    )


@dataclass(frozen=True, eq=False)
class Keypoints:
    """Keypoints of a picture.

    Attributes:
        positions: float64[N, 2]; x, y in pixels.
        sizes: float64[N]; as OpenCV's SIFT has them, two standard deviations, pixels.
        angles: float64[N]; radians, clockwise on the screen.
    """

    positions: NDArray[np.float64]
    sizes: NDArray[np.float64]
    angles: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, chosen: NDArray[np.intp]) -> Keypoints:
        return Keypoints(self.positions[chosen], self.sizes[chosen], self.angles[chosen])


@dataclass(frozen=True, eq=False)
class Correspondences:
    """Two views of a photo and keypoints that show the same in both.

    Attributes:
        first: uint8[H, W]; the first view, grey.
        second: uint8[H', W']; the second.
        homography: float64[3, 3]; takes pixels of ``first`` to those of ``second``.
        in_first: N keypoints.
        in_second: The same N.
        all_in_first: Every keypoint that SIFT found in the first view.
    """

    first: NDArray[np.uint8]
    second: NDArray[np.uint8]
    homography: Homography
    in_first: Keypoints
    in_second: Keypoints
    all_in_first: Keypoints


def corresponding(photo: NDArray[np.uint8], parameters: PairParameters, rng: np.random.Generator) -> Correspondences:
    """Draws two views of a photo and keypoints in both; of a photo without texture there may be none.

    Args:
        photo: uint8[H, W, 3], RGB.
        parameters: How far views differ.
        rng: All randomness.
    """
    first_view, first_size = _camera(photo, 0.0, _uniform_scale(rng, 0.6, 1.0), 0.0, 0.0)
    direction = rng.uniform(0.0, 180.0)
    second_view, second_size = _camera(
        photo, rng.uniform(0.0, parameters.tilt), _scale(parameters, rng), _rotation(parameters, rng), direction
    )
    first = _seen(photo, first_view, first_size, parameters.light, rng)
    second = _seen(photo, second_view, second_size, parameters.light, rng)
    homography = second_view @ inverse(first_view)
    found, again = detected(first), detected(second)
    considered = found[rng.permutation(len(found))[:_CONSIDERED]]
    expected = carried(considered, homography)
    partner = _found_again(expected, again)
    in_second = _with_errors(expected, parameters, rng)
    exact = partner >= 0
    for name in ("positions", "sizes", "angles"):
        getattr(in_second, name)[exact] = getattr(again, name)[partner[exact]]
    usable = _inside(considered, first_size) & _inside(in_second, second_size)
    chosen = _spread(considered, usable, exact, parameters)
    return Correspondences(first, second, homography, considered[chosen], in_second[chosen], found)


def detected(image: NDArray[np.uint8]) -> Keypoints:
    """SIFT's keypoints of a grey picture uint8[H, W]."""
    found = cv2.SIFT.create(enable_precise_upscale=True).detect(image, None)
    return Keypoints(
        np.array([one.pt for one in found], np.float64).reshape(-1, 2),
        np.array([one.size for one in found], np.float64),
        np.radians(np.array([one.angle for one in found], np.float64)),
    )


def carried(keypoints: Keypoints, homography: Homography) -> Keypoints:
    """Where a homography sends keypoints: as the similarity nearest to what it is around each of them."""
    positions = mapped(homography, keypoints.positions)
    scales, turns = similarities(homography, keypoints.positions)
    return Keypoints(positions, keypoints.sizes * scales, keypoints.angles + turns)


def similarities(
    homography: Homography, points: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What a homography does around points, float[N, 2].

    Returns:
        float64[N]: by which factor it enlarges there, the root of that of areas; and float64[N]: by how many radians
        it turns there, clockwise on the screen.
    """
    homogeneous = np.column_stack([points, np.ones(len(points))]) @ homography.T
    depth = homogeneous[:, 2]
    image = homogeneous[:, :2] / depth[:, None]
    # Derivatives of (a / c, b / c) by x and y.
    jacobian = (homography[None, :2, :2] - image[:, :, None] * homography[None, 2:, :2]) / depth[:, None, None]
    scales = np.sqrt(np.abs(np.linalg.det(jacobian)))
    turns = np.arctan2(jacobian[:, 1, 0] - jacobian[:, 0, 1], jacobian[:, 0, 0] + jacobian[:, 1, 1])
    return np.asarray(scales, np.float64), np.asarray(turns, np.float64)


def _camera(
    photo: NDArray[np.uint8], tilt: float, scale: float, rotation: float, direction: float
) -> tuple[Homography, tuple[int, int]]:
    height, width = photo.shape[:2]
    turned = scaling(scale, scale) @ about(
        middle(width, height), rotating(rotation) @ tilting(tilt, direction, _DISTANCE * max(width, height))
    )
    return framed(turned, width, height)


def _seen(
    photo: NDArray[np.uint8], view: Homography, size: tuple[int, int], light: LightParameters, rng: np.random.Generator
) -> NDArray[np.uint8]:
    changed = degraded(warped(photo, view, size), light, rng)
    return np.asarray(cv2.cvtColor(changed, cv2.COLOR_RGB2GRAY), np.uint8)


def _uniform_scale(rng: np.random.Generator, low: float, high: float) -> float:
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def _scale(parameters: PairParameters, rng: np.random.Generator) -> float:
    """Small views have few keypoints: the second is 0.8 of the photo's size, more or less."""
    factor = math.exp(rng.normal(0.0, math.log(parameters.scale_spread)))
    return 0.8 * min(max(factor, 1 / parameters.scale_limit), parameters.scale_limit)


def _rotation(parameters: PairParameters, rng: np.random.Generator) -> float:
    if rng.random() < parameters.turned_share:
        return rng.uniform(-180.0, 180.0)
    return rng.normal(0.0, parameters.rotation)


def _found_again(expected: Keypoints, again: Keypoints) -> NDArray[np.intp]:
    """intp[N]: for every keypoint expected, the number of the nearest that was found where it should be, or -1."""
    if not len(expected) or not len(again):
        return np.full(len(expected), -1, np.intp)
    distances = np.linalg.norm(expected.positions[:, None] - again.positions[None], axis=2) / expected.sizes[:, None]
    scales = np.abs(np.log(expected.sizes[:, None] / again.sizes[None]))
    angles = np.abs(np.angle(np.exp(1j * (expected.angles[:, None] - again.angles[None]))))
    fits = (distances < _FOUND_NEAR) & (scales < _FOUND_SCALE) & (angles < _FOUND_ANGLE)
    distances[~fits] = np.inf
    return np.where(fits.any(axis=1), distances.argmin(axis=1), -1)


def _with_errors(expected: Keypoints, parameters: PairParameters, rng: np.random.Generator) -> Keypoints:
    count = len(expected)
    return Keypoints(
        expected.positions + rng.normal(0.0, parameters.position_error, (count, 2)) * expected.sizes[:, None],
        expected.sizes * np.exp(rng.normal(0.0, parameters.scale_error, count)),
        expected.angles + rng.normal(0.0, math.radians(parameters.angle_error), count),
    )


def _inside(keypoints: Keypoints, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Whether an upright square region is all in the picture."""
    half = REGION / 2 * keypoints.sizes[:, None]
    limit = np.array(size) - 1.0
    return np.asarray(((keypoints.positions >= half) & (keypoints.positions <= limit - half)).all(axis=1), np.bool_)


def _spread(
    keypoints: Keypoints,
    usable: NDArray[np.bool_],
    exact: NDArray[np.bool_],
    parameters: PairParameters,
) -> NDArray[np.intp]:
    """Numbers of keypoints in their order, no two of which show nearly the same."""
    left = {True: round(parameters.per_photo * parameters.found_share)}
    left[False] = parameters.per_photo - left[True]
    chosen: list[int] = []
    for number in np.flatnonzero(usable):
        kind = bool(exact[number])
        if not left[kind]:
            continue
        taken = keypoints[np.array(chosen, np.intp)]
        apart = np.linalg.norm(taken.positions - keypoints.positions[number], axis=1)
        if (apart < _NEAR * REGION * np.maximum(taken.sizes, keypoints.sizes[number])).any():
            continue
        chosen.append(int(number))
        left[kind] -= 1
        if not any(left.values()):
            break
    return np.array(chosen, np.intp)
