"""Photographs with known answers."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from steeple.delf.photo_files import evenly, photos_below, some_photos_below
from steeple.errors import InvalidArgumentError

MANIFEST: Final = "manifest.csv"

_COLUMNS: Final = ("path", "landmark", "role", "tier")
_REFERENCES: Final = 5
_QUERIES: Final = 25
_STRANGERS: Final = 350


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
            InvalidArgumentError: If the folder is not there or of neither layout; the text says where.
        """
        if not folder.is_dir():
            raise InvalidArgumentError(f"there is no folder {folder}")
        return Dataset.from_manifest(folder) if (folder / MANIFEST).is_file() else Dataset.from_folders(folder)

    @staticmethod
    def from_manifest(folder: Path) -> Dataset:
        """From ``manifest.csv`` with the columns path, landmark, role and tier; paths are relative to the folder.

        Raises:
            InvalidArgumentError: If the file cannot be read, a column is missing, a role unknown, a file not there,
                a landmark missing, or a query's landmark without a reference.
        """
        manifest = folder / MANIFEST
        try:
            with manifest.open(newline="", encoding="utf-8-sig") as file:
                reader = csv.DictReader(file, restval="")
                missing = set(_COLUMNS) - set(reader.fieldnames or ())
                if missing:
                    raise InvalidArgumentError(f"{manifest} lacks the columns {', '.join(sorted(missing))}")
                photos = [_photo(folder, row, f"{manifest}, line {reader.line_num}") for row in reader]
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise InvalidArgumentError(f"{manifest} cannot be read as CSV in UTF-8: {error}") from error
        known = {photo.landmark for photo in photos if photo.role is Role.REFERENCE}
        for photo in photos:
            if photo.role is Role.QUERY and photo.landmark not in known:
                raise InvalidArgumentError(
                    f"{manifest}: {photo.path} asks for {photo.landmark!r}, which has no {Role.REFERENCE}; "
                    f"a photo whose landmark is not in the catalogue is a {Role.DISTRACTOR}"
                )
        return _complete(folder, photos)

    @staticmethod
    def from_folders(folder: Path) -> Dataset:
        """From one folder per landmark; folders whose name begins with ``_`` hold photos of none.

        Of each landmark, 5 photos evenly spaced by name are references and at most 25 others are queries; of
        the photos of no landmark, at most 350 are distractors and none is a filler: photos of one heap may well
        show one thing. Hidden files and folders are passed over.

        Raises:
            InvalidArgumentError: If there is no landmark with two photos.
        """
        photos: list[Photo] = []
        for entry in sorted(path for path in folder.glob("[!.]*") if path.is_dir()):
            found = photos_below(entry)
            if entry.name.startswith("_"):
                photos += [Photo(path, "", Role.DISTRACTOR, "") for path in evenly(found, _STRANGERS)]
            elif len(found) > 1:
                references = evenly(found, min(_REFERENCES, len(found) // 2))
                others = [path for path in found if path not in set(references)]
                photos += [Photo(path, entry.name, Role.REFERENCE, "") for path in references]
                photos += [Photo(path, entry.name, Role.QUERY, "") for path in evenly(others, _QUERIES)]
        return _complete(folder, photos)

    def with_fillers(self, folder: Path) -> Dataset:
        """This data set with every photo below ``folder`` in the catalogue as well, as a stranger.

        Raises:
            InvalidArgumentError: If there is no photo below it.
        """
        return Dataset((*self.photos, *(Photo(path, "", Role.FILLER, "") for path in some_photos_below(folder))))


def _photo(folder: Path, row: Mapping[str, str], where: str) -> Photo:
    if row["role"] not in tuple(Role):
        raise InvalidArgumentError(f"{where}: role {row['role']!r} is none of {', '.join(Role)}")
    role, path = Role(row["role"]), folder / row["path"]
    if not path.is_file():
        raise InvalidArgumentError(f"{where}: there is no file {path}")
    if role in (Role.DISTRACTOR, Role.FILLER):  # whatever it calls itself, no query asks for it
        return Photo(path, "", role, row["tier"])
    if not row["landmark"]:
        raise InvalidArgumentError(f"{where}: a {role} needs its landmark")
    return Photo(path, row["landmark"], role, row["tier"])


def _complete(folder: Path, photos: Sequence[Photo]) -> Dataset:
    for role in (Role.REFERENCE, Role.QUERY):
        if not any(photo.role is role for photo in photos):
            raise InvalidArgumentError(
                f"{folder} has no {role} photos; give a folder with {MANIFEST} "
                f"({', '.join(_COLUMNS)}), or one folder of photos per landmark, two photos or more in each"
            )
    return Dataset(tuple(photos))
