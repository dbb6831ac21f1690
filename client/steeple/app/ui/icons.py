"""The app's icons, drawn from strokes: sharp at every size, and of no foreign file.

Each is drawn on a square of 24 by 24 units, x right and y down, with round strokes two units wide, and turned into a
mask that a widget tints.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import cos, pi, sin
from typing import Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.errors import InvalidArgumentError

_Point: TypeAlias = tuple[float, float]

_GRID: Final = 24
_STROKE: Final = 2.0
_FINER: Final = 4  # pixels drawn for each that is wanted, a side
_SHIFT: Final = 6  # bits of a pixel's fraction that OpenCV is given


class _Pen:
    """Draws on a mask, in units of the grid."""

    def __init__(self, size: int) -> None:
        self.mask: NDArray[np.uint8] = np.zeros((size, size), np.uint8)
        self._unit = size / _GRID

    def line(self, *points: _Point, closed: bool = False, width: float = _STROKE) -> None:
        """A stroke through points, with round ends and corners."""
        thickness = max(1, round(width * self._unit))
        cv2.polylines(self.mask, [self._fixed(points)], closed, 255, thickness, cv2.LINE_8, _SHIFT)

    def arc(self, centre: _Point, radius: float, start: float = 0, end: float = 360, width: float = _STROKE) -> None:
        """A part of a circle; angles in degrees, clockwise from the right."""
        steps = max(2, round(abs(end - start) / 5))
        angles = np.radians(np.linspace(start, end, steps + 1))
        points = [(centre[0] + radius * cos(angle), centre[1] + radius * sin(angle)) for angle in angles]
        self.line(*points, width=width)

    def disc(self, centre: _Point, radius: float) -> None:
        """A filled circle."""
        at = tuple(int(value) for value in self._fixed([centre])[0])
        cv2.circle(self.mask, at, round(radius * self._unit * 2**_SHIFT), 255, -1, cv2.LINE_8, _SHIFT)

    def area(self, *points: _Point, value: int = 255) -> None:
        """A filled polygon."""
        cv2.fillPoly(self.mask, [self._fixed(points)], value, cv2.LINE_8, _SHIFT)

    def _fixed(self, points: tuple[_Point, ...] | list[_Point]) -> NDArray[np.int32]:
        pixels = np.asarray(points, np.float64) * self._unit - 0.5
        return np.rint(pixels * 2**_SHIFT).astype(np.int32)


def _steeple(pen: _Pen) -> None:
    pen.line((12, 1.8), (12, 5))
    pen.line((10.3, 3.2), (13.7, 3.2), width=1.6)
    pen.line((12, 5.2), (7.5, 13), (16.5, 13), closed=True)
    pen.line((7.5, 13), (7.5, 21.5), (16.5, 21.5), (16.5, 13))
    pen.line((12, 21.5), (12, 17.5))
    pen.line((2.5, 21.5), (21.5, 21.5))


def _back(pen: _Pen) -> None:
    pen.line((20, 12), (4.5, 12))
    pen.line((11, 5.2), (4.2, 12), (11, 18.8))


def _close(pen: _Pen) -> None:
    pen.line((5.5, 5.5), (18.5, 18.5))
    pen.line((18.5, 5.5), (5.5, 18.5))


def _settings(pen: _Pen) -> None:
    for y, knob in ((6.0, 15.5), (12.0, 8.5), (18.0, 14.0)):
        pen.line((3.5, y), (knob - 2.4, y))
        pen.line((knob + 2.4, y), (20.5, y))
        pen.arc((knob, y), 2.3)


def _history(pen: _Pen) -> None:
    pen.arc((12.5, 12), 8.4, -160, 160)
    pen.line((4.2, 4.6), (4.6, 9.2), (9.2, 8.8))
    pen.line((12.5, 7.4), (12.5, 12.2), (16, 14.2))


def _gallery(pen: _Pen) -> None:
    pen.line((3.5, 5), (20.5, 5), (20.5, 19), (3.5, 19), closed=True)
    pen.line((4.2, 17.2), (9.4, 11.2), (13, 15.2), (15.4, 12.6), (19.8, 17.4))
    pen.disc((15.6, 8.9), 1.5)


def _torch(pen: _Pen) -> None:
    pen.area((13.4, 1.8), (5.2, 13.4), (11, 13.4), (10, 22.2), (18.8, 9.8), (12.6, 9.8))


def _pause(pen: _Pen) -> None:
    pen.line((8.6, 6), (8.6, 18), width=3.2)
    pen.line((15.4, 6), (15.4, 18), width=3.2)


def _play(pen: _Pen) -> None:
    pen.area((8, 5), (8, 19), (19, 12))
    pen.line((8, 5), (8, 19), (19, 12), closed=True, width=1.6)


def _check(pen: _Pen) -> None:
    pen.line((4.5, 12.6), (9.8, 17.8), (19.6, 6.8), width=2.4)


def _map(pen: _Pen) -> None:
    pen.arc((12, 9.6), 7, 150, 390)
    pen.line((5.9, 13.1), (12, 21.8), (18.1, 13.1))
    pen.arc((12, 9.6), 2.4)


def _share(pen: _Pen) -> None:
    pen.line((12, 3.4), (12, 14.5))
    pen.line((7.6, 7.4), (12, 3.0), (16.4, 7.4))
    pen.line((7.8, 11), (5, 11), (5, 20.6), (19, 20.6), (19, 11), (16.2, 11))


def _search(pen: _Pen) -> None:
    pen.arc((10.6, 10.6), 6.6)
    pen.line((15.5, 15.5), (20.6, 20.6))


def _delete(pen: _Pen) -> None:
    pen.line((4, 6.4), (20, 6.4))
    pen.line((9, 6), (9.6, 3.4), (14.4, 3.4), (15, 6))
    pen.line((6, 6.6), (7, 20.6), (17, 20.6), (18, 6.6))
    pen.line((10.2, 10.4), (10.5, 16.8), width=1.7)
    pen.line((13.8, 10.4), (13.5, 16.8), width=1.7)


def _download(pen: _Pen) -> None:
    pen.line((12, 3.4), (12, 15.4))
    pen.line((6.8, 10.6), (12, 15.8), (17.2, 10.6))
    pen.line((4.4, 20.4), (19.6, 20.4))


def _offline(pen: _Pen) -> None:
    pen.arc((12, 18), 13, -135, -45)
    pen.arc((12, 18), 8, -135, -45)
    pen.disc((12, 18), 2)
    pen.line((4, 4), (20, 20.5))


def _camera(pen: _Pen) -> None:
    pen.line((3, 7.4), (8, 7.4), (9.6, 4.6), (14.4, 4.6), (16, 7.4), (21, 7.4), (21, 19.4), (3, 19.4), closed=True)
    pen.arc((12, 13.2), 3.8)


def _question(pen: _Pen) -> None:
    pen.arc((12, 8.6), 4.6, -180, 60)
    pen.line((14.3, 12.6), (12.2, 14.2), (12, 16.2))
    pen.disc((12, 20.2), 1.5)


def _pack(pen: _Pen) -> None:
    pen.line((12, 2.8), (20.4, 7.4), (20.4, 16.6), (12, 21.2), (3.6, 16.6), (3.6, 7.4), closed=True)
    pen.line((3.8, 7.5), (12, 12), (20.2, 7.5))
    pen.line((12, 12), (12, 21))


def _add(pen: _Pen) -> None:
    pen.line((12, 4.5), (12, 19.5))
    pen.line((4.5, 12), (19.5, 12))


def _right(pen: _Pen) -> None:
    pen.line((9, 5), (16, 12), (9, 19))


def _server(pen: _Pen) -> None:
    for top in (3.6, 13.2):
        pen.line((3.4, top), (20.6, top), (20.6, top + 7.2), (3.4, top + 7.2), closed=True)
        pen.disc((7.4, top + 3.6), 1.3)
        pen.line((12.4, top + 3.6), (17, top + 3.6), width=1.7)


def _lock(pen: _Pen) -> None:
    pen.line((5, 10.6), (19, 10.6), (19, 20.6), (5, 20.6), closed=True)
    pen.line((8, 10.4), (8, 7.6))
    pen.arc((12, 7.4), 4, -180, 0)
    pen.line((16, 7.4), (16, 10.4))
    pen.disc((12, 15.6), 1.7)


def _globe(pen: _Pen) -> None:
    pen.arc((12, 12), 8.8)
    pen.line((3.4, 12), (20.6, 12), width=1.7)
    for side in (-1, 1):
        points = [(12 + side * 4 * sin(step * pi / 12), 12 - 8.8 * cos(step * pi / 12)) for step in range(13)]
        pen.line(*points, width=1.7)


def _light(pen: _Pen) -> None:
    pen.arc((12, 12), 4.2)
    for step in range(8):
        x, y = cos(step * pi / 4), sin(step * pi / 4)
        pen.line((12 + 7.4 * x, 12 + 7.4 * y), (12 + 9.6 * x, 12 + 9.6 * y))


def _eye(pen: _Pen) -> None:
    top = [(2.4 + step * 19.2 / 12, 12 - 6 * sin(step * pi / 12)) for step in range(13)]
    pen.line(*top, *((x, 24 - y) for x, y in reversed(top)), closed=True)
    pen.arc((12, 12), 2.8)


def _warning(pen: _Pen) -> None:
    pen.line((12, 3.4), (21.4, 20.2), (2.6, 20.2), closed=True)
    pen.line((12, 9.6), (12, 14))
    pen.disc((12, 17.2), 1.2)


DRAWINGS: Final[dict[str, Callable[[_Pen], None]]] = {
    "steeple": _steeple,
    "back": _back,
    "close": _close,
    "settings": _settings,
    "history": _history,
    "gallery": _gallery,
    "torch": _torch,
    "pause": _pause,
    "play": _play,
    "check": _check,
    "map": _map,
    "share": _share,
    "search": _search,
    "delete": _delete,
    "download": _download,
    "offline": _offline,
    "camera": _camera,
    "question": _question,
    "pack": _pack,
    "add": _add,
    "right": _right,
    "server": _server,
    "lock": _lock,
    "globe": _globe,
    "light": _light,
    "eye": _eye,
    "warning": _warning,
}


@lru_cache(maxsize=256)
def mask(name: str, size: int) -> NDArray[np.uint8]:
    """An icon as opacity.

    Args:
        name: One of :data:`DRAWINGS`.
        size: Pixels a side.

    Returns:
        uint8[size, size], 0 (clear) to 255; not to be written to.

    Raises:
        InvalidArgumentError: If there is no such icon, or the size is not 1 to 1024.
    """
    if name not in DRAWINGS:
        raise InvalidArgumentError(f"no icon is named {name!r}; there are {', '.join(sorted(DRAWINGS))}")
    if not 1 <= size <= 1024:
        raise InvalidArgumentError(f"an icon has 1 to 1024 pixels a side, not {size}")
    pen = _Pen(size * _FINER)
    DRAWINGS[name](pen)
    small = cv2.resize(pen.mask, (size, size), interpolation=cv2.INTER_AREA).astype(np.uint8)
    small.setflags(write=False)
    return small
