"""Pictures of answers: the photo with the landmark's outline, the reference image beside it, and their matches."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
"""uint8[H, W, 3], RGB."""

Colour: TypeAlias = tuple[int, int, int]
"""Red, green, blue."""

GREEN: Final[Colour] = (52, 211, 130)
AMBER: Final[Colour] = (250, 190, 70)
VIOLET: Final[Colour] = (178, 148, 255)
RED: Final[Colour] = (255, 92, 92)

_BACKGROUND: Final[Colour] = (17, 21, 28)
_PANEL: Final[Colour] = (30, 36, 46)
_TEXT: Final[Colour] = (240, 243, 248)
_QUIET: Final[Colour] = (150, 160, 175)

# Everything is drawn this many times larger and averaged down: OpenCV's own anti-aliasing leaves thin strokes ragged.
_OVERSAMPLING: Final = 2
_FONT: Final = cv2.FONT_HERSHEY_DUPLEX
_FONT_HEIGHT: Final = 22.0  # pixels of a capital letter at font scale 1
_FRACTION_BITS: Final = 4  # OpenCV draws at 1/16 pixel
_MAX_LINES: Final = 120  # more matches than that would cover the photos

_LETTERS: Final = str.maketrans(
    {"œ": "oe", "Œ": "Oe", "æ": "ae", "Æ": "Ae", "ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L"}
)


def _no_points() -> NDArray[np.float32]:
    return np.empty((0, 2), np.float32)


@dataclass(frozen=True, eq=False)
class AnswerPicture:
    """All that a picture of an answer shows.

    Attributes:
        headline: The answer: a name and its confidence, or UNKNOWN.
        detail: A line of facts below it.
        verdict: A word or two in the corner.
        colour: Of the headline, the outline and the matches; stands for the outcome.
        query: The photo.
        query_title: What it is.
        reference: The reference image; None if there is none to show.
        reference_title: What that is.
        faded: Whether to darken the reference image: it was not identified.
        outline: float32[M, 2], pixels of the photo.
        query_points: float32[I, 2], pixels of the photo: inlier matches.
        reference_points: float32[I, 2], pixels of the reference image: their other ends.
    """

    headline: str
    detail: str
    verdict: str
    colour: Colour
    query: Image
    query_title: str
    reference: Image | None = None
    reference_title: str = ""
    faded: bool = False
    outline: NDArray[np.float32] = field(default_factory=_no_points)
    query_points: NDArray[np.float32] = field(default_factory=_no_points)
    reference_points: NDArray[np.float32] = field(default_factory=_no_points)


@dataclass(frozen=True)
class _Box:
    """A rectangle of the canvas, and how image pixels are mapped into it."""

    x: int
    y: int
    width: int
    height: int
    scale: float = 1.0

    def place(self, points: NDArray[np.float32]) -> NDArray[np.float64]:
        """float64[N, 2] canvas pixels of float32[N, 2] image pixels."""
        return (points.astype(np.float64) + 0.5) * self.scale - 0.5 + (self.x, self.y)


def draw_answer(picture: AnswerPicture, width: int = 1600) -> Image:
    """One answer: caption on top, photo on the left, reference image on the right.

    Args:
        picture: What to draw.
        width: Of the result, pixels. Text keeps a legible size down to about 700.
    """
    unit = _OVERSAMPLING * (0.45 + 0.55 * width / 1600)  # small pictures get relatively larger text
    total = width * _OVERSAMPLING
    margin, header, footer = round(24 * unit), round(118 * unit), round(44 * unit)
    panel_width = (total - 3 * margin) // 2
    panel_height = panel_width * 3 // 4
    canvas = np.full((header + panel_height + footer, total, 3), _BACKGROUND, np.uint8)
    left = _Box(margin, header, panel_width, panel_height)
    right = _Box(2 * margin + panel_width, header, panel_width, panel_height)

    query = _show(canvas, left, picture.query)
    reference = None
    if picture.reference is None:
        cv2.rectangle(canvas, (right.x, right.y), (right.x + right.width, right.y + right.height), _PANEL, -1)
        text = "no candidate"
        middle = (right.x + (right.width - _text_width(text, 22 * unit)) // 2, right.y + right.height // 2)
        _write(canvas, text, middle, 22 * unit, _QUIET)
    else:
        reference = _show(canvas, right, picture.reference, brightness=0.45 if picture.faded else 1.0)
    if len(picture.outline) >= 3:
        _draw_outline(canvas, query.place(picture.outline), picture.colour, unit)
    if reference is not None:
        starts = query.place(picture.query_points[:_MAX_LINES])
        ends = reference.place(picture.reference_points[:_MAX_LINES])
        _draw_matches(canvas, starts, ends, picture.colour, unit, strength=0.35 if picture.faded else 0.6)
    _draw_captions(canvas, picture, margin, (left, right), unit)
    return _averaged_down(canvas)


def draw_overview(title: str, pictures: Sequence[AnswerPicture], *, columns: int = 2, width: int = 1680) -> Image:
    """All answers on one sheet."""
    cell = width // columns
    cells = [draw_answer(picture, cell) for picture in pictures]
    height = cells[0].shape[0] if cells else 0
    header = 84
    sheet = np.full((header + height * math.ceil(len(cells) / columns), cell * columns, 3), _BACKGROUND, np.uint8)
    banner = np.full((header * _OVERSAMPLING, sheet.shape[1] * _OVERSAMPLING, 3), _BACKGROUND, np.uint8)
    _write(banner, title, (20 * _OVERSAMPLING, 56 * _OVERSAMPLING), 24 * _OVERSAMPLING, _TEXT)
    sheet[:header] = _averaged_down(banner)
    for number, image in enumerate(cells):
        y, x = header + height * (number // columns), cell * (number % columns)
        sheet[y : y + height, x : x + cell] = image
    return sheet


def in_ascii(text: str) -> str:
    """The text in the letters that OpenCV's fonts have: accents dropped, ligatures spelt out, the rest as "?"."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return "".join(letter if " " <= letter <= "~" else "?" for letter in bare)


