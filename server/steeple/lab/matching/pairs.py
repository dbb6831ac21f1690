"""Pairs of pictures whose geometry is known: HPatches and WxBS."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.delf.homographies import Homography, Image
from steeple.errors import ImageError, InvalidArgumentError
from steeple.server.robustness.photos import read_photo

_SEQUENCES: Final = {"i": "illumination", "v": "viewpoint"}
_VIEWS: Final = range(2, 7)  # of a sequence, beside the first
_LARGE: Final = frozenset(
    {
        "i_contruction",
        "i_crownnight",
        "i_dc",
        "i_pencils",
        "i_whitebuilding",
        "v_artisans",
        "v_astronautis",
        "v_talent",
    }
)
"""Sequences of more than 1600x1200 pixels, without which MMA is published (Dusmanu et al., CVPR 2019)."""

_PICTURES: Final = (("01.png", "02.png"), ("01.jpg", "02.jpg"))


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture that is made or read when it is needed.

    Attributes:
        key: Its name; pictures of one key are one picture.
        read: uint8[H, W, 3], RGB. Raises ImageError if it cannot be read.
    """

    key: str
    read: Callable[[], Image]


@dataclass(frozen=True, eq=False)
class MatchingPair:
    """Two pictures of one scene. One of the two truths is known.

    Attributes:
        key: Its name, unique among pairs.
        group: What lies between the two, for figures apart: ``illumination``, ``viewpoint``, or what a data set says.
        first: One picture. Pairs that follow each other may share it.
        second: The other.
        homography: float64[3, 3]; maps pixels of the first to those of the second; None: not known, or not planar.
        correspondences: float64[N, 4]; x, y in the first and x, y in the second, pixels; None: not known.
    """

    key: str
    group: str
    first: Picture
    second: Picture
    homography: Homography | None = None
    correspondences: NDArray[np.float64] | None = None


def read_hpatches(folder: Path, *, large: bool = False) -> tuple[MatchingPair, ...]:
    """The sequences of HPatches (Balntas, Lenc, Vedaldi and Mikolajczyk, CVPR 2017), five pairs of each.

    A sequence is a folder ``i_NAME`` (illumination) or ``v_NAME`` (viewpoint) with ``1.ppm`` to ``6.ppm`` and
    ``H_1_2`` to ``H_1_6``, each three lines of three numbers that map pixels of the first to those of the other.

    Args:
        folder: Of the sequences.
        large: Also the eight sequences of more than 1600x1200 pixels, without which figures are published.

    Raises:
        InvalidArgumentError: If there is no sequence, or a file of one is missing or malformed.
    """
    found = [path for path in sorted(folder.glob("[iv]_*")) if path.is_dir() and (large or path.name not in _LARGE)]
    if not found:
        raise InvalidArgumentError(f"{folder} has no folders i_NAME or v_NAME of HPatches")
    return tuple(_hpatches_pair(sequence, number) for sequence in found for number in _VIEWS)


def _hpatches_pair(sequence: Path, number: int) -> MatchingPair:
    homography = _numbers(sequence / f"H_1_{number}", 3)
    if homography.shape != (3, 3) or not np.linalg.det(homography):
        raise InvalidArgumentError(f"{sequence / f'H_1_{number}'} is no homography: three lines of three numbers")
    return MatchingPair(
        f"{sequence.name}/{number}",
        _SEQUENCES[sequence.name[0]],
        _picture(sequence.parent, sequence / "1.ppm"),
        _picture(sequence.parent, sequence / f"{number}.ppm"),
        homography=homography,
    )


def read_wxbs(folder: Path) -> tuple[MatchingPair, ...]:
    """WxBS, version 1.1 (Mishkin, Matas, Perdoch and Lenc, BMVC 2015): scenes that are no planes, by kind of change.

    A pair is a folder ``CATEGORY/NAME`` with ``01.png`` and ``02.png``, or ``.jpg``, and ``corrs.txt``, lines of x, y
    in the first and x, y in the second. The category (WGBS: viewpoint, WLABS: illumination and appearance, and so on)
    is the group.

    Raises:
        InvalidArgumentError: If there is no pair, or a file of one is missing or malformed.
    """
    pairs = []
    for truth in sorted(folder.glob("*/*/corrs.txt")):
        place = truth.parent
        names = next((each for each in _PICTURES if (place / each[0]).is_file()), _PICTURES[0])
        correspondences = _numbers(truth, 4)
        if not len(correspondences):
            raise InvalidArgumentError(f"{truth} has no correspondences: lines of x, y, x, y")
        first, second = (_picture(folder, place / name) for name in names)
        key, group = place.relative_to(folder).as_posix(), place.parent.name
        pairs.append(MatchingPair(key, group, first, second, correspondences=correspondences))
    if not pairs:
        raise InvalidArgumentError(f"{folder} has no folders CATEGORY/NAME with corrs.txt of WxBS")
    return tuple(pairs)


def _picture(folder: Path, path: Path) -> Picture:
    if not path.is_file():
        raise InvalidArgumentError(f"there is no file {path}")
    return Picture(path.relative_to(folder).as_posix(), partial(read_picture, path))


def read_picture(path: Path) -> Image:
    """uint8[H, W, 3], RGB: any photo, or a portable pixmap (``.ppm``), which people's photos never are.

    Raises:
        ImageError: If it cannot be used; the text names it.
    """
    if path.suffix.lower() != ".ppm":
        return read_photo(path)
    content = np.frombuffer(path.read_bytes(), np.uint8)
    if not re.match(rb"P[36]\s", content[:3].tobytes()):
        raise ImageError(f"{path} is no portable pixmap of colours")
    try:
        image = cv2.imdecode(content, cv2.IMREAD_COLOR_RGB)
    except cv2.error as error:  # more pixels than OpenCV takes
        raise ImageError(f"{path} cannot be read: {error}") from error
    if image is None:
        raise ImageError(f"{path} is a portable pixmap that is truncated or malformed")
    return np.asarray(image, np.uint8)


def _numbers(path: Path, columns: int) -> NDArray[np.float64]:
    """float64[N, columns]; of lines of finite numbers."""
    try:
        rows = [[float(word) for word in line.split()] for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise InvalidArgumentError(f"{path} cannot be read as lines of {columns} numbers: {error}") from error
    numbers = [row for row in rows if row]
    if any(len(row) != columns for row in numbers) or not np.isfinite(np.ravel(numbers)).all():
        raise InvalidArgumentError(f"{path} must be lines of {columns} numbers")
    return np.array(numbers, np.float64).reshape(-1, columns)
