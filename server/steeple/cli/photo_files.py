"""Photos among the files and folders that a command was given."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from steeple.errors import InvalidArgumentError

_SUFFIXES: Final = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "image/bmp": ".bmp"}


def find_photos(paths: Iterable[Path]) -> list[Path]:
    """Files as given, folders replaced by the photos anywhere below them, by path; each file once.

    A file that was named is taken whatever it is called, so that a wrong one is reported rather than passed over.
    Below folders, hidden files and folders are passed over.

    Raises:
        InvalidArgumentError: If a path does not exist, or a folder holds no photo.
    """
    from steeple.delf.photo_files import some_photos_below

    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found.update(dict.fromkeys(some_photos_below(path)))
        elif path.exists():
            found[path] = None
        else:
            raise InvalidArgumentError(f"there is no file or folder {path}")
    return list(found)


def suffix_of(media_type: str) -> str:
    """The suffix of a photo's file, such as ``.jpg`` of ``image/jpeg``; empty if it is not known."""
    return _SUFFIXES.get(media_type, "")
