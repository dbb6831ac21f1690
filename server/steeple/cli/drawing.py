"""Pictures of answers: the photo with the landmark's outline, the reference image beside it, and their matches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.cli.canvas import (
    BACKGROUND,
    OVERSAMPLING,
    QUIET,
    TEXT,
    Box,
    Colour,
    Image,
    averaged_down,
    banner,
    show,
    show_nothing,
    text_width,
    write,
)

_FRACTION_BITS: Final = 4  # OpenCV draws at 1/16 pixel
_MAX_LINES: Final = 120  # more matches than that would cover the photos


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


def draw_answer(picture: AnswerPicture, width: int = 1600) -> Image:
    """One answer: caption on top, photo on the left, reference image on the right.

    Args:
        picture: What to draw.
        width: Of the result, pixels. Text keeps a legible size down to about 700.
    """
    unit = OVERSAMPLING * (0.45 + 0.55 * width / 1600)  # small pictures get relatively larger text
    total = width * OVERSAMPLING
    margin, header, footer = round(24 * unit), round(118 * unit), round(44 * unit)
    panel_width = (total - 3 * margin) // 2
    panel_height = panel_width * 3 // 4
    canvas = np.full((header + panel_height + footer, total, 3), BACKGROUND, np.uint8)
    left = Box(margin, header, panel_width, panel_height)
    right = Box(2 * margin + panel_width, header, panel_width, panel_height)

    query = show(canvas, left, picture.query)
    reference = None
    if picture.reference is None:
        show_nothing(canvas, right, "no candidate", 22 * unit)
    else:
        reference = show(canvas, right, picture.reference, brightness=0.45 if picture.faded else 1.0)
    if len(picture.outline) >= 3:
        _draw_outline(canvas, query.place(picture.outline), picture.colour, unit)
    if reference is not None:
        starts = query.place(picture.query_points[:_MAX_LINES])
        ends = reference.place(picture.reference_points[:_MAX_LINES])
        _draw_matches(canvas, starts, ends, picture.colour, unit, strength=0.35 if picture.faded else 0.6)
    _draw_captions(canvas, picture, margin, (left, right), unit)
    return averaged_down(canvas)


def draw_overview(title: str, pictures: Sequence[AnswerPicture], *, columns: int = 2, width: int = 1680) -> Image:
    """All answers on one sheet."""
    cell = width // columns
    cells = [draw_answer(picture, cell) for picture in pictures]
    height = cells[0].shape[0] if cells else 0
    header = 84
    sheet = np.full((header + height * math.ceil(len(cells) / columns), cell * columns, 3), BACKGROUND, np.uint8)
    sheet[:header] = banner(title, sheet.shape[1], header)
    for number, image in enumerate(cells):
        y, x = header + height * (number // columns), cell * (number % columns)
        sheet[y : y + height, x : x + cell] = image
    return sheet


def _draw_outline(canvas: Image, corners: NDArray[np.float64], colour: Colour, unit: float) -> None:
    polygon = [_fixed(corners).reshape(-1, 1, 2)]
    filled = canvas.copy()
    cv2.fillPoly(filled, polygon, colour, cv2.LINE_AA, _FRACTION_BITS)
    cv2.addWeighted(filled, 0.16, canvas, 0.84, 0, dst=canvas)
    # A dark rim keeps the line visible on a bright sky.
    cv2.polylines(canvas, polygon, True, BACKGROUND, round(6 * unit), cv2.LINE_AA, _FRACTION_BITS)
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
        cv2.circle(canvas, point.tolist(), round(4.2 * radius), BACKGROUND, -1, cv2.LINE_AA, _FRACTION_BITS)
        cv2.circle(canvas, point.tolist(), round(3.0 * radius), colour, -1, cv2.LINE_AA, _FRACTION_BITS)


def _draw_captions(canvas: Image, picture: AnswerPicture, margin: int, panels: tuple[Box, Box], unit: float) -> None:
    right_edge = canvas.shape[1] - margin
    verdict_x = right_edge - text_width(picture.verdict, 24 * unit)
    write(canvas, picture.verdict, (verdict_x, round(54 * unit)), 24 * unit, picture.colour)
    headline_room = verdict_x - 2 * margin - margin
    write(canvas, picture.headline, (margin, round(58 * unit)), 32 * unit, picture.colour, room=headline_room)
    write(canvas, picture.detail, (margin, round(98 * unit)), 17 * unit, QUIET, room=right_edge - margin)
    for panel, title in zip(panels, (picture.query_title, picture.reference_title), strict=True):
        below = panel.y + panel.height + round(31 * unit)
        write(canvas, title, (panel.x, below), 18 * unit, TEXT, room=panel.width)


def _fixed(points: NDArray[np.float64]) -> NDArray[np.int32]:
    """int32[N, 2] in OpenCV's fixed point; what lies far outside is cut, as OpenCV's integers would overflow."""
    return np.rint(np.clip(points, -30_000, 30_000) * 2**_FRACTION_BITS).astype(np.int32)
