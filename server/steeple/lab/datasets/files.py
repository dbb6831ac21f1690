"""Files of data sets: photos by name, tables, and names of photos."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from steeple.delf.photo_files import evenly, some_photos_below
from steeple.errors import InvalidArgumentError
from steeple.lab.photos import Box, LabPhoto


def photo_at(folder: Path, path: Path) -> LabPhoto:
    """A whole photo; its key is its path below the folder, or its whole path if it is elsewhere."""
    return LabPhoto(path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.as_posix(), path)


def boxed(photo: LabPhoto, box: Box) -> LabPhoto:
    """A part of a photo, whose key says which part.

    Raises:
        InvalidArgumentError: If the box is empty.
    """
    left, top, right, bottom = box
    if not (left < right and top < bottom):
        raise InvalidArgumentError(f"the box {box} in {photo.key} is left, top, right, bottom, and has nothing in it")
    return LabPhoto(f"{photo.key}#{left:g},{top:g},{right:g},{bottom:g}", photo.path, box)


def photos_by_name(folder: Path, preferred: Sequence[str] = ()) -> dict[str, Path]:
    """Photos below a folder by their name without suffix.

    Args:
        folder: Of the data set.
        preferred: Subfolders of which the first that is there has all photos, so that smaller copies elsewhere
            are not taken for them. None there: the whole folder.

    Raises:
        InvalidArgumentError: If there is no photo, or two have one name.
    """
    within = next((folder / name for name in preferred if (folder / name).is_dir()), folder)
    found: dict[str, Path] = {}
    for path in some_photos_below(within):
        other = found.setdefault(path.stem, path)
        if other != path:
            raise InvalidArgumentError(f"{other} and {path} have one name; the photos of this data set are known by it")
    return found


def needed(photos: dict[str, Path], names: Iterable[str], folder: Path) -> list[Path]:
    """The photos of these names, in their order.

    Raises:
        InvalidArgumentError: If some are not there; the text says how many, and names the first.
    """
    asked = list(names)
    missing = [name for name in asked if name not in photos]
    if missing:
        raise InvalidArgumentError(
            f"{len(missing)} of {len(asked)} photos of the data set are not below {folder}, {missing[0]} among them; "
            "figures would compare with nothing, so unpack all of them"
        )
    return [photos[name] for name in asked]


def training_photos(folder: Path, limit: int | None = None) -> tuple[LabPhoto, ...]:
    """All photos below a folder, or so many of them, evenly spaced by path; keys begin with ``training/``.

    Raises:
        InvalidArgumentError: If there is none, or the limit is not positive.
    """
    if limit is not None and limit < 1:
        raise InvalidArgumentError(f"at least one photo is needed for training; the limit is {limit}")
    if not folder.is_dir():
        raise InvalidArgumentError(f"there is no folder {folder}")
    found = some_photos_below(folder)
    if limit is not None:
        found = evenly(found, limit)
    return tuple(LabPhoto(f"training/{path.relative_to(folder).as_posix()}", path) for path in found)


def rows(path: Path, *columns: str) -> list[tuple[str, ...]]:
    """Some columns of a CSV file with a header, in UTF-8.

    Raises:
        InvalidArgumentError: If it cannot be read or lacks a column.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="")
            missing = set(columns) - set(reader.fieldnames or ())
            if missing:
                raise InvalidArgumentError(f"{path} lacks the columns {', '.join(sorted(missing))}")
            return [tuple(row[column] for column in columns) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidArgumentError(f"{path} cannot be read as CSV in UTF-8: {error}") from error


def lines(path: Path) -> list[str]:
    """The lines of a text file that are not empty, without white space around.

    Raises:
        InvalidArgumentError: If it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgumentError(f"{path} cannot be read as text in UTF-8: {error}") from error
    return [line.strip() for line in text.splitlines() if line.strip()]
