"""Photos from files and bytes: checked from their header, then decoded."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.errors import ImageError

MAX_PIXELS: Final = 100_000_000
"""An image of more pixels is refused before it is decoded (a phone's largest photo has about 200 million
and can be sent smaller)."""

_FORMATS: Final = "send a JPEG, PNG, WebP or BMP file"


@dataclass(frozen=True)
class ImageHeader:
    """What an encoded image says of itself.

    Attributes:
        media_type: Such as ``image/jpeg``.
        width: Pixels, before EXIF orientation.
        height: Pixels, before EXIF orientation.
        transparent: Whether it has an alpha channel.
    """

    media_type: str
    width: int
    height: int
    transparent: bool = False


def sniff(data: bytes) -> ImageHeader:
    """Reads the header of an encoded image; nothing is decoded.

    Raises:
        ImageError: If it is not a JPEG, PNG, WebP or BMP image, or its header or end is missing.
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


def read_image(source: str | os.PathLike[str] | bytes, *, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """Decodes a photo.

    EXIF orientation is applied, grey becomes RGB, 16 bits become 8, transparency is laid over white.

    Args:
        source: A file's path, or its bytes.
        max_pixels: More are refused from the header, before any memory is spent on them.

    Returns:
        uint8[H, W, 3], RGB.

    Raises:
        ImageError: If the file cannot be read, is not an image, is truncated or has too many pixels.
    """
    data = source if isinstance(source, bytes) else _read_file(Path(source))
    header = sniff(data)
    pixels = header.width * header.height
    if pixels > max_pixels:
        raise ImageError(
            f"the image has {header.width}x{header.height} = {pixels} pixels, more than the {max_pixels} that are "
            "taken; send it smaller"
        )
    encoded = np.frombuffer(data, np.uint8)
    decoded: NDArray[Any] | None = None
    try:
        if header.transparent:
            decoded = _over_white(cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED))
        if decoded is None:
            decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB)
    except cv2.error as error:
        raise ImageError(f"the image cannot be decoded: {error.err}") from error
    if decoded is None:
        raise ImageError("the image cannot be decoded; it is damaged, or of a variant that is not supported")
    return np.asarray(decoded, np.uint8)


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
    unit = image.astype(np.float32) / peak
    alpha = unit[..., 3:]
    rgb = unit[..., 2::-1] * alpha + (1.0 - alpha)
    pixels: NDArray[np.uint8] = np.rint(255.0 * rgb).astype(np.uint8)
    return pixels


def _jpeg(data: bytes) -> ImageHeader:
    for marker, start, end in _jpeg_segments(data):
        # SOF0 to SOF15 hold the size, but for DHT (C4), JPG (C8) and DAC (CC), which share their range.
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, start + 1)
            if data.rfind(b"\xff\xd9") < end:
                raise ImageError("the JPEG is truncated: its end is missing; send the whole file")
            return ImageHeader("image/jpeg", width, height)
    raise ImageError("the JPEG is damaged: it states no size")


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of the payload of each segment before the first scan."""
    position = 2
    while True:
        if data[position] != 0xFF:
            raise ImageError("the JPEG is damaged: a segment's marker is missing")
        while data[position] == 0xFF:  # fill bytes
            position += 1
        marker = data[position]
        (length,) = struct.unpack_from(">H", data, position + 1)
        yield marker, position + 3, position + 1 + length
        if marker == 0xDA:
            return
        position += 1 + length


def _png(data: bytes) -> ImageHeader:
    width, height = struct.unpack_from(">II", data, 16)
    if data.rfind(b"IEND") < 0:
        raise ImageError("the PNG is truncated: its end is missing; send the whole file")
    return ImageHeader("image/png", width, height, transparent=data[25] in (4, 6))


def _webp(data: bytes) -> ImageHeader:
    (riff_size,) = struct.unpack_from("<I", data, 4)
    if len(data) < riff_size + 8:
        raise ImageError(f"the WebP is truncated: {len(data)} of its {riff_size + 8} bytes; send the whole file")
    chunk, transparent = data[12:16], False
    if chunk == b"VP8X":
        width = 1 + int.from_bytes(data[24:27], "little")
        height = 1 + int.from_bytes(data[27:30], "little")
        transparent = bool(data[20] & 0x10)
    elif chunk == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        transparent = bool(bits >> 28 & 1)
    else:
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    return ImageHeader("image/webp", width, height, transparent)


def _bmp(data: bytes) -> ImageHeader:
    size, _, _, _, width, height = struct.unpack_from("<IHHIxxxxii", data, 2)
    if len(data) < size:
        raise ImageError(f"the BMP is truncated: {len(data)} of its {size} bytes; send the whole file")
    return ImageHeader("image/bmp", abs(width), abs(height))


_READERS: Final[tuple[tuple[bytes, int, Callable[[bytes], ImageHeader]], ...]] = (
    (b"\xff\xd8\xff", 0, _jpeg),
    (b"\x89PNG\r\n\x1a\n", 0, _png),
    (b"WEBP", 8, _webp),
    (b"BM", 0, _bmp),
)
