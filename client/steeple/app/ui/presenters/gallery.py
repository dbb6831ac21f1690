"""Photos in folders, for devices without a gallery of their own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.app.thumbnails import thumbnail_of
from steeple.app.ui.services import read_file
from steeple.delf.image import read_image
from steeple.errors import SteepleError

MOST: Final = 60
"""Photos that are shown of a folder, the newest."""

_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})
_TILE_PIXELS: Final = 256


def folders(home: Path) -> tuple[Path, ...]:
    """Where photos are likely to lie, of those folders that are there."""
    return tuple(folder for folder in (home / "Pictures", home / "DCIM", home / "Downloads", home) if folder.is_dir())


def photos_in(folder: Path) -> tuple[Path, ...]:
    """The photos of a folder, the newest first, at most :data:`MOST`."""
    found = [path for path in _entries(folder) if path.suffix.lower() in _SUFFIXES and path.is_file()]
    found.sort(key=lambda path: (-path.stat().st_mtime, path.name))
    return tuple(found[:MOST])


def tile(path: Path) -> NDArray[np.uint8] | None:
    """A photo, small, uint8[H, W, 3] in RGB; None if it cannot be read."""
    try:
        return read_image(thumbnail_of(read_image(read_file(path)), longest_side=_TILE_PIXELS))
    except SteepleError:
        return None


def _entries(folder: Path) -> Iterable[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return ()
