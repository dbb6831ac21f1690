"""Photos without what they say beside their pixels: places, times, names, serial numbers, previews.

Nothing is decoded or encoded anew: the bytes of the pixels stay. What is needed to show them stays too: the colour
profile, and how the photo is to be turned, in an EXIF block that says nothing else.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from steeple.delf import tiff
from steeple.delf.photo_parts import Part, jpeg_parts, png_parts, webp_parts
from steeple.errors import ImageError

PNG_START: Final = b"\x89PNG\r\n\x1a\n"
JPEG_START: Final = b"\xff\xd8\xff"

_JFIF, _ICC, _ADOBE = b"JFIF\0", b"ICC_PROFILE\0", b"Adobe"
_APP0, _APP1, _APP2, _APP14 = 0xE0, 0xE1, 0xE2, 0xEE
# Frames (SOF0 to SOF15 with DHT, JPG and DAC), DQT, DNL, DRI, DHP, EXP, scans.
_JPEG_PIXELS: Final = frozenset({*range(0xC0, 0xD0), *range(0xDA, 0xE0)})

_PNG_PIXELS: Final = frozenset({b"IHDR", b"PLTE", b"IDAT"})
_PNG_COLOURS: Final = frozenset(
    {b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"cICP", b"mDCV", b"cLLI", b"bKGD"}
)
_EXIF_OF: Final = {"png": b"eXIf", "webp": b"EXIF"}

_WEBP_PIXELS: Final = frozenset({b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
_ICC_FLAG, _ALPHA_FLAG, _EXIF_FLAG, _ANIMATION_FLAG = 0x20, 0x10, 0x08, 0x02


def without_metadata(photo: bytes) -> bytes:
    """The photo without metadata, with the same pixels.

    An animation is reduced to its first picture (of a PNG, to the one that is not animated). A BMP has no metadata and
    comes back as it is.

    Args:
        photo: A JPEG, PNG, WebP or BMP file.

    Raises:
        ImageError: If its parts cannot be told apart.
    """
    if photo.startswith(JPEG_START):
        return _jpeg(photo, list(jpeg_parts(photo)))
    if photo.startswith(PNG_START):
        return _png(photo, list(png_parts(photo)))
    if photo[8:12] == b"WEBP" and len(photo) >= 12:
        return _webp(photo, list(webp_parts(photo)))
    return photo


def exif_block(photo: bytes) -> bytes:
    """The first EXIF block of a photo, a TIFF structure with or without a header; empty if there is none.

    No damage raises an error: the block counts as missing.
    """
    try:
        return next(_exif_blocks(photo), b"")
    except (ImageError, struct.error):
        return b""


def _exif_blocks(photo: bytes) -> Iterator[bytes]:
    if photo.startswith(JPEG_START):
        yield from _jpeg_exif(photo, jpeg_parts(photo))
    elif photo.startswith(PNG_START):
        yield from _chunk_exif(photo, png_parts(photo), "png")
    elif photo[8:12] == b"WEBP":
        yield from _chunk_exif(photo, webp_parts(photo), "webp")


def _jpeg_exif(photo: bytes, parts: Iterable[Part]) -> Iterator[bytes]:
    for part in parts:
        if part.marker == _APP1 and photo.startswith(tiff.HEADER, part.payload):
            yield photo[part.payload : part.payload_end]


def _chunk_exif(photo: bytes, parts: Iterable[Part], form: str) -> Iterator[bytes]:
    for part in parts:
        if part.kind == _EXIF_OF[form]:
            yield photo[part.payload : part.payload_end]


def _orientation(blocks: Iterator[bytes]) -> int:
    reader = tiff.TiffReader.of(next(blocks, b""))
    return 1 if reader is None else reader.orientation()


def _jpeg(photo: bytes, parts: Sequence[Part]) -> bytes:
    kept = [b"\xff\xd8"]
    orientation = _orientation(_jpeg_exif(photo, parts))
    if orientation != 1:
        kept.append(_segment(_APP1, tiff.HEADER + tiff.orientation_block(orientation)))
    for part in parts:
        payload = photo[part.payload : min(part.payload + 16, part.payload_end)]
        if part.marker == _APP0 and payload.startswith(_JFIF) and len(payload) >= 14:
            kept.append(_segment(_APP0, payload[:12] + b"\0\0"))  # without a preview
        elif (
            part.marker in _JPEG_PIXELS
            or (part.marker == _APP2 and payload.startswith(_ICC))
            or (part.marker == _APP14 and payload.startswith(_ADOBE))  # which says how colours are coded
        ):
            kept.append(photo[part.start : part.end])
    return b"".join([*kept, b"\xff\xd9"])


def _segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def _png(photo: bytes, parts: Sequence[Part]) -> bytes:
    orientation = _orientation(_chunk_exif(photo, parts, "png"))
    kept, seen = [PNG_START], set[bytes]()
    for part in parts:
        if part.kind in _PNG_PIXELS or (part.kind in _PNG_COLOURS and part.kind not in seen):
            kept.append(photo[part.start : part.end])
        if part.kind == b"IHDR" and orientation != 1:
            kept.append(_png_chunk(b"eXIf", tiff.orientation_block(orientation)))
        seen.add(part.kind)
    return b"".join([*kept, _png_chunk(b"IEND", b"")])


def _png_chunk(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))


def _webp(photo: bytes, parts: Sequence[Part]) -> bytes:
    if not parts or parts[0].kind != b"VP8X":  # a single picture: nothing else has a meaning
        return _webp_file([photo[part.start : part.end] for part in parts[:1]])
    orientation = _orientation(_chunk_exif(photo, parts, "webp"))
    flags = photo[parts[0].payload] & (_ICC_FLAG | _ALPHA_FLAG | _ANIMATION_FLAG)
    flags |= _EXIF_FLAG if orientation != 1 else 0
    header = photo[parts[0].start : parts[0].end]
    kept = [header[:8] + bytes([flags]) + header[9:]]
    seen = {b"VP8X"}
    for part in parts[1:]:
        if part.kind in _WEBP_PIXELS and part.kind not in seen:
            kept.append(photo[part.start : part.end])
        seen.add(part.kind)
    if orientation != 1:
        kept.append(_webp_chunk(b"EXIF", tiff.orientation_block(orientation)))
    return _webp_file(kept)


def _webp_chunk(kind: bytes, payload: bytes) -> bytes:
    return kind + struct.pack("<I", len(payload)) + payload + bytes(len(payload) & 1)


def _webp_file(chunks: Sequence[bytes]) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body
