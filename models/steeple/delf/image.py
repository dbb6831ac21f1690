"""Photos from files and bytes: checked from their header, then decoded."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.delf.photo_metadata import JPEG_START, PNG_START, without_metadata
from steeple.delf.photo_parts import Part, jpeg_parts, png_parts, webp_parts
from steeple.errors import ImageError

MAX_PIXELS: Final = 100_000_000
"""An image of more pixels is refused before it is decoded (a phone's largest photo has about 200 million
and can be sent smaller)."""

MAX_SCANS: Final = 256
"""Of a JPEG; encoders write about ten, and each goes over the whole picture."""

MAX_SCANNED_SAMPLES: Final = 4_000_000_000
"""Samples that all scans of a JPEG go over: at most 2.5 s on one core, and enough for 100 million pixels
in the ten scans that encoders write."""

_STRIP_PIXELS: Final = 1 << 16
_FIRST_PARTS: Final = 64  # of a JPEG, among which its size is

_REDUCTIONS: Final = (
    (8, cv2.IMREAD_REDUCED_GRAYSCALE_8),  # the reduction alone: colour is a bit of its own
    (4, cv2.IMREAD_REDUCED_GRAYSCALE_4),
    (2, cv2.IMREAD_REDUCED_GRAYSCALE_2),
)
_FORMATS: Final = "send a JPEG, PNG, WebP or BMP file"


@dataclass(frozen=True)
class ImageHeader:
    """What an encoded image says of itself.

    Attributes:
        media_type: Such as ``image/jpeg``.
        width: Pixels, before EXIF orientation.
        height: Pixels, before EXIF orientation.
        transparent: Whether it has an alpha channel.
        decode_bytes: Memory that :func:`read_image` takes for it, at most, beside that of the file.
    """

    media_type: str
    width: int
    height: int
    transparent: bool
    decode_bytes: int


def sniff(data: bytes) -> ImageHeader:
    """Reads the header of an encoded image; nothing is decoded.

    Raises:
        ImageError: If it is not a JPEG, PNG, WebP or BMP image, its header or end is missing, or it consists of more
            parts or scans than any camera or editor writes.
    """
    if not data:
        raise ImageError("the image is empty (0 bytes)")
    for magic, offset, read in _READERS:
        if data[offset : offset + len(magic)] == magic:
            try:
                header = read(data)
            except (struct.error, IndexError) as error:
                raise ImageError("the image is truncated: its header is incomplete; send the whole file") from error
            if header.width < 1 or header.height < 1:
                raise ImageError(f"the image's header states {header.width}x{header.height} pixels")
            return header
    raise ImageError(f"not an image of a known format; {_FORMATS}")


def claimed_size(data: bytes) -> tuple[int, int] | None:
    """Width and height as the first parts of an encoded image claim them, in pixels; None if these do not tell.

    Nothing is checked but what is read: this takes no time worth mentioning, whatever the file is.
    """
    try:
        if data.startswith(JPEG_START):
            for part in islice(jpeg_parts(data), _FIRST_PARTS):
                if _is_frame(part):
                    height, width = struct.unpack_from(">HH", data, part.payload + 1)
                    return width, height
        elif data.startswith(PNG_START):
            width, height = struct.unpack_from(">II", data, 16)
            return width, height
        elif data[8:12] == b"WEBP":
            return _webp_picture(data)[:2]
        elif data.startswith(b"BM"):
            width, height = struct.unpack_from("<ii", data, 18)
            return abs(width), abs(height)
    except (ImageError, IndexError, struct.error):
        pass
    return None


def read_image(
    source: str | os.PathLike[str] | bytes, *, max_pixels: int = MAX_PIXELS, least_side: int = 0
) -> NDArray[np.uint8]:
    """Decodes a photo.

    EXIF orientation is applied, grey becomes RGB, 16 bits become 8, transparency is laid over white.

    Args:
        source: A file's path, or its bytes.
        max_pixels: More are refused from the header, before any memory is spent on them.
        least_side: Pixels of the longer side that suffice: a JPEG that has 2, 4 or 8 times as many is decoded to that
            fraction of its size, which takes a fraction of the time. 0: all of them.

    Returns:
        uint8[H, W, 3], RGB.

    Raises:
        ImageError: If the file cannot be read, is not an image, is truncated or has too many pixels.
    """
    data = source if isinstance(source, bytes) else _read_file(Path(source))
    header = sniff(data)
    check_pixels(header, max_pixels)
    # What is no pixel is not decoded either: compressed texts, for one, take longer than any picture.
    encoded = np.frombuffer(without_metadata(data), np.uint8)
    decoded: NDArray[Any] | None = None
    try:
        if header.transparent:
            decoded = _over_white(cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED))
        if decoded is None:
            decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB | _reduction(header, least_side))
    except cv2.error as error:
        raise ImageError(f"the image cannot be decoded: {error.err}") from error
    if decoded is None:
        raise ImageError("the image cannot be decoded; it is damaged, or of a variant that is not supported")
    return np.asarray(decoded, np.uint8)


def _reduction(header: ImageHeader, least_side: int) -> int:
    """The flag of OpenCV by which a JPEG is decoded smaller, by fewer coefficients of each of its blocks."""
    if least_side > 0 and header.media_type == "image/jpeg":
        for factor, flag in _REDUCTIONS:
            if max(header.width, header.height) >= factor * least_side:
                return flag
    return 0


def check_pixels(header: ImageHeader, max_pixels: int) -> None:
    """Refuses an image that is too large.

    Raises:
        ImageError: If it has more than ``max_pixels``.
    """
    pixels = header.width * header.height
    if pixels > max_pixels:
        raise ImageError(
            f"the image has {header.width}x{header.height} = {pixels} pixels, more than the {max_pixels} that are "
            "taken; send it smaller"
        )


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"cannot read {path}: {error.strerror}") from error


def _over_white(image: object) -> NDArray[np.uint8] | None:
    """RGB of an image with an alpha channel; None for any other, which OpenCV's own conversion serves better."""
    if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] != 4:
        return None
    peak = float(np.iinfo(image.dtype).max)
    height, width = image.shape[:2]
    pixels = np.empty((height, width, 3), np.uint8)
    rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, rows):  # in strips, as floats take more memory than the image itself
        unit = image[top : top + rows].astype(np.float32) / peak
        alpha = unit[..., 3:]
        pixels[top : top + rows] = np.rint(255.0 * (unit[..., 2::-1] * alpha + (1.0 - alpha)))
    return pixels


