"""Two views of one scene whose geometry is known: what local descriptors are trained on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.delf.homographies import inverse, mapped
from steeple.delf.training.photometric import degraded
from steeple.delf.training.recipe import ViewParameters

_FAR: Final = 1e6  # pixels: where a cell at the horizon of a view is, far from any cell


@dataclass(frozen=True)
class ScenePair:
    """Two photos of one scene.

    Attributes:
        first: uint8[H, W, 3], RGB.
        second: uint8[H', W', 3], RGB; may be the same.
        transform: float64[3, 3]; takes pixels of ``first`` to those of ``second``.
        region: float32[N, 2]; convex polygon in ``first`` in which ``transform`` holds.
    """

    first: NDArray[np.uint8]
    second: NDArray[np.uint8]
    transform: NDArray[np.float64]
    region: NDArray[np.float32]

    @staticmethod
    def of_one(photo: NDArray[np.uint8]) -> ScenePair:
        """A photo and itself."""
        height, width = photo.shape[:2]
        corners = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], np.float32)
        return ScenePair(photo, photo, np.eye(3), corners)


@dataclass(frozen=True)
class ViewPair:
    """Two square views and where the cells of the first lie in the second.

    Attributes:
        first: uint8[S, S, 3], RGB.
        second: uint8[S, S, 3], RGB.
        positions: float32[cells, 2]; x, y in pixels of ``second`` of the centre of each cell of ``first``, row by row.
        valid: bool[cells]; whether that position is known and inside ``second``.
    """

    first: NDArray[np.uint8]
    second: NDArray[np.uint8]
    positions: NDArray[np.float32]
    valid: NDArray[np.bool_]


def view_pair(scene: ScenePair, parameters: ViewParameters, stride: int, rng: np.random.Generator) -> ViewPair:
    """Draws two views: random crop, scale, rotation, perspective and light (HardNet and SuperPoint train so).

    Args:
        scene: What is seen.
        parameters: How far views may differ.
        stride: Pixels between the cells of the network.
        rng: All randomness.
    """
    side = parameters.side
    height, width = scene.first.shape[:2]
    if scene.first is scene.second:
        shorter = min(height, width)
        extent = shorter * math.exp(rng.uniform(math.log(parameters.least_crop), 0.0))
        centre = np.array([rng.uniform(extent / 2, span - extent / 2) for span in (width, height)])
    else:
        # Around what both photos show, and not what only one of them does.
        low, high = scene.region.min(axis=0), scene.region.max(axis=0)
        extent = float((high - low).max()) * math.exp(rng.uniform(math.log(0.7), math.log(1.3)))
        centre = np.asarray((low + high) / 2 + rng.uniform(-0.1, 0.1, 2) * extent, np.float64)
    to_first = _camera(centre, side / extent, _slant(rng, parameters.jitter), 0.0, side)

    ratio = math.exp(rng.normal(0.0, math.log(parameters.scale_spread)))
    ratio = min(max(ratio, 1 / parameters.scale_limit), parameters.scale_limit)
    angle = _angle(rng, parameters)
    in_second = mapped(scene.transform, centre[None])[0]
    grow = _local_scale(scene.transform, centre)
    in_second = in_second + rng.uniform(-parameters.shift, parameters.shift, 2) * extent * grow
    to_second = _camera(in_second, ratio * side / (extent * grow), _slant(rng, parameters.perspective), angle, side)

    transform = to_second @ scene.transform @ inverse(to_first)
    count = side // stride
    axis = (np.arange(count) + 0.5) * stride - 0.5
    centres = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    positions = mapped(transform, centres)
    inside = ((positions >= 0) & (positions <= side - 1)).all(axis=1)
    in_photo = mapped(inverse(to_first), centres)
    known = _inside(scene.region, in_photo)
    return ViewPair(
        degraded(_warped(scene.first, to_first, side), parameters.light, rng),
        degraded(_warped(scene.second, to_second, side), parameters.light, rng),
        np.nan_to_num(positions, nan=_FAR, posinf=_FAR, neginf=-_FAR).astype(np.float32),
        inside & known,
    )


def square_view(photo: NDArray[np.uint8], parameters: ViewParameters, rng: np.random.Generator) -> NDArray[np.uint8]:
    """uint8[S, S, 3]: a random square crop of a photo at a random scale, to learn labels from (DELF, section 4.2)."""
    height, width = photo.shape[:2]
    shorter, longer = min(height, width), max(height, width)
    extent = math.exp(rng.uniform(math.log(parameters.least_crop * shorter), math.log(longer)))
    centre = np.array(
        [span / 2 if extent > span else rng.uniform(extent / 2, span - extent / 2) for span in (width, height)]
    )
    camera = _camera(centre, parameters.side / extent, _slant(rng, parameters.jitter), 0.0, parameters.side)
    if rng.random() < 0.5:
        camera = np.array([[-1.0, 0, parameters.side - 1], [0, 1, 0], [0, 0, 1]]) @ camera
    return degraded(_warped(photo, camera, parameters.side), parameters.light, rng)


def _inside(region: NDArray[np.float32], points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether points lie in a convex polygon, whichever way round it goes."""
    edges = np.roll(region, -1, axis=0) - region
    offsets = points[:, None] - region[None]
    turns = edges[None, :, 0] * offsets[..., 1] - edges[None, :, 1] * offsets[..., 0]
    return np.asarray((turns >= 0).all(axis=1) | (turns <= 0).all(axis=1), np.bool_)


def _camera(
    centre: NDArray[np.float64], scale: float, slant: NDArray[np.float64], angle: float, side: int
) -> NDArray[np.float64]:
    """Takes pixels of a photo to those of a view that looks at ``centre``."""
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    similarity = np.array(
        [[cos, -sin, -cos * centre[0] + sin * centre[1]], [sin, cos, -sin * centre[0] - cos * centre[1]], [0, 0, 1.0]]
    )
    half = (side - 1) / 2
    corners = np.array([[-half, -half], [half, -half], [half, half], [-half, half]])
    lens = cv2.getPerspectiveTransform(corners.astype(np.float32), (corners + slant * side + half).astype(np.float32))
    camera: NDArray[np.float64] = lens @ similarity
    return camera


def _slant(rng: np.random.Generator, jitter: float) -> NDArray[np.float64]:
    return rng.uniform(-jitter, jitter, (4, 2))


def _angle(rng: np.random.Generator, parameters: ViewParameters) -> float:
    """Radians: small as a rule, any now and then."""
    if rng.random() < parameters.turned_share:
        return rng.uniform(-math.pi, math.pi)
    return rng.normal(0.0, math.radians(parameters.rotation))


def _local_scale(transform: NDArray[np.float64], at: NDArray[np.float64]) -> float:
    around = mapped(transform, np.asarray(at + np.array([[0.0, 0], [1, 0], [0, 1]]), np.float64))
    area = np.linalg.det(np.stack([around[1] - around[0], around[2] - around[0]]))
    return max(1e-3, math.sqrt(abs(float(area))))


def _warped(photo: NDArray[np.uint8], camera: NDArray[np.float64], side: int) -> NDArray[np.uint8]:
    middle = mapped(inverse(camera), np.full((1, 2), (side - 1) / 2))[0]
    shrinks = 1 / _local_scale(camera, middle)
    if shrinks > 1.5:  # bilinear sampling of a much larger photo would alias
        photo = np.asarray(cv2.GaussianBlur(photo, (0, 0), 0.4 * shrinks), np.uint8)
    return np.asarray(
        cv2.warpPerspective(photo, camera, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101),
        np.uint8,
    )
