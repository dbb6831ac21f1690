from __future__ import annotations

import contextlib
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.delf.image import read_image, sniff
from steeple.errors import ImageError
from tests.scenes import scene

ORIENTED = 6  # EXIF: turn by 90 degrees clockwise to show


def encode(image: NDArray[Any], suffix: str, *options: int) -> bytes:
    done, data = cv2.imencode(suffix, image, list(options))
    assert done
    return data.tobytes()


@pytest.fixture(scope="module")
def picture() -> NDArray[np.uint8]:
    """40 by 30 pixels, RGB: red left, blue right."""
    image = np.zeros((30, 40, 3), np.uint8)
    image[:, :20] = (250, 10, 20)
    image[:, 20:] = (10, 20, 250)
    return image


@pytest.mark.parametrize(
    ("suffix", "media_type"),
    [(".jpg", "image/jpeg"), (".png", "image/png"), (".webp", "image/webp"), (".bmp", "image/bmp")],
)
def test_each_format_gives_rgb(picture: NDArray[np.uint8], suffix: str, media_type: str) -> None:
    data = encode(picture[..., ::-1], suffix)
    header = sniff(data)
    assert (header.media_type, header.width, header.height) == (media_type, 40, 30)
    decoded = read_image(data)
    assert decoded.shape == (30, 40, 3)
    np.testing.assert_allclose(decoded[15, 5], (250, 10, 20), atol=12)
    np.testing.assert_allclose(decoded[15, 35], (10, 20, 250), atol=12)


def test_a_path_reads_like_its_bytes(picture: NDArray[np.uint8], tmp_path: Path) -> None:
    data = encode(picture, ".png")
    (tmp_path / "a.png").write_bytes(data)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), read_image(data))
    np.testing.assert_array_equal(read_image(str(tmp_path / "a.png")), read_image(data))


def test_exif_orientation_is_applied(picture: NDArray[np.uint8]) -> None:
    data = encode(picture[..., ::-1], ".jpg")
    tiff = b"MM\x00*\x00\x00\x00\x08" + struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, ORIENTED, 0, 0)
    exif = b"Exif\x00\x00" + tiff
    turned = read_image(data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:])
    assert turned.shape == (40, 30, 3)
    np.testing.assert_allclose(turned[5, 15], (250, 10, 20), atol=12)  # what was left is on top


def test_grey_and_sixteen_bits_become_rgb_bytes() -> None:
    ramp = np.linspace(0, 65535, 64 * 48).reshape(48, 64)
    grey = read_image(encode(ramp.astype(np.uint16), ".png"))
    assert grey.shape == (48, 64, 3)
    np.testing.assert_allclose(grey[..., 0], ramp / 257, atol=1.5)
    np.testing.assert_array_equal(grey[..., 0], grey[..., 2])


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_transparency_lies_over_white(suffix: str) -> None:
    image = np.zeros((32, 32, 4), np.uint8)
    image[:, :16] = (200, 0, 0, 255)  # opaque blue, as OpenCV orders channels
    lossless = (cv2.IMWRITE_WEBP_QUALITY, 101) if suffix == ".webp" else ()
    decoded = read_image(encode(image, suffix, *lossless))
    np.testing.assert_array_equal(decoded[16, 8], (0, 0, 200))
    np.testing.assert_array_equal(decoded[16, 24], (255, 255, 255))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_file_is_refused(suffix: str, share: float) -> None:
    data = encode(np.random.default_rng(1).integers(0, 256, (60, 80, 3), np.uint8), suffix)
    with pytest.raises(ImageError, match=r"truncated|damaged"):
        read_image(data[: int(share * len(data))])


@pytest.mark.parametrize("data", [b"hello", b"\x00" * 100, b"GIF89a" + b"\x00" * 50, b"%PDF-1.7"])
def test_what_is_no_photo_is_refused(data: bytes) -> None:
    with pytest.raises(ImageError, match="JPEG, PNG, WebP or BMP"):
        read_image(data)


def test_nothing_is_refused() -> None:
    with pytest.raises(ImageError, match="0 bytes"):
        read_image(b"")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"absent\.jpg: No such file"):
        read_image(tmp_path / "absent.jpg")


def test_a_decompression_bomb_is_refused_from_its_header() -> None:
    """60000 x 60000 pixels in some hundred bytes: decoding it would take ten gigabytes."""
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\x00" * 1000)), (b"IEND", b"")]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    with pytest.raises(ImageError, match="60000x60000 = 3600000000 pixels, more than"):
        read_image(data)


def test_the_limit_of_pixels_is_the_callers(picture: NDArray[np.uint8]) -> None:
    data = encode(picture, ".jpg")
    assert read_image(data, max_pixels=1200).shape == (30, 40, 3)
    with pytest.raises(ImageError, match="more than the 1199"):
        read_image(data, max_pixels=1199)


def test_no_damage_raises_anything_else(picture: NDArray[np.uint8]) -> None:
    """Whatever a file holds, the reader gives pixels or an ImageError."""
    random = np.random.default_rng(7)
    for suffix in (".jpg", ".png", ".webp", ".bmp"):
        data = encode(picture, suffix)
        for _ in range(60):
            damaged = bytearray(data)
            for position in random.integers(0, len(data), 4):
                damaged[position] = random.integers(0, 256)
            with contextlib.suppress(ImageError):
                assert read_image(bytes(damaged), max_pixels=10_000).dtype == np.uint8


@pytest.mark.parametrize(
    ("least_side", "expected"), [(0, 1600), (801, 1600), (800, 800), (257, 400), (200, 200), (9, 200)]
)
def test_a_jpeg_is_decoded_to_a_fraction_that_suffices(least_side: int, expected: int) -> None:
    view = scene(3, 1600, 1200)
    photo = cv2.imencode(".jpg", view[..., ::-1])[1].tobytes()
    found = read_image(photo, least_side=least_side)
    assert found.shape == (expected * 3 // 4, expected, 3)
    shrunk = cv2.resize(view, (expected, expected * 3 // 4), interpolation=cv2.INTER_AREA)
    assert np.abs(found.astype(int) - shrunk).mean() < 6, "the same picture, in RGB"
    other = cv2.imencode(".png", view[..., ::-1])[1].tobytes()
    assert read_image(other, least_side=least_side).shape == (1200, 1600, 3), "of other formats there is no fraction"