def _show(canvas: Image, panel: _Box, image: Image, *, brightness: float = 1.0) -> _Box:
    """Draws an image into a panel, as large as fits, and says where it is."""
    height, width = image.shape[:2]
    scale = min(panel.width / width, panel.height / height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    resized = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    x, y = panel.x + (panel.width - size[0]) // 2, panel.y + (panel.height - size[1]) // 2
    cv2.rectangle(canvas, (panel.x, panel.y), (panel.x + panel.width, panel.y + panel.height), _PANEL, -1)
    canvas[y : y + size[1], x : x + size[0]] = np.rint(resized * brightness).astype(np.uint8)
    return _Box(x, y, size[0], size[1], scale)


def _draw_outline(canvas: Image, corners: NDArray[np.float64], colour: Colour, unit: float) -> None:
    polygon = [_fixed(corners).reshape(-1, 1, 2)]
    filled = canvas.copy()
    cv2.fillPoly(filled, polygon, colour, cv2.LINE_AA, _FRACTION_BITS)
    cv2.addWeighted(filled, 0.16, canvas, 0.84, 0, dst=canvas)
    # A dark rim keeps the line visible on a bright sky.
    cv2.polylines(canvas, polygon, True, _BACKGROUND, round(6 * unit), cv2.LINE_AA, _FRACTION_BITS)
    cv2.polylines(canvas, polygon, True, colour, round(3 * unit), cv2.LINE_AA, _FRACTION_BITS)


def _draw_matches(
    canvas: Image,
    starts: NDArray[np.float64],
    ends: NDArray[np.float64],
    colour: Colour,
    unit: float,
    *,
    strength: float,
) -> None:
    lines = canvas.copy()
    for start, end in zip(_fixed(starts), _fixed(ends), strict=True):
        cv2.line(lines, start.tolist(), end.tolist(), colour, max(1, round(1.2 * unit)), cv2.LINE_AA, _FRACTION_BITS)
    cv2.addWeighted(lines, strength, canvas, 1 - strength, 0, dst=canvas)
    for point in (*_fixed(starts), *_fixed(ends)):
        radius = 2**_FRACTION_BITS * unit
        cv2.circle(canvas, point.tolist(), round(4.2 * radius), _BACKGROUND, -1, cv2.LINE_AA, _FRACTION_BITS)
        cv2.circle(canvas, point.tolist(), round(3.0 * radius), colour, -1, cv2.LINE_AA, _FRACTION_BITS)


def _draw_captions(canvas: Image, picture: AnswerPicture, margin: int, panels: tuple[_Box, _Box], unit: float) -> None:
    right_edge = canvas.shape[1] - margin
    verdict_x = right_edge - _text_width(picture.verdict, 24 * unit)
    _write(canvas, picture.verdict, (verdict_x, round(54 * unit)), 24 * unit, picture.colour)
    headline_room = verdict_x - 2 * margin - margin
    _write(canvas, picture.headline, (margin, round(58 * unit)), 32 * unit, picture.colour, room=headline_room)
    _write(canvas, picture.detail, (margin, round(98 * unit)), 17 * unit, _QUIET, room=right_edge - margin)
    for panel, title in zip(panels, (picture.query_title, picture.reference_title), strict=True):
        below = panel.y + panel.height + round(31 * unit)
        _write(canvas, title, (panel.x, below), 18 * unit, _TEXT, room=panel.width)


def _write(
    canvas: Image, text: str, origin: tuple[int, int], height: float, colour: Colour, *, room: int | None = None
) -> None:
    """Writes text whose capitals are ``height`` pixels high from the left end of its baseline; cut to ``room``."""
    text = in_ascii(text)
    while room is not None and len(text) > 4 and _text_width(text, height) > room:
        text = text[:-4].rstrip() + "..."
    thickness = max(1, round(height / 13))
    cv2.putText(canvas, text, origin, _FONT, height / _FONT_HEIGHT, colour, thickness, cv2.LINE_AA)


def _text_width(text: str, height: float) -> int:
    (width, _), _ = cv2.getTextSize(in_ascii(text), _FONT, height / _FONT_HEIGHT, max(1, round(height / 13)))
    return int(width)


def _averaged_down(canvas: Image) -> Image:
    size = (canvas.shape[1] // _OVERSAMPLING, canvas.shape[0] // _OVERSAMPLING)
    return np.asarray(cv2.resize(canvas, size, interpolation=cv2.INTER_AREA), np.uint8)


def _fixed(points: NDArray[np.float64]) -> NDArray[np.int32]:
    """int32[N, 2] in OpenCV's fixed point; what lies far outside is cut, as OpenCV's integers would overflow."""
    return np.rint(np.clip(points, -30_000, 30_000) * 2**_FRACTION_BITS).astype(np.int32)
