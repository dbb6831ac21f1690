"""Photos without their metadata: the same pixels, and nothing else."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steeple.delf.image import read_image
from steeple.errors import ImageError
from steeple.server.exif import read_orientation
from steeple.server.photo_metadata import without_metadata
from tests.scenes import encoded, scene

SECRET = b"SECRET"


def tiff(orientation: int) -> bytes:
    """EXIF with an orientation and a secret behind it."""
    return struct.pack("<2sHIHHHIHHI", b"II", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0) + SECRET


def jpeg(photo: bytes, orientation: int) -> bytes:
    segments = b"".join(
        struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body
        for marker, body in ((0xE1, b"Exif\0\0" + tiff(orientation)), (0xFE, SECRET), (0xED, SECRET))
    )
    return photo[:2] + segments + photo[2:] + SECRET


def png(photo: bytes, orientation: int) -> bytes:
    chunks = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in ((b"eXIf", tiff(orientation)), (b"tEXt", b"Author\0" + SECRET))
    )
    return photo[:33] + chunks + photo[33:] + SECRET


def webp(photo: bytes, orientation: int) -> bytes:
    height, width = read_image(photo).shape[:2]
    exif = tiff(orientation)
    body: bytes = b"WEBPVP8X" + struct.pack("<I", 10) + b"\x0c\0\0\0" + (width - 1).to_bytes(3, "little")
    body += (height - 1).to_bytes(3, "little") + photo[12:]
    body += b"EXIF" + struct.pack("<I", len(exif)) + exif + b"XMP " + struct.pack("<I", 6) + SECRET
    return b"RIFF" + struct.pack("<I", len(body)) + body + SECRET


def bmp(photo: bytes, orientation: int) -> bytes:
    return photo + SECRET


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize(("suffix", "tag"), [(".jpg", jpeg), (".png", png), (".webp", webp), (".bmp", bmp)])
def test_pixels_and_orientation_stay_and_nothing_else(
    suffix: str, tag: Callable[[bytes, int], bytes], orientation: int
) -> None:
    photo = tag(encoded(scene(3, 96, 64), suffix), orientation)
    assert SECRET in photo
    assert read_orientation(photo) == (1 if suffix == ".bmp" else orientation)
    stripped = without_metadata(photo)
    assert SECRET not in stripped
    np.testing.assert_array_equal(read_image(stripped), read_image(photo))
    assert read_orientation(stripped) == read_orientation(photo)
    assert without_metadata(stripped) == stripped


@pytest.mark.parametrize("flag", [cv2.IMWRITE_JPEG_PROGRESSIVE, cv2.IMWRITE_JPEG_RST_INTERVAL])
def test_scans_and_restarts_stay(flag: int) -> None:
    done, photo = cv2.imencode(".jpg", scene(5, 96, 64), [flag, 1])
    assert done
    stripped = without_metadata(photo.tobytes())
    np.testing.assert_array_equal(read_image(stripped), read_image(photo.tobytes()))
    assert len(stripped) > 0.9 * len(photo)


PHOTO = jpeg(encoded(scene(1, 32, 32), ".jpg"), 6)
OTHERS = (png(encoded(scene(1, 32, 32), ".png"), 6), webp(encoded(scene(1, 32, 32), ".webp"), 6))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([PHOTO, *OTHERS]), st.data())
def test_damaged_photos_are_refused_or_stripped(photo: bytes, data: st.DataObject) -> None:
    damaged = bytearray(photo[: data.draw(st.integers(0, len(photo)))])
    for at in data.draw(st.lists(st.integers(0, max(len(damaged) - 1, 0)), max_size=3)):
        if damaged:
            damaged[at] = data.draw(st.integers(0, 255))
    try:
        stripped = without_metadata(bytes(damaged))
    except ImageError:
        return
    assert len(stripped) <= len(damaged) + 40, "nothing is added but an orientation"
