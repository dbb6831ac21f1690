"""Photos among the files and folders that a command was given."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from steeple.errors import InvalidArgumentError

SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})


def find_photos(paths: Iterable[Path]) -> list[Path]:
    """Files as given, folders replaced by the photos anywhere below them, by path; each file once.

    A file that was named is taken whatever it is called, so that a wrong one is reported rather than passed over.
    Below folders, hidden files and folders are passed over.

    Raises:
        InvalidArgumentError: If a path does not exist, or a folder holds no photo.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            photos = [file for file in sorted(path.rglob("*")) if _is_photo(file, path)]
            if not photos:
                raise InvalidArgumentError(f"there is no photo ({', '.join(sorted(SUFFIXES))}) below {path}")
            found.update(dict.fromkeys(photos))
        elif path.exists():
            found[path] = None
        else:
            raise InvalidArgumentError(f"there is no file or folder {path}")
    return list(found)


def _is_photo(file: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
    return not hidden and file.suffix.lower() in SUFFIXES and file.is_file()
