"""Takes the metadata out of photos, and leaves every pixel as it is.

What is left is stated, not what goes: the parts of a file that its decoder needs, and which way up it is. So tags that
nobody has heard of go too: EXIF, XMP, IPTC, comments, thumbnails, colour profiles, a film behind the photo.
"""

from __future__ import annotations

import struct
import zlib
from typing import Final

from steeple.delf.image import sniff
from steeple.errors import ImageError
from steeple.server.exif import read_orientation

# Start of frame, Huffman and arithmetic tables, quantization, restart intervals, number of lines; and Adobe's segment,
# without which colours cannot be told.
_JPEG_KEPT: Final = frozenset({*range(0xC0, 0xD0), 0xDB, 0xDC, 0xDD, 0xEE}) - {0xC8}
_JPEG_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a payload
_PNG_KEPT: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"gAMA", b"cHRM", b"sRGB"})
_WEBP_KEPT: Final = frozenset({b"VP8 ", b"VP8L", b"ALPH"})
_WEBP_ALPHA: Final = 0x10
_WEBP_EXIF: Final = 0x08


def without_metadata(photo: bytes) -> bytes:
    """A photo of the same pixels that says nothing else but which way up it is.

    Args:
        photo: A JPEG, PNG, WebP or BMP file.

    Raises:
        ImageError: If it is none of these, or so damaged that its parts cannot be told from each other; a decoder may
            bear more.
    """
    strip = {"image/jpeg": _jpeg, "image/png": _png, "image/webp": _webp, "image/bmp": _bmp}[sniff(photo).media_type]
    try:
        return strip(photo, read_orientation(photo))
    except (struct.error, IndexError, ValueError) as error:
        raise ImageError(f"the metadata of the photo cannot be taken out: {error}") from error


def _exif(orientation: int) -> bytes:
    """A TIFF structure with the orientation and nothing else."""
    return struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def _jpeg(photo: bytes, orientation: int) -> bytes:
    parts = [b"\xff\xd8"]
    if orientation != 1:
        exif = b"Exif\0\0" + _exif(orientation)
        parts.append(struct.pack(">BBH", 0xFF, 0xE1, len(exif) + 2) + exif)
    position = 2
    while True:
        if photo[position] != 0xFF:
            raise ValueError("a marker is missing")
        while photo[position] == 0xFF:  # fill bytes
            position += 1
        marker = photo[position]
        position += 1
        if marker == 0xD9:
            return b"".join([*parts, b"\xff\xd9"])
        if marker in _JPEG_ALONE:
            continue
        (length,) = struct.unpack_from(">H", photo, position)
        end = position + length
        if length < 2 or end > len(photo):
            raise ValueError("a segment is too long")
        if marker in _JPEG_KEPT or marker == 0xDA:
            parts.append(bytes([0xFF, marker]) + photo[position:end])
        position = end
        if marker == 0xDA:  # the scan follows, up to the next marker that is neither a stuffed byte nor a restart
            position = _end_of_scan(photo, end)
            parts.append(photo[end:position])


def _end_of_scan(photo: bytes, position: int) -> int:
    while (position := photo.find(b"\xff", position)) >= 0:
        following = photo[position + 1]
        if following == 0xFF:  # a fill byte, or the first byte of a marker
            position += 1
        elif following == 0x00 or 0xD0 <= following <= 0xD7:
            position += 2
        else:
            return position
    raise ValueError("a scan does not end")


def _png(photo: bytes, orientation: int) -> bytes:
    parts, position = [photo[:8]], 8
    while True:
        length, kind = struct.unpack_from(">I4s", photo, position)
        end = position + length + 12
        if end > len(photo):
            raise ValueError("a chunk is too long")
        if kind == b"IDAT" and orientation != 1 and b"IDAT" not in {part[4:8] for part in parts}:
            body = b"eXIf" + _exif(orientation)
            parts.append(struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)))
        if kind in _PNG_KEPT:
            parts.append(photo[position:end])
        if kind == b"IEND":
            return b"".join(parts)
        position = end


def _webp(photo: bytes, orientation: int) -> bytes:
    kept, extended, position = [], b"", 12
    (size,) = struct.unpack_from("<I", photo, 4)
    while position + 8 <= min(len(photo), size + 8):
        kind, length = struct.unpack_from("<4sI", photo, position)
        end = position + 8 + length + (length & 1)
        if position + 8 + length > len(photo):
            raise ValueError("a chunk is too long")
        if kind == b"VP8X":
            flags = photo[position + 8] & _WEBP_ALPHA | (_WEBP_EXIF if orientation != 1 else 0)
            extended = photo[position : position + 8] + bytes([flags]) + photo[position + 9 : position + 18]
        elif kind in _WEBP_KEPT:
            kept.append(photo[position:end])
        position = end
    if not kept:
        raise ValueError("there is no still image in it")
    body = b"WEBP" + extended + b"".join(kept)
    if extended and orientation != 1:
        exif = _exif(orientation)
        body += struct.pack("<4sI", b"EXIF", len(exif)) + exif
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _bmp(photo: bytes, _: int) -> bytes:
    size, _, _, pixels = struct.unpack_from("<IHHI", photo, 2)
    if size <= pixels:
        raise ValueError("it does not state its size")
    return photo[:size]
