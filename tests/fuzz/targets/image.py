"""Photos: their header, their parts, their EXIF, their pixels."""

from __future__ import annotations

import numpy as np

from steeple.delf.image import read_image, sniff
from steeple.delf.photo_metadata import without_metadata
from steeple.errors import ImageError
from steeple.server.exif import read_capture
from tests.fuzz.photos import tiny_photos

MAX_PIXELS = 20_000


def seeds() -> list[bytes]:
    """One of each kind."""
    return tiny_photos()


def check(data: bytes) -> None:
    """It is refused as an image, or it is what its header says, with metadata and without."""
    read_capture(data)
    try:
        header = sniff(data)
        bare = without_metadata(data)
        assert without_metadata(bare) == bare
        pixels = read_image(data, max_pixels=MAX_PIXELS)
    except ImageError:
        return
    assert sorted(pixels.shape[:2]) == sorted((header.height, header.width))
    np.testing.assert_array_equal(read_image(bare, max_pixels=MAX_PIXELS), pixels)
