"""Kinds of work, and what they are thought to take before any was done."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from steeple.delf.image import sniff
from steeple.errors import ImageError
from steeple.v1.visual_search_service_pb2 import Query

_SEGMENTS: Final = 64  # of a JPEG, looked through for its size: this is done on the event loop
_UNKNOWN_MEGAPIXELS: Final = 256.0
_FIXED_SECONDS: Final = 0.2  # of a photo, on a slow processor: extraction does not depend on its size
_SECONDS_A_MEGAPIXEL: Final = 0.02  # decoding does


class Kind(NamedTuple):
    """Work that takes about as long as other work of the kind.

    Attributes:
        name: Of the kind.
        guess: Seconds on a thread, until some of it was done.
    """

    name: str
    guess: float = 0.0


READ: Final = Kind("read")
CHANGE: Final = Kind("change")
AUDIT: Final = Kind("audit")
FEATURES: Final = Kind("features")
THUMBNAIL: Final = Kind("thumbnail")


def kind_of(query: Query) -> Kind:
    """The kind of work that it is to answer a query."""
    return kind_of_photo(query.image) if query.WhichOneof("source") == "image" else FEATURES


def explaining(kind: Kind) -> Kind:
    """The kind of work that it is to explain what answering is of ``kind``."""
    return Kind(f"explain {kind.name}", kind.guess)


def kind_of_photo(photo: bytes) -> Kind:
    """The kind of work that an encoded photo is: those whose numbers of pixels are within a factor of 4 are alike."""
    claimed = _claimed_pixels(photo)
    megapixels, most = _UNKNOWN_MEGAPIXELS if claimed is None else claimed / 1e6, 1
    while most < megapixels and most < _UNKNOWN_MEGAPIXELS:
        most *= 4
    return Kind(f"photo of {most} megapixels", _FIXED_SECONDS + _SECONDS_A_MEGAPIXEL * min(megapixels, most))


def _claimed_pixels(photo: bytes) -> int | None:
    """Pixels by the photo's header; None if that does not tell at once."""
    try:
        if photo[:2] == b"\xff\xd8":
            return _jpeg_pixels(photo)
        header = sniff(photo)
    except (ImageError, IndexError, struct.error):
        return None
    return header.width * header.height


def _jpeg_pixels(photo: bytes) -> int | None:
    position = 2
    for _ in range(_SEGMENTS):
        start, marker, length = struct.unpack_from(">BBH", photo, position)
        if start != 0xFF:
            return None
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", photo, position + 5)
            return int(height) * int(width)
        position += 2 + length
    return None
