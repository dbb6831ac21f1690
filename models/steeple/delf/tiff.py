"""The TIFF structure that holds a photo's EXIF.

EXIF is written by strangers. Every offset and count in it is checked against what is there, each directory is read
once, and what makes no sense counts as not said: nothing here raises an error.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

HEADER: Final = b"Exif\0\0"
"""What comes before the structure in a JPEG, and in some other files."""

_MOST_ENTRIES: Final = 512  # of a directory; cameras write a few dozen
_MOST_BYTES: Final = 64  # of a value that is read here
_SIZES: Final = {2: 1, 3: 2, 4: 4, 5: 8}  # bytes of a component, by type: ASCII, SHORT, LONG, RATIONAL
_ORIENTATION: Final = 0x0112


@dataclass(frozen=True)
class Entry:
    """A value in the structure.

    Attributes:
        type: Its type, as TIFF numbers them.
        count: Its components.
        start: Where it begins.
    """

    type: int
    count: int
    start: int


@dataclass(frozen=True)
class TiffReader:
    """A TIFF structure, of which nothing is believed.

    Attributes:
        data: Its bytes.
        order: Of bytes in numbers, ``<`` or ``>``.
        first: Where its first directory begins.
    """

    data: bytes
    order: str
    first: int

    @staticmethod
    def of(data: bytes) -> TiffReader | None:
        """Of the bytes of an EXIF block, with or without its header; None if they are none."""
        data = data.removeprefix(HEADER)
        order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
        if order is None or len(data) < 8:
            return None
        return TiffReader(data, order, struct.unpack_from(f"{order}I", data, 4)[0])

    def directory(self, offset: int) -> Mapping[int, Entry]:
        """Entries by tag; those that reach beyond the data are left out."""
        if offset < 8 or offset + 2 > len(self.data):
            return {}
        (count,) = struct.unpack_from(f"{self.order}H", self.data, offset)
        entries: dict[int, Entry] = {}
        for number in range(min(count, _MOST_ENTRIES)):
            start = offset + 2 + 12 * number
            if start + 12 > len(self.data):
                break
            tag, kind, components = struct.unpack_from(f"{self.order}HHI", self.data, start)
            size = _SIZES.get(kind, 0) * components
            if not 0 < size <= _MOST_BYTES:
                continue
            value = start + 8 if size <= 4 else struct.unpack_from(f"{self.order}I", self.data, start + 8)[0]
            if value + size <= len(self.data):
                entries.setdefault(tag, Entry(kind, components, value))
        return entries

    def pointer(self, entries: Mapping[int, Entry], tag: int) -> int:
        """Where a directory begins; 0, where none can, if it is not said."""
        entry = entries.get(tag)
        if entry is None or (entry.type, entry.count) != (4, 1):
            return 0
        return int(struct.unpack_from(f"{self.order}I", self.data, entry.start)[0])

    def text(self, entries: Mapping[int, Entry], tag: int) -> str:
        """An ASCII value up to its first NUL; empty if there is none."""
        entry = entries.get(tag)
        if entry is None or entry.type != 2:
            return ""
        return self.data[entry.start : entry.start + entry.count].partition(b"\0")[0].decode("ascii", "replace").strip()

    def degrees(self, entries: Mapping[int, Entry], tag: int) -> float:
        """Degrees, minutes and seconds as degrees; NaN if it makes none."""
        entry = entries.get(tag)
        if entry is None or (entry.type, entry.count) != (5, 3):
            return math.nan
        numbers = struct.unpack_from(f"{self.order}6I", self.data, entry.start)
        parts = [top / bottom if bottom else math.nan for top, bottom in zip(numbers[::2], numbers[1::2], strict=True)]
        if not (parts[1] < 60 and parts[2] < 60.001):  # false for NaN
            return math.nan
        return parts[0] + parts[1] / 60 + parts[2] / 3600

    def orientation(self) -> int:
        """How the photo is to be turned: 1 (as it is) to 8."""
        entry = self.directory(self.first).get(_ORIENTATION)
        if entry is None or (entry.type, entry.count) != (3, 1):
            return 1
        (value,) = struct.unpack_from(f"{self.order}H", self.data, entry.start)
        return value if 1 <= value <= 8 else 1


def orientation_block(orientation: int) -> bytes:
    """A TIFF structure that says how to turn a photo, and nothing else."""
    return b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, _ORIENTATION, 3, 1, orientation, 0, 0)