def _jpeg(data: bytes) -> ImageHeader:
    frame: tuple[int, int, dict[int, int]] | None = None
    largest, samples, scans, scanned, whole = 1, 0, 0, 0, False
    for part in jpeg_parts(data):
        if _is_frame(part):
            if frame is not None:
                raise ImageError("the JPEG is damaged: it states its size twice")
            frame = width, height, factors = _jpeg_frame(data, part)
            largest = max(factors.values())
            samples = width * height * sum(factors.values()) // largest
            whole = part.marker in (0xC2, 0xC6, 0xCA, 0xCE)  # progressive: all coefficients are kept
        elif part.marker == 0xDA and frame is not None:
            scans += 1
            named = data[part.payload + 1 : part.payload_end : 2][: data[part.payload]]
            scanned += width * height * sum(frame[2].get(one, largest) for one in named) // largest
            if scans > MAX_SCANS or scanned > MAX_SCANNED_SAMPLES:
                raise ImageError(
                    "the JPEG is stored in so many passes over the picture that it would take too long to decode; "
                    "save it anew, not progressive"
                )
    if frame is None:
        raise ImageError("the JPEG is damaged: it states no size")
    # The picture twice, as it is decoded and as it is turned or handed over; coefficients are two bytes a sample.
    coefficients = 2 * samples if whole or scans > 1 else 0
    return ImageHeader("image/jpeg", width, height, False, 6 * width * height + coefficients)


def _is_frame(part: Part) -> bool:
    # SOF0 to SOF15 hold the size, but for DHT (C4), JPG (C8) and DAC (CC), which share their range.
    return 0xC0 <= part.marker <= 0xCF and part.marker not in (0xC4, 0xC8, 0xCC)


def _jpeg_frame(data: bytes, part: Part) -> tuple[int, int, dict[int, int]]:
    """Width, height, and of each component by its id how densely it is sampled."""
    _, height, width, components = struct.unpack_from(">BHHB", data, part.payload)
    factors = {}
    for number in range(components):
        one, sampling, _ = struct.unpack_from("BBB", data, part.payload + 6 + 3 * number)
        factors[one] = max(1, (sampling >> 4) * (sampling & 15))
    if not factors:
        raise ImageError("the JPEG is damaged: it has no components")
    return width, height, factors


def _png(data: bytes) -> ImageHeader:
    width, height, depth, colour = struct.unpack_from(">IIBB", data, 16)
    for _ in png_parts(data):
        pass  # it ends, and is not of too many parts
    transparent = colour in (4, 6)
    # Twice, as above; alpha is kept until it is laid over white, in as many bits as it has.
    a_pixel = 8 * max(1, depth // 8) if transparent else 6
    return ImageHeader("image/png", width, height, transparent, a_pixel * width * height)


def _webp(data: bytes) -> ImageHeader:
    for _ in webp_parts(data):
        pass  # it is whole, and not of too many parts
    width, height, transparent, animated = _webp_picture(data)
    # Twice, and once more as the decoder has it; of an animation there is a canvas as well.
    a_pixel = 16 if animated else 12 if transparent else 10
    return ImageHeader("image/webp", width, height, transparent, a_pixel * width * height)


def _webp_picture(data: bytes) -> tuple[int, int, bool, bool]:
    """Width, height, whether it is transparent and whether animated, by the first chunk."""
    kind, transparent, animated = data[12:16], False, False
    if kind == b"VP8X":
        width = 1 + int.from_bytes(data[24:27], "little")
        height = 1 + int.from_bytes(data[27:30], "little")
        transparent, animated = bool(data[20] & 0x10), bool(data[20] & 0x02)
    elif kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        transparent = bool(bits >> 28 & 1)
    elif kind == b"VP8 ":
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    else:
        raise ImageError("the WebP is damaged: it begins with no picture")
    return width, height, transparent, animated


def _bmp(data: bytes) -> ImageHeader:
    size, _, _, _, header, width, height = struct.unpack_from("<IHHIIii", data, 2)
    if header < 40:
        raise ImageError("the BMP is of a kind from before 1990; save it anew, or as PNG")
    if len(data) < size:
        raise ImageError(f"the BMP is truncated: {len(data)} of its {size} bytes; send the whole file")
    return ImageHeader("image/bmp", abs(width), abs(height), False, 6 * abs(width * height))


_READERS: Final[tuple[tuple[bytes, int, Callable[[bytes], ImageHeader]], ...]] = (
    (JPEG_START, 0, _jpeg),
    (PNG_START, 0, _png),
    (b"WEBP", 8, _webp),
    (b"BM", 0, _bmp),
)
