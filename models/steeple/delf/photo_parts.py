"""What an encoded photo consists of: the segments of a JPEG, the chunks of a PNG or a WebP.

Nothing is decoded, no length is believed, and what has more parts than any camera or editor writes is refused.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from steeple.errors import ImageError

MAX_PARTS: Final = 100_000
"""Of a file; a walk over so many takes a tenth of a second."""

_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a segment: TEM, RST0 to RST7

# As libjpeg finds them: whatever lies between segments is skipped, and inside of a scan a marker is anything but a
# stuffed zero or a restart. One byte of FF: fill bytes before it belong to what comes before.
_MARKER: Final = re.compile(rb"\xff[\x01-\xfe]", re.DOTALL)
_MARKER_IN_SCAN: Final = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Part:
    """A segment or a chunk.

    Attributes:
        kind: Marker of a JPEG's segment, one byte; type of a chunk, four.
        start: Where it begins: its marker, length or type.
        payload: Where its payload begins.
        payload_end: Where its payload ends.
        end: Where it ends: with the data of a scan, the checksum or the padding of a chunk.
    """

    kind: bytes
    start: int
    payload: int
    payload_end: int
    end: int

    @property
    def marker(self) -> int:
        """Of a JPEG's segment."""
        return self.kind[0]


def jpeg_parts(data: bytes) -> Iterator[Part]:
    """The segments of a JPEG from its start to its end, without the two markers that say so.

    A scan is one part with its data. What follows the end, such as a second picture or a film, is not looked at.

    Raises:
        ImageError: If the JPEG is truncated, or of too many parts.
    """
    position = 2
    for _ in range(MAX_PARTS):
        found = _MARKER.search(data, position)
        if found is None:
            raise ImageError("the JPEG is truncated: its end is missing; send the whole file")
        start, marker = found.start(), data[found.start() + 1]
        if marker == _EOI:
            return
        if marker == _SOI:
            raise ImageError("the JPEG is damaged: it begins twice")
        if marker in _ALONE:
            position = start + 2
            continue
        if start + 4 > len(data):
            raise ImageError("the JPEG is truncated: a segment is incomplete; send the whole file")
        (length,) = struct.unpack_from(">H", data, start + 2)
        end = payload_end = start + 2 + length
        if length < 2:
            raise ImageError("the JPEG is damaged: a segment states an impossible length")
        if end > len(data):
            raise ImageError("the JPEG is truncated: a segment is incomplete; send the whole file")
        if marker == _SOS:
            found = _MARKER_IN_SCAN.search(data, end)
            end = len(data) if found is None else found.start()
        yield Part(data[start + 1 : start + 2], start, start + 4, payload_end, end)
        position = end
    raise _too_many("JPEG", "segments")


def png_parts(data: bytes) -> Iterator[Part]:
    """The chunks of a PNG up to IEND, which is not among them; what follows it is not looked at.

    Raises:
        ImageError: If the PNG is truncated, or of too many parts.
    """
    position = 8
    for _ in range(MAX_PARTS):
        if position + 12 > len(data):
            raise ImageError("the PNG is truncated: its end is missing; send the whole file")
        length, kind = struct.unpack_from(">I4s", data, position)
        if kind == b"IEND":
            return
        end = position + 12 + length
        if end > len(data):
            raise ImageError("the PNG is truncated: a chunk is incomplete; send the whole file")
        yield Part(kind, position, position + 8, end - 4, end)
        position = end
    raise _too_many("PNG", "chunks")


def webp_parts(data: bytes) -> Iterator[Part]:
    """The chunks of a WebP, as far as the file says that it reaches; what follows is not looked at.

    Raises:
        ImageError: If the WebP is truncated, or of too many parts.
    """
    (riff_size,) = struct.unpack_from("<I", data, 4)
    stop = riff_size + 8
    if len(data) < stop:
        raise ImageError(f"the WebP is truncated: {len(data)} of its {stop} bytes; send the whole file")
    position = 12
    for _ in range(MAX_PARTS):
        if position + 8 > stop:
            return
        kind, length = struct.unpack_from("<4sI", data, position)
        end = position + 8 + length
        if end > stop:
            raise ImageError("the WebP is truncated: a chunk is incomplete; send the whole file")
        padded = end + (length & 1)
        yield Part(kind, position, position + 8, end, min(padded, stop))
        position = padded
    raise _too_many("WebP", "chunks")


def _too_many(form: str, parts: str) -> ImageError:
    return ImageError(f"the {form} has more than {MAX_PARTS} {parts}; save it anew with an image editor")
