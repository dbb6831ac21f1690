"""What a photo says of itself: where and when it was taken, and which way up it is. No more of EXIF is read.

EXIF is written by strangers. Every offset and count in it is checked against what is there, each directory is read
once, and what makes no sense counts as not said: no file raises an error here.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from steeple.server.catalogue import Capture, LatLng

_HEADER: Final = b"Exif\0\0"
_MOST_ENTRIES: Final = 512  # of a directory; cameras write a few dozen
_MOST_BYTES: Final = 64  # of a value that is read here
_SIZES: Final = {2: 1, 3: 2, 4: 4, 5: 8}  # bytes of a component, by type: ASCII, SHORT, LONG, RATIONAL

_ORIENTATION: Final = 0x0112
_EXIF_DIRECTORY: Final = 0x8769
_GPS_DIRECTORY: Final = 0x8825
_DATE_TIME_ORIGINAL: Final = 0x9003
_OFFSET_TIME_ORIGINAL: Final = 0x9011
_LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE = 1, 2, 3, 4


def read_capture(photo: bytes) -> Capture:
    """What the EXIF of a JPEG, PNG or WebP file says of its origin; nothing where there is none."""
    block = _block(photo)
    reader = None if block is None else _Reader.of(block)
    if reader is None:
        return Capture()
    root = reader.directory(reader.first)
    details = reader.directory(reader.pointer(root, _EXIF_DIRECTORY))
    places = reader.directory(reader.pointer(root, _GPS_DIRECTORY))
    return Capture(_location(reader, places), _time(reader, details))


def read_orientation(photo: bytes) -> int:
    """How the pixels of a JPEG, PNG or WebP file lie, as in EXIF: 1 (as they are shown, or not said) to 8."""
    block = _block(photo)
    reader = None if block is None else _Reader.of(block)
    orientation = 1 if reader is None else reader.number(reader.directory(reader.first), _ORIENTATION)
    return orientation if 1 <= orientation <= 8 else 1


@dataclass(frozen=True)
class _Entry:
    type: int
    count: int
    start: int


@dataclass(frozen=True)
class _Reader:
    """A TIFF structure, of which nothing is believed."""

    data: bytes
    order: str
    first: int

    @staticmethod
    def of(data: bytes) -> _Reader | None:
        order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
        if order is None or len(data) < 8:
            return None
        return _Reader(data, order, struct.unpack_from(f"{order}I", data, 4)[0])

    def directory(self, offset: int) -> Mapping[int, _Entry]:
        """Entries by tag; those that reach beyond the data are left out."""
        if offset < 8 or offset + 2 > len(self.data):
            return {}
        (count,) = struct.unpack_from(f"{self.order}H", self.data, offset)
        entries: dict[int, _Entry] = {}
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
                entries.setdefault(tag, _Entry(kind, components, value))
        return entries

    def pointer(self, entries: Mapping[int, _Entry], tag: int) -> int:
        """Where a directory begins; 0, where none can, if it is not said."""
        entry = entries.get(tag)
        if entry is None or (entry.type, entry.count) != (4, 1):
            return 0
        return int(struct.unpack_from(f"{self.order}I", self.data, entry.start)[0])

    def number(self, entries: Mapping[int, _Entry], tag: int) -> int:
        """A short whole number; 0 if there is none."""
        entry = entries.get(tag)
        if entry is None or (entry.type, entry.count) != (3, 1):
            return 0
        return int(struct.unpack_from(f"{self.order}H", self.data, entry.start)[0])

    def text(self, entries: Mapping[int, _Entry], tag: int) -> str:
        """An ASCII value up to its first NUL; empty if there is none."""
        entry = entries.get(tag)
        if entry is None or entry.type != 2:
            return ""
        return self.data[entry.start : entry.start + entry.count].partition(b"\0")[0].decode("ascii", "replace").strip()

    def degrees(self, entries: Mapping[int, _Entry], tag: int) -> float:
        """Degrees, minutes and seconds as degrees; NaN if it makes none."""
        entry = entries.get(tag)
        if entry is None or (entry.type, entry.count) != (5, 3):
            return math.nan
        numbers = struct.unpack_from(f"{self.order}6I", self.data, entry.start)
        parts = [top / bottom if bottom else math.nan for top, bottom in zip(numbers[::2], numbers[1::2], strict=True)]
        if not (parts[1] < 60 and parts[2] < 60.001):  # false for NaN
            return math.nan
        return parts[0] + parts[1] / 60 + parts[2] / 3600


def _location(reader: _Reader, places: Mapping[int, _Entry]) -> LatLng | None:
    latitude, longitude = reader.degrees(places, _LATITUDE), reader.degrees(places, _LONGITUDE)
    north = {"N": 1, "S": -1}.get(reader.text(places, _LATITUDE_REF))
    east = {"E": 1, "W": -1}.get(reader.text(places, _LONGITUDE_REF))
    if north is None or east is None or not (latitude <= 90 and longitude <= 180):
        return None
    if latitude == 0 and longitude == 0:  # what phones write that have not found out
        return None
    return LatLng(north * latitude, east * longitude)


def _time(reader: _Reader, details: Mapping[int, _Entry]) -> str:
    try:
        taken = datetime.strptime(reader.text(details, _DATE_TIME_ORIGINAL), "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return ""
    if taken.year < 1800:
        return ""
    time = taken.isoformat()
    try:
        zone = datetime.strptime(reader.text(details, _OFFSET_TIME_ORIGINAL), "%z").isoformat()[19:]
    except ValueError:
        zone = ""
    return time + zone if len(zone) == 6 else time


def _block(photo: bytes) -> bytes | None:
    """The TIFF structure in a file; None if there is none."""
    if photo.startswith(b"\xff\xd8"):
        return _of_jpeg(photo)
    if photo.startswith(b"\x89PNG\r\n\x1a\n"):
        return _of_chunks(photo, 8, ">I4s", b"eXIf", trailer=4, padded=False)
    if photo[8:12] == b"WEBP":
        return _of_chunks(photo, 12, "<4sI", b"EXIF", trailer=0, padded=True)
    return None


def _of_jpeg(photo: bytes) -> bytes | None:
    position = 2
    while position + 4 <= len(photo) and photo[position] == 0xFF:
        marker = photo[position + 1]
        if marker == 0xFF:  # a fill byte
            position += 1
            continue
        if marker == 0xDA:
            return None
        (length,) = struct.unpack_from(">H", photo, position + 2)
        payload = photo[position + 4 : position + 2 + length]
        if marker == 0xE1 and payload.startswith(_HEADER):
            return payload[len(_HEADER) :]
        position += 2 + max(length, 2)
    return None


def _of_chunks(photo: bytes, position: int, form: str, wanted: bytes, *, trailer: int, padded: bool) -> bytes | None:
    while position + 8 <= len(photo):
        parts = struct.unpack_from(form, photo, position)
        kind, length = parts if padded else parts[::-1]
        if kind == wanted:
            payload = photo[position + 8 : position + 8 + length]
            return payload.removeprefix(_HEADER)
        position += 8 + length + (length & 1 if padded else 0) + trailer
    return None
