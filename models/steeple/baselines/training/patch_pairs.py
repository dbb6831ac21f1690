"""Patches of two views of a photo, as each part of a patch network is trained on them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from steeple.baselines.patches import REGION, SIDE, cut
from steeple.baselines.training.correspondences import Correspondences, Keypoints, similarities
from steeple.delf.homographies import mapped

WIDE: Final = 48
"""Pixels of a patch in which a keypoint is to be detected, of the same pixels as the other."""

_ASIDE: Final = 8.0  # pixels of the patch: how far the keypoint may lie from the middle, either way
_SPOTS: Final = 8  # tries for every spot without keypoints
_LIKE: Final = math.log(2)  # keypoints of up to twice or half the size count as being there

PatchArrays: TypeAlias = dict[str, NDArray[Any]]
"""Arrays whose first axis is the pair."""


@dataclass(frozen=True)
class PatchParameters:
    """Which patches are made of corresponding keypoints.

    Attributes:
        spun: Whether both patches of a pair are turned further by one angle, which may be any: for descriptors whose
            orientation will not be SIFT's.
        detection: Whether patches to learn orientation and detection from are made as well.
    """

    spun: bool = False
    detection: bool = False


def patch_pairs(found: Correspondences, parameters: PatchParameters, rng: np.random.Generator) -> PatchArrays:
    """Cuts patches.

    Args:
        found: Keypoints in two views.
        parameters: Which patches.
        rng: All randomness.

    Returns:
        Of N pairs: ``first`` and ``second``, uint8[N, 32, 32], upright by the orientation of the keypoints. With
        ``detection`` also what :func:`detection_pairs` returns.
    """
    count = len(found.in_first)
    spin = rng.uniform(-math.pi, math.pi, count) if parameters.spun else np.zeros(count)
    arrays: PatchArrays = {
        name: cut(image, points.positions, REGION * points.sizes, points.angles + spin, SIDE)
        for name, image, points in (
            ("first", found.first, found.in_first),
            ("second", found.second, found.in_second),
        )
    }
    if parameters.detection:
        arrays.update(detection_pairs(found, rng))
    return arrays


def detection_pairs(found: Correspondences, rng: np.random.Generator) -> PatchArrays:
    """Cuts patches at any angle, and says how those of a pair lie to each other.

    Returns:
        Of N pairs:

        ``turned_first``, ``turned_second``: uint8[N, 32, 32], around the keypoints, at any angle.
        ``turn``: float32[N]; radians, clockwise: by how much what the second shows is turned against the first.
        ``wide_first``, ``wide_second``: uint8[N, 48, 48]; the keypoints are not in their middle.
        ``place_first``, ``place_second``: float32[N, 2]; x, y of the keypoints in these, pixels.
        ``transform``: float32[N, 2, 3]; takes pixels x, y, 1 of ``wide_first`` to x, y of ``wide_second``.
        ``blank``: uint8[N, 48, 48]; of places in the first view without keypoints of like size.
    """
    count = len(found.in_first)
    first_angles, second_angles = rng.uniform(-math.pi, math.pi, (2, count))
    scales, turns = similarities(found.homography, found.in_first.positions)
    arrays: PatchArrays = {
        f"turned_{name}": cut(image, points.positions, REGION * points.sizes, angles, SIDE)
        for name, image, points, angles in (
            ("first", found.first, found.in_first, first_angles),
            ("second", found.second, found.in_second, second_angles),
        )
    }
    turn = turns + first_angles - second_angles
    arrays["turn"] = np.angle(np.exp(1j * turn)).astype(np.float32)

    pixels = REGION / SIDE  # of a wide patch, in sizes
    first, first_centres = _wide(found.first, found.in_first, first_angles, rng)
    second, second_centres = _wide(found.second, found.in_second, second_angles, rng)
    arrays["wide_first"], arrays["wide_second"] = first, second
    factor = scales * found.in_first.sizes / found.in_second.sizes
    rotation = _rotations(turn) * factor[:, None, None]
    # Where the keypoint is in either patch: the second's own geometry may be a little off, the homography is not.
    middle = (WIDE - 1) / 2
    at_first = _in_patch(found.in_first.positions - first_centres, first_angles, pixels * found.in_first.sizes)
    expected = mapped(found.homography, found.in_first.positions)
    at_second = _in_patch(expected - second_centres, second_angles, pixels * found.in_second.sizes)
    at_first, at_second = at_first + middle, at_second + middle
    shift = at_second - (rotation @ at_first[:, :, None])[:, :, 0]
    arrays["place_first"], arrays["place_second"] = at_first.astype(np.float32), at_second.astype(np.float32)
    arrays["transform"] = np.concatenate([rotation, shift[:, :, None]], axis=2).astype(np.float32)
    arrays["blank"] = _blank(found, rng)
    return arrays


def _wide(
    image: NDArray[np.uint8], points: Keypoints, angles: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Patches around places near the keypoints, and these places."""
    aside = rng.uniform(-_ASIDE, _ASIDE, (len(points), 2)) * (REGION / SIDE * points.sizes)[:, None]
    centres = points.positions + aside
    return cut(image, centres, WIDE / SIDE * REGION * points.sizes, angles, WIDE), centres


def _in_patch(
    offsets: NDArray[np.float64], angles: NDArray[np.float64], pixels: NDArray[np.float64]
) -> NDArray[np.float64]:
    """float64[N, 2]: offsets from a patch's centre in its own pixels, of offsets in the picture's."""
    turned: NDArray[np.float64] = (_rotations(-angles) @ offsets[:, :, None])[:, :, 0] / pixels[:, None]
    return turned


def _rotations(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    cos, sin = np.cos(angles), np.sin(angles)
    return np.stack([np.stack([cos, -sin], axis=-1), np.stack([sin, cos], axis=-1)], axis=1)


def _blank(found: Correspondences, rng: np.random.Generator) -> NDArray[np.uint8]:
    """As many patches as there are pairs, at places as far from keypoints as chance finds them."""
    count = len(found.in_first)
    height, width = found.first.shape
    sizes = np.repeat(found.in_first.sizes[:, None], _SPOTS, axis=1)
    spots = rng.uniform(0, 1, (count, _SPOTS, 2)) * np.array([width - 1, height - 1])
    known = found.all_in_first
    distances = np.linalg.norm(spots[:, :, None] - known.positions[None, None], axis=3)
    like = np.abs(np.log(sizes[:, :, None] / known.sizes[None, None])) < _LIKE
    clearance = np.where(like, distances / sizes[:, :, None], np.inf).min(axis=2, initial=np.inf)
    best = clearance.argmax(axis=1)
    rows = np.arange(count)
    angles = rng.uniform(-math.pi, math.pi, count)
    return cut(found.first, spots[rows, best], WIDE / SIDE * REGION * found.in_first.sizes, angles, WIDE)
