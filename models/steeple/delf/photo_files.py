"""Folders of photos."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, TypeVar

from steeple.errors import InvalidArgumentError

_Item = TypeVar("_Item")

SUFFIXES: Final = (".bmp", ".jpeg", ".jpg", ".png", ".webp")
"""By which a photo is known among other files, in lower case."""


def photos_below(folder: Path) -> list[Path]:
    """Every photo anywhere below ``folder``, by path. Hidden files and folders are passed over."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def some_photos_below(folder: Path) -> list[Path]:
    """:func:`photos_below`, of which there must be some.

    Raises:
        InvalidArgumentError: If there is none.
    """
    found = photos_below(folder)
    if not found:
        raise InvalidArgumentError(f"there is no photo ({', '.join(SUFFIXES)}) below {folder}")
    return found


def evenly(items: Sequence[_Item], count: int) -> list[_Item]:
    """At most ``count`` of ``items``, evenly spaced."""
    step = max(1.0, len(items) / count)
    return [items[int(number * step)] for number in range(min(count, len(items)))]


def digest(photos: Iterable[Path]) -> str:
    """SHA-256, hex, over the contents of photos in order: says which photos a release was fitted on."""
    total = hashlib.sha256()
    for photo in photos:
        total.update(hashlib.sha256(photo.read_bytes()).digest())
    return total.hexdigest()
