"""The worst failures of a system as pictures that a page can hold."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from steeple.delf import read_image
from steeple.errors import SteepleError
from steeple.lab.report.model import NOTHING, Photo, RunResults, SystemResults

MOST: Final = 8
"""Failures of a system that are shown."""

_SIDE: Final = 260  # pixels of the longer side
_QUALITY: Final = 72


@dataclass(frozen=True)
class Picture:
    """A photo on a page.

    Attributes:
        role: ``asked``, ``answered`` or ``right``.
        key: Name of the photo; empty: there is none.
        landmark: What it shows; may be empty.
        source: ``data:`` URI; empty: the file cannot be read, or there is none.
        width: Pixels.
        height: Pixels.
    """

    role: str
    key: str
    landmark: str
    source: str = ""
    width: int = 0
    height: int = 0


@dataclass(frozen=True)
class Failure:
    """A query whose first photo is wrong.

    Attributes:
        confidence: That it was right.
        pictures: What was asked, what was answered, and one that would have been right, if the gallery has any.
    """

    confidence: float
    pictures: tuple[Picture, ...]


class Thumbnails:
    """Small pictures, each made once."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[str, int, int]] = {}

    def picture(self, role: str, photo: Photo) -> Picture:
        """A photo; without a source if it cannot be read."""
        key = str(photo.path)
        if key not in self._made:
            self._made[key] = _thumbnail(photo)
        return Picture(role, photo.key, photo.landmark, *self._made[key])


def worst_failures(run: RunResults, system: SystemResults, thumbnails: Thumbnails, most: int = MOST) -> list[Failure]:
    """The wrong answers that the system was surest of, the surest first.

    Args:
        run: The run.
        system: One of its systems.
        thumbnails: Made so far.
        most: How many, at most.
    """
    if not run.gallery:
        return []
    answers = system.answers
    wrong = np.flatnonzero(~answers.right & (answers.first != NOTHING))
    order = wrong[np.argsort(-answers.confidence[wrong], kind="stable")][:most]
    return [_failure(run, system, int(row), thumbnails) for row in order]


def _failure(run: RunResults, system: SystemResults, row: int, thumbnails: Thumbnails) -> Failure:
    query, answered = run.queries[row], run.gallery[int(system.answers.first[row])]
    pictures = [thumbnails.picture("asked", query), thumbnails.picture("answered", answered)]
    right = _right(run.gallery, query)
    pictures.append(Picture("right", "", "") if right is None else thumbnails.picture("right", right))
    return Failure(float(system.answers.confidence[row]), tuple(pictures))


def _right(gallery: Sequence[Photo], query: Photo) -> Photo | None:
    if not query.landmark:
        return None
    return next((photo for photo in gallery if photo.landmark == query.landmark), None)


def _thumbnail(photo: Photo) -> tuple[str, int, int]:
    try:
        image = read_image(photo.path)
    except (SteepleError, OSError):
        return "", 0, 0  # photos may have gone since they were asked; the page says so
    scale = min(1.0, _SIDE / max(image.shape[:2]))
    width, height = (max(1, math.floor(side * scale + 0.5)) for side in image.shape[1::-1])
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", small[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return f"data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode('ascii')}", width, height
