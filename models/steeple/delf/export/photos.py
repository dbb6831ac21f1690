"""The photographs that a release is fitted on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from steeple.errors import NotFoundError

_SUFFIXES: Final = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}


def list_photos(folder: Path) -> list[Path]:
    """Every photo below ``folder``, sorted by path.

    Raises:
        NotFoundError: If there is none.
    """
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    if not found:
        raise NotFoundError(f"no photos in {folder}; give a folder of JPEG, PNG, WebP or BMP files")
    return found


def evenly(photos: Sequence[Path], count: int) -> list[Path]:
    """At most ``count`` of ``photos``, evenly spaced."""
    step = max(1.0, len(photos) / count)
    return [photos[int(number * step)] for number in range(min(count, len(photos)))]


def digest(photos: Sequence[Path]) -> str:
    """SHA-256, hex, over the photos' bytes in order: says which photos a release was fitted on."""
    total = hashlib.sha256()
    for photo in photos:
        total.update(hashlib.sha256(photo.read_bytes()).digest())
    return total.hexdigest()
