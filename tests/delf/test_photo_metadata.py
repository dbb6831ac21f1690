"""Photos without metadata: the same pixels, colours and orientation, and nothing else."""

from __future__ import annotations

import struct
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from steeple.delf import tiff
from steeple.delf.image import read_image, sniff
from steeple.delf.photo_metadata import exif_block, without_metadata
from steeple.errors import ImageError
from tests.hostile_photos import (
    animated_png,
    animated_webp,
    jpeg_segment,
    png_chunk,
    webp_chunk,
    webp_chunks,
    webp_file,
)
from tests.scenes import encoded, scene

SECRET = b"Ada, serial 4711, 48.8583 N 2.2944 E"
PROFILE = b"ICC_PROFILE\0\1\1" + bytes(128)
Dressed = Callable[[int], bytes]


def exif(orientation: int) -> bytes:
    """With an orientation, if it is not 1, and a secret behind it."""
    return tiff.orientation_block(orientation) + SECRET


def jpeg(orientation: int, *, progressive: bool = False) -> bytes:
    options = [cv2.IMWRITE_JPEG_PROGRESSIVE, int(progressive), cv2.IMWRITE_JPEG_RST_INTERVAL, 2]
    photo = cv2.imencode(".jpg", scene(3, 64, 40), options)[1].tobytes()
    first = 2 + 2 + struct.unpack_from(">H", photo, 4)[0]  # behind JFIF
    preview = jpeg_segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\1\1" + SECRET[:3])
    between = (
        jpeg_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x>" + SECRET)
        + jpeg_segment(0xE1, tiff.HEADER + exif(orientation))
        + jpeg_segment(0xE2, PROFILE)
        + jpeg_segment(0xE2, b"MPF\0" + SECRET)
        + jpeg_segment(0xED, b"Photoshop 3.0\0" + SECRET)
        + jpeg_segment(0xFE, SECRET)
    )
    return b"\xff\xd8" + preview + between + photo[first:] + b"\xff\xd8 a second picture, or a film: " + SECRET


def png(orientation: int) -> bytes:
    photo = encoded(scene(3, 64, 40), ".png")
    text = png_chunk(b"tEXt", b"Author\0" + SECRET) + png_chunk(b"eXIf", exif(orientation))
    text += png_chunk(b"gAMA", struct.pack(">I", 45455)) + png_chunk(b"prVt", SECRET)
    return photo[:33] + text + photo[33:] + SECRET


def webp(orientation: int) -> bytes:
    pixels = webp_chunks(cv2.imencode(".webp", scene(3, 64, 40), [cv2.IMWRITE_WEBP_QUALITY, 101])[1].tobytes())
    (data,) = [webp_chunk(*chunk) for chunk in pixels if chunk[0] == b"VP8L"]
    size = (63).to_bytes(3, "little") + (39).to_bytes(3, "little")
    header = webp_chunk(b"VP8X", b"\x2c\0\0\0" + size)
    told = webp_chunk(b"EXIF", exif(orientation)) + webp_chunk(b"XMP ", SECRET) + webp_chunk(b"priv", SECRET)
    return webp_file(header, webp_chunk(b"ICCP", PROFILE), data, told) + SECRET


def progressive(orientation: int) -> bytes:
    return jpeg(orientation, progressive=True)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("dressed", [jpeg, progressive, png, webp])
def test_only_pixels_colours_and_orientation_stay(dressed: Dressed, orientation: int) -> None:
    photo = dressed(orientation)
    bare = without_metadata(photo)
    assert SECRET in photo
    assert SECRET[:3] not in bare
    assert decoded_plainly(bare).tobytes() == decoded_plainly(photo).tobytes()
    assert tiff_orientation(bare) == orientation
    assert without_metadata(bare) == bare
    if dressed is not png:
        assert PROFILE in bare
    else:
        assert b"gAMA" in bare
    if orientation == 1:
        assert b"Exif\0" not in bare


@pytest.mark.parametrize("dressed", [jpeg, progressive, png, webp])
def test_a_photo_is_turned_the_same_way_with_its_metadata_and_without(dressed: Dressed) -> None:
    photo = dressed(6)
    np.testing.assert_array_equal(read_image(without_metadata(photo)), read_image(photo))
    if dressed in (jpeg, progressive):
        assert read_image(photo).shape == (64, 40, 3)


def decoded_plainly(photo: bytes) -> NDArray[np.uint8]:
    """By OpenCV alone, and as it is stored."""
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    return np.asarray(cv2.imdecode(np.frombuffer(photo, np.uint8), flags), np.uint8)


def tiff_orientation(photo: bytes) -> int:
    reader = tiff.TiffReader.of(exif_block(photo))
    return 1 if reader is None else reader.orientation()


@pytest.mark.parametrize("animated", [animated_png, animated_webp])
def test_an_animation_is_reduced_to_its_first_picture(animated: Callable[[int, int, int], bytes]) -> None:
    bare = without_metadata(animated(40, 30, 50))
    assert len(bare) < len(animated(40, 30, 3))
    np.testing.assert_array_equal(read_image(bare), np.zeros((30, 40, 3), np.uint8))


def test_a_bitmap_comes_back_as_it_is() -> None:
    photo = encoded(scene(3, 64, 40), ".bmp")
    assert without_metadata(photo) == photo


@given(st.data())
def test_no_damage_raises_anything_else_or_lets_a_text_through(data: st.DataObject) -> None:
    """What is refused is refused as an image; of the rest, nothing of a comment is left."""
    photo = bytearray(data.draw(st.sampled_from([jpeg, progressive, png, webp]))(data.draw(st.integers(1, 8))))
    for _ in range(data.draw(st.integers(0, 6))):
        photo[data.draw(st.integers(0, len(photo) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(photo[: data.draw(st.integers(len(photo) // 2, len(photo)))])
    exif_block(damaged)
    try:
        sniff(damaged)
        bare = without_metadata(damaged)
    except ImageError:
        return
    assert without_metadata(bare) == bare
