"""Photographs with known answers."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from steeple.errors import InvalidArgumentError

MANIFEST: Final = "manifest.csv"

_COLUMNS: Final = ("path", "landmark", "role", "tier")
_SUFFIXES: Final = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
_REFERENCES: Final = 5
_QUERIES: Final = 25
_STRANGERS: Final = 450  # a third of them goes into the catalogue


class Role(StrEnum):
    """What a photo is used for."""

    REFERENCE = "reference"
    """In the catalogue, of its landmark."""
    QUERY = "query"
    """Asked for; the right answer is its landmark."""
    DISTRACTOR = "distractor"
    """Asked for; the right answer is UNKNOWN."""
    FILLER = "filler"
    """In the catalogue, never asked for."""


@dataclass(frozen=True)
class Photo:
    """One photo.

    Attributes:
        path: Of the file.
        landmark: What it shows; empty for distractors and fillers.
        role: What it is used for.
        tier: How hard it is to recognise, such as ``easy``; may be empty.
    """

    path: Path
    landmark: str
    role: Role
    tier: str


@dataclass(frozen=True)
class Dataset:
    """Photographs with known answers.

    Attributes:
        photos: In a fixed order.
    """

    photos: tuple[Photo, ...]

    @property
    def gallery(self) -> tuple[Photo, ...]:
        """What the catalogue holds."""
        return tuple(photo for photo in self.photos if photo.role in (Role.REFERENCE, Role.FILLER))

    @property
    def queries(self) -> tuple[Photo, ...]:
        """What is asked."""
        return tuple(photo for photo in self.photos if photo.role in (Role.QUERY, Role.DISTRACTOR))

    @staticmethod
    def open(folder: Path) -> Dataset:
        """From ``manifest.csv`` if the folder has one, else from one folder per landmark.

        Raises:
            InvalidArgumentError: If the folder is of neither layout; the text says where.
        """
        return Dataset.from_manifest(folder) if (folder / MANIFEST).is_file() else Dataset.from_folders(folder)

    @staticmethod
    def from_manifest(folder: Path) -> Dataset:
        """From ``manifest.csv`` with the columns path, landmark, role and tier.

        Raises:
            InvalidArgumentError: If a column is missing, a role unknown or a file not there.
        """
        with (folder / MANIFEST).open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            missing = set(_COLUMNS) - set(reader.fieldnames or ())
            if missing:
                raise InvalidArgumentError(f"{folder / MANIFEST} lacks the columns {', '.join(sorted(missing))}")
            photos = []
            for line, row in enumerate(reader, start=2):
                if row["role"] not in tuple(Role):
                    raise InvalidArgumentError(
                        f"{folder / MANIFEST}, line {line}: role {row['role']!r} is none of {', '.join(Role)}"
                    )
                path = folder / row["path"]
                if not path.is_file():
                    raise InvalidArgumentError(f"{folder / MANIFEST}, line {line}: there is no {path}")
                photos.append(Photo(path, row["landmark"], Role(row["role"]), row["tier"]))
        return _complete(folder, photos)

    @staticmethod
    def from_folders(folder: Path) -> Dataset:
        """From one folder per landmark; folders whose name begins with ``_`` hold photos of none.

        Of each landmark, 5 photos evenly spaced by name are references and at most 25 others are queries; of
        the photos of no landmark, at most 450, a third are fillers and the others distractors.

        Raises:
            InvalidArgumentError: If there is no landmark with two photos.
        """
        photos: list[Photo] = []
        for entry in sorted(path for path in folder.iterdir() if path.is_dir()):
            found = sorted(path for path in entry.rglob("*") if path.suffix.lower() in _SUFFIXES)
            if entry.name.startswith("_"):
                for number, path in enumerate(_evenly(found, _STRANGERS)):
                    photos.append(Photo(path, "", Role.DISTRACTOR if number % 3 else Role.FILLER, ""))
            elif len(found) > 1:
                references = _evenly(found, min(_REFERENCES, len(found) // 2))
                others = [path for path in found if path not in set(references)]
                photos += [Photo(path, entry.name, Role.REFERENCE, "") for path in references]
                photos += [Photo(path, entry.name, Role.QUERY, "") for path in _evenly(others, _QUERIES)]
        return _complete(folder, photos)


def _complete(folder: Path, photos: Sequence[Photo]) -> Dataset:
    for role in (Role.REFERENCE, Role.QUERY):
        if not any(photo.role is role for photo in photos):
            raise InvalidArgumentError(
                f"{folder} has no {role} photos; give a folder with {MANIFEST} "
                f"({', '.join(_COLUMNS)}), or one folder of photos per landmark"
            )
    return Dataset(tuple(photos))


def _evenly(paths: Sequence[Path], count: int) -> list[Path]:
    step = max(1.0, len(paths) / count)
    return [paths[int(number * step)] for number in range(min(count, len(paths)))]
