"""Photos to measure with, of the size of a phone's preview."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from steeple.delf import read_image
from steeple.delf.homographies import Image, resized
from steeple.errors import ImageError


def vga_scale(width: int, height: int) -> float:
    """The factor by which a picture has to be resized to fit 640x480, or 480x640 if it is upright."""
    return min(640 / max(width, height), 480 / min(width, height))


def fit_vga(image: Image) -> Image:
    """A picture shrunk to fit 640x480, or 480x640 if it is upright. What is smaller stays as it is."""
    height, width = image.shape[:2]
    factor = min(1.0, vga_scale(width, height))
    fitted, _ = resized(image, max(1, round(width * factor)), max(1, round(height * factor)))
    return fitted


def read_photo(path: Path) -> Image:
    """uint8[H, W, 3], RGB, of a file.

    Raises:
        ImageError: If it cannot be used; the text names it.
    """
    with naming(path):
        return read_image(path)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Puts the name of the file before what an :class:`~steeple.errors.ImageError` says."""
    try:
        yield
    except ImageError as error:
        raise ImageError(f"{path}: {error.message}", **error.metadata) from error
