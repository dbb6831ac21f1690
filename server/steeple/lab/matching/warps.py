"""Pairs with a known homography from anyone's photos: what a method is worth on them, without a data set."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from steeple.delf.homographies import (
    Homography,
    Image,
    about,
    framed,
    middle,
    rotating,
    scaling,
    tilting,
    warped,
)
from steeple.delf.photo_files import evenly, some_photos_below
from steeple.errors import InvalidArgumentError
from steeple.lab.matching.pairs import MatchingPair, Picture
from steeple.server.robustness import TRANSFORMATIONS
from steeple.server.robustness.photos import fit_vga, read_photo

_DARKNESS: Final = next(each for each in TRANSFORMATIONS if each.name == "darkness")
_COMPRESSION: Final = next(each for each in TRANSFORMATIONS if each.name == "compression")

_MOST_TILT: Final = 60.0  # degrees
_ROTATION: Final = 20.0  # degrees, standard deviation
_ZOOM: Final = (0.5, 1.6)
_CAMERA_DISTANCE: Final = 1.2  # of the longer side: a field of view of 45 degrees
_GAMMA: Final = 0.3  # of its logarithm, standard deviation
_CAST: Final = 0.2  # of a channel's gain, at most
_STOPS: Final = (0.0, 8.0)  # less light
_QUALITY: Final = (40, 95)  # of JPEG


@dataclass(frozen=True)
class _Change:
    camera: bool
    light: bool


_GROUPS: Final = {
    "viewpoint": _Change(camera=True, light=False),
    "illumination": _Change(camera=False, light=True),
    "both": _Change(camera=True, light=True),
}


def warped_pairs(folder: Path, photos: int = 50, seed: int = 0) -> tuple[MatchingPair, ...]:
    """Three pairs of each photo: another viewpoint, another light, and both.

    The first picture is the photo, shrunk to fit 640x480. Viewpoint: it hangs as a flat picture, seen from up to 60
    degrees aside, turned by some 20 degrees (standard deviation) and from nearer or farther, by 0.5 to 1.6.
    Illumination: other tones and colours, up to 8 stops less light with the noise that goes with it, and JPEG. What
    networks are trained on is made elsewhere, and in another way. A real scene is no flat picture: these figures
    compare methods, and are better than those of real photos.

    Args:
        folder: Photos anywhere below it are taken.
        photos: How many, at most, evenly spaced by path.
        seed: The same photos and seed make the same pairs.

    Raises:
        InvalidArgumentError: If there is no photo, or ``photos`` is not positive.
        ImageError: If a photo cannot be read; the text names it.
    """
    if photos < 1:
        raise InvalidArgumentError(f"at least one photo is needed, not {photos}")
    if not folder.is_dir():
        raise InvalidArgumentError(f"there is no folder {folder}")
    chosen = evenly(some_photos_below(folder), photos)
    return tuple(
        _pair(path, path.relative_to(folder).as_posix(), group, (seed, number, place))
        for number, path in enumerate(chosen)
        for place, group in enumerate(_GROUPS)
    )


def _pair(path: Path, key: str, group: str, seeds: tuple[int, int, int]) -> MatchingPair:
    height, width = _small(path).shape[:2]
    homography, size = np.eye(3), (width, height)
    if _GROUPS[group].camera:
        homography, size = _camera(width, height, np.random.default_rng((*seeds, 0)))
    return MatchingPair(
        f"{key}/{group}",
        group,
        Picture(key, partial(_small, path)),
        Picture(f"{key}/{group}", partial(_changed, path, group, homography, size, seeds)),
        homography=homography,
    )


def _small(path: Path) -> Image:
    return fit_vga(read_photo(path))


def _changed(
    path: Path, group: str, homography: Homography, size: tuple[int, int], seeds: tuple[int, int, int]
) -> Image:
    image = _small(path)
    if _GROUPS[group].camera:
        image = warped(image, homography, size)
    return _lit(image, np.random.default_rng((*seeds, 1))) if _GROUPS[group].light else image


def _camera(width: int, height: int, random: np.random.Generator) -> tuple[Homography, tuple[int, int]]:
    tilt, direction = random.uniform(0.0, _MOST_TILT), random.uniform(0.0, 360.0)
    turn, zoom = random.normal(0.0, _ROTATION), np.exp(random.uniform(*np.log(_ZOOM)))
    tilted = rotating(turn) @ tilting(tilt, direction, _CAMERA_DISTANCE * max(width, height))
    return framed(scaling(zoom, zoom) @ about(middle(width, height), tilted), width, height)


def _lit(image: Image, random: np.random.Generator) -> Image:
    gammas = np.exp(random.normal(0.0, _GAMMA)) * np.ones(3)
    gains = random.uniform(1.0 - _CAST, 1.0, 3)
    curve = 255.0 * gains * (np.arange(256)[:, None] / 255.0) ** gammas
    toned = np.asarray(cv2.LUT(image, np.rint(curve).astype(np.uint8)[None]), np.uint8)
    stops, quality, number = random.uniform(*_STOPS), int(random.integers(*_QUALITY)), int(random.integers(2**31))
    dark = _DARKNESS.view(toned, stops, toned, number).image
    return _COMPRESSION.view(dark, quality, dark, number).image
