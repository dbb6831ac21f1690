"""What a photo says of itself: where and when it was taken, and which way up it is. No more of EXIF is read.

What makes no sense counts as not said: no file raises an error here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from steeple.delf.photo_metadata import exif_block
from steeple.delf.tiff import Entry, TiffReader
from steeple.server.catalogue import Capture, LatLng

_EXIF_DIRECTORY: Final = 0x8769
_GPS_DIRECTORY: Final = 0x8825
_DATE_TIME_ORIGINAL: Final = 0x9003
_OFFSET_TIME_ORIGINAL: Final = 0x9011
_LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE = 1, 2, 3, 4


def read_capture(photo: bytes) -> Capture:
    """What the EXIF of a JPEG, PNG or WebP file says of its origin; nothing where there is none."""
    reader = TiffReader.of(exif_block(photo))
    if reader is None:
        return Capture()
    root = reader.directory(reader.first)
    details = reader.directory(reader.pointer(root, _EXIF_DIRECTORY))
    places = reader.directory(reader.pointer(root, _GPS_DIRECTORY))
    return Capture(_location(reader, places), _time(reader, details))


def _location(reader: TiffReader, places: Mapping[int, Entry]) -> LatLng | None:
    latitude, longitude = reader.degrees(places, _LATITUDE), reader.degrees(places, _LONGITUDE)
    north = {"N": 1, "S": -1}.get(reader.text(places, _LATITUDE_REF))
    east = {"E": 1, "W": -1}.get(reader.text(places, _LONGITUDE_REF))
    if north is None or east is None or not (latitude <= 90 and longitude <= 180):
        return None
    if latitude == 0 and longitude == 0:  # what phones write that have not found out
        return None
    return LatLng(north * latitude, east * longitude)


def _time(reader: TiffReader, details: Mapping[int, Entry]) -> str:
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
