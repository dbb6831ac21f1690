"""Changes of a picture whose effect on every pixel's position is known, at growing strength."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.random import Generator

from steeple.delf.homographies import (
    Homography,
    Image,
    about,
    framed,
    middle,
    resized,
    rotating,
    scaling,
    tilting,
    warped,
)

_GAMMA: Final = 2.2  # between light and the numbers in a picture
_FULL_WELL: Final = 10_000.0  # electrons that white is made of by day
_READ_NOISE: Final = 3.0  # electrons, standard deviation
_GAIN: Final = 0.5  # of the stops that are missing, how many the camera makes up for
_CAMERA_DISTANCE: Final = 1.2  # of the longer side: a field of view of 45 degrees


@dataclass(frozen=True, eq=False)
class View:
    """A changed picture.

    Attributes:
        image: uint8[H, W, 3], RGB.
        homography: float64[3, 3]; maps pixels of the original to its pixels.
    """

    image: Image
    homography: Homography


@dataclass(frozen=True)
class Transformation:
    """A kind of change.

    Attributes:
        name: What it is called.
        unit: Of its strengths.
        strengths: Those to try, in the order of a chart.
        change: Picture, strength, another picture and a source of chance to a view.
    """

    name: str
    unit: str
    strengths: tuple[float, ...]
    change: Callable[[Image, float, Image, Generator], View]

    def view(self, photo: Image, strength: float, other: Image, number: int) -> View:
        """A photo, changed. The same arguments give the same view.

        Args:
            photo: uint8[H, W, 3], RGB.
            strength: One of :attr:`strengths`.
            other: Another photo, for what hides this one.
            number: Of the photo: decides what is left to chance, alike for all strengths.
        """
        return self.change(photo, strength, other, np.random.default_rng(number))


def _rotated(photo: Image, degrees: float, _: Image, __: Generator) -> View:
    height, width = photo.shape[:2]
    homography, size = framed(rotating(degrees), width, height)
    if degrees % 90 == 0:  # no pixel has to be made up
        return View(np.ascontiguousarray(np.rot90(photo, -int(degrees // 90))), homography)
    return View(warped(photo, homography, size), homography)


def _scaled(photo: Image, factor: float, _: Image, __: Generator) -> View:
    """Farther away, as a smaller picture; nearer, as the middle of a larger one."""
    height, width = photo.shape[:2]
    if factor <= 1:
        return View(*resized(photo, max(1, round(width * factor)), max(1, round(height * factor))))
    homography = about(middle(width, height), np.diag([factor, factor, 1.0]))
    return View(warped(photo, homography, (width, height)), homography)


def _blurred(photo: Image, sigma: float, _: Image, __: Generator) -> View:
    return View(np.asarray(cv2.GaussianBlur(photo, (0, 0), sigma), np.uint8), scaling(1, 1))


def _compressed(photo: Image, quality: float, _: Image, __: Generator) -> View:
    encoded = cv2.imencode(".jpg", photo[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(quality)])[1]
    return View(np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB), np.uint8), scaling(1, 1))


def _darkened(photo: Image, stops: float, _: Image, random: Generator) -> View:
    """A night: fewer electrons, their own noise and the sensor's, and a camera that makes up for half of the stops."""
    light = (photo / 255.0) ** _GAMMA
    electrons = random.poisson(light * _FULL_WELL * 2.0**-stops) + random.normal(0.0, _READ_NOISE, photo.shape)
    seen = np.clip(electrons / _FULL_WELL * 2.0 ** (_GAIN * stops), 0.0, 1.0) ** (1 / _GAMMA)
    return View(np.rint(255.0 * seen).astype(np.uint8), scaling(1, 1))


def _occluded(photo: Image, share: float, other: Image, random: Generator) -> View:
    """A patch of another photo, of the photo's own shape, somewhere over it."""
    height, width = photo.shape[:2]
    patch_width, patch_height = round(width * share**0.5), round(height * share**0.5)
    where = random.random(2)  # also where nothing is hidden, so that the patch grows where it is
    x, y = round(where[0] * (width - patch_width)), round(where[1] * (height - patch_height))
    image = photo.copy()
    if patch_width and patch_height:
        cover, _ = resized(other, width, height)
        image[y : y + patch_height, x : x + patch_width] = cover[y : y + patch_height, x : x + patch_width]
    return View(image, scaling(1, 1))


def _tilted(photo: Image, degrees: float, _: Image, random: Generator) -> View:
    """The photo as a wall, seen from aside: from the left, the right, above or below, or in between."""
    height, width = photo.shape[:2]
    direction = random.uniform(0.0, 360.0)
    if degrees == 0:
        return View(photo, scaling(1, 1))
    distance = _CAMERA_DISTANCE * max(width, height)
    homography = about(middle(width, height), tilting(degrees, direction, distance))
    homography, size = framed(homography, width, height)
    return View(warped(photo, homography, size), homography)


TRANSFORMATIONS: Final = (
    Transformation("rotation", "degrees", (0, 5, 10, 15, 20, 30, 45, 90, 180), _rotated),
    Transformation("scale", "factor", (0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8), _scaled),
    Transformation("viewpoint", "degrees of tilt", (0, 10, 20, 30, 40, 50, 60), _tilted),
    Transformation("occlusion", "share hidden", (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95), _occluded),
    Transformation("blur", "sigma, pixels", (1, 2, 3, 4, 6, 8, 12), _blurred),
    Transformation("compression", "JPEG quality", (90, 70, 50, 30, 20, 10, 5), _compressed),
    Transformation("darkness", "stops less light", (2, 4, 6, 8, 9, 10), _darkened),
)
"""All of them. Sigma is in pixels of a photo that fits 640x480."""
