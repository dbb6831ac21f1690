"""Photos to train on: one folder per landmark, and folders of photos of none."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.delf.image import read_image
from steeple.delf.photo_files import photos_below
from steeple.errors import ImageError, InvalidArgumentError

_LONGEST_SIDE: Final = 448


@dataclass(frozen=True)
class TrainingPhotos:
    """Photos by what they show.

    Attributes:
        folder: All are below it.
        landmarks: Names, sorted; a photo's class is its place here.
        labelled: Per landmark, its photos by path.
        unlabelled: Photos of no landmark in common, by path.
    """

    folder: Path
    landmarks: tuple[str, ...]
    labelled: tuple[tuple[Path, ...], ...]
    unlabelled: tuple[Path, ...]

    @staticmethod
    def below(folder: Path, held_back: Iterable[str] = (), held_back_share: float = 0.0) -> TrainingPhotos:
        """From one folder per landmark; folders whose name begins with ``_`` hold photos of none.

        Args:
            folder: Of the folders.
            held_back: Landmarks that are not trained on.
            held_back_share: Share of the photos of no landmark that are not trained on either, chosen by the
                hash of their name.

        Raises:
            InvalidArgumentError: If there are fewer than two photos, or a landmark held back is not there.
        """
        if not folder.is_dir():
            raise InvalidArgumentError(f"there is no folder {folder}")
        entries = sorted(path for path in folder.glob("[!.]*") if path.is_dir())
        unknown = set(held_back) - {entry.name for entry in entries if not entry.name.startswith("_")}
        if unknown:
            raise InvalidArgumentError(f"{folder} has no landmark {', '.join(sorted(unknown))} to hold back")
        landmarks, labelled, unlabelled = [], [], []
        for entry in entries:
            found = photos_below(entry)
            if entry.name.startswith("_"):
                unlabelled += [path for path in found if not is_held_back(path, held_back_share)]
            elif entry.name not in set(held_back) and found:
                landmarks.append(entry.name)
                labelled.append(tuple(found))
        photos = TrainingPhotos(folder, tuple(landmarks), tuple(labelled), tuple(unlabelled))
        if len(photos.all) < 2:
            raise InvalidArgumentError(f"{folder} has no folders of photos to train on, one per landmark")
        return photos

    @property
    def all(self) -> list[Path]:
        """Every photo, by path."""
        return sorted([*self.unlabelled, *(path for paths in self.labelled for path in paths)])


def is_held_back(path: Path, share: float) -> bool:
    """Whether a photo of no landmark belongs to the ``share`` of them that is kept for validation."""
    return int.from_bytes(hashlib.sha256(path.name.encode()).digest()[:4], "big") < share * 2**32


def training_image(path: Path) -> NDArray[np.uint8]:
    """uint8[H, W, 3], RGB, of at most 448 pixels a side: as much as crops and views need.

    Raises:
        ImageError: If the photo cannot be read; the text names it.
    """
    try:
        image = read_image(path)
    except ImageError as error:
        raise ImageError(f"{path}: {error.message}") from error
    height, width = image.shape[:2]
    shrink = _LONGEST_SIDE / max(height, width)
    if shrink >= 1:
        return image
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
