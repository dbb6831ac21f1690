"""The failures of an evaluation in one picture: what was asked, what was answered, and what would have been right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from steeple.cli.canvas import (
    AMBER,
    BACKGROUND,
    OVERSAMPLING,
    QUIET,
    RED,
    TEXT,
    VIOLET,
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
from steeple.delf import read_image
from steeple.delf.progress import Progress
from steeple.server.evaluation import Dataset, Failure, FailureKind, Photo

MOST: Final = 60
"""Failures on one sheet; more are left out, the least bad ones."""

_COLUMNS: Final = 2
_CELL: Final = 900  # pixels wide
_HEADER: Final = 84

_COLOURS: Final[dict[FailureKind, Colour]] = {
    FailureKind.FALSE_NAME: RED,
    FailureKind.STRANGER_NAMED: RED,
    FailureKind.WRONG_CANDIDATE: AMBER,
    FailureKind.NO_CANDIDATE: AMBER,
    FailureKind.UNSURE: VIOLET,
}


def draw_sheet(dataset: Dataset, failures: Sequence[Failure], progress: Progress, *, most: int = MOST) -> Image:
    """A picture of failures, in the order given: the query, the first candidate's photo, one of the right landmark.

    Args:
        dataset: What was evaluated.
        failures: Of its queries.
        progress: Told how far it is.
        most: Failures shown; the title says how many are left out.

    Returns:
        uint8[H, 1800, 3].
    """
    shown = failures[:most]
    cells = []
    for number, failure in enumerate(shown):
        progress("contact sheet", number, len(shown))
        cells.append(_draw(dataset, failure, number + 1))
    progress("contact sheet", len(shown), len(shown))
    height = cells[0].shape[0] if cells else 0
    columns = _CELL * _COLUMNS
    sheet = np.full((_HEADER + height * math.ceil(len(cells) / _COLUMNS), columns, 3), BACKGROUND, np.uint8)
    sheet[:_HEADER] = banner(_title(dataset, failures, len(shown)), columns, _HEADER)
    for number, cell in enumerate(cells):
        y, x = _HEADER + height * (number // _COLUMNS), _CELL * (number % _COLUMNS)
        sheet[y : y + height, x : x + _CELL] = cell
    return sheet


def _title(dataset: Dataset, failures: Sequence[Failure], shown: int) -> str:
    title = f"{len(failures)} of {len(dataset.queries)} queries and distractors were not answered rightly"
    if shown < len(failures):
        title += f"; the {shown} worst are shown, {len(failures) - shown} are left out"
    return title


def _draw(dataset: Dataset, failure: Failure, number: int) -> Image:
    unit = OVERSAMPLING
    margin, header, footer = 14 * unit, 62 * unit, 30 * unit
    width = _CELL * unit
    panel_width = (width - 4 * margin) // 3
    panel_height = panel_width * 3 // 4
    canvas = np.full((header + panel_height + footer + margin, width, 3), BACKGROUND, np.uint8)
    colour = _COLOURS[failure.kind]
    verdict = failure.kind.value.replace("_", " ")
    verdict_x = width - margin - text_width(verdict, 15 * unit)
    write(canvas, verdict, (verdict_x, 24 * unit), 15 * unit, colour)
    heading = f"{number}. {_file(failure.result.photo)}"
    write(canvas, heading, (margin, 24 * unit), 15 * unit, TEXT, room=verdict_x - 2 * margin)
    write(canvas, _answer(failure), (margin, 49 * unit), 13 * unit, colour, room=width - 2 * margin)

    for place, (shown, caption) in enumerate(_panels(dataset, failure)):
        panel = Box(margin + place * (panel_width + margin), header, panel_width, panel_height)
        if shown is None:
            show_nothing(canvas, panel, caption, 13 * unit)
            continue
        show(canvas, panel, read_image(shown.path))
        below = panel.y + panel.height + 20 * unit
        write(canvas, caption, (panel.x, below), 11 * unit, QUIET, room=panel.width)
    return averaged_down(canvas)


def _panels(dataset: Dataset, failure: Failure) -> list[tuple[Photo | None, str]]:
    """Photos with their captions, or None and why there is none."""
    photo = failure.result.photo
    answered, right = failure.answered_with(dataset), failure.right_reference(dataset)
    second = (None, "nothing matched") if answered is None else (answered, f"answer: {answered.path.name}")
    if failure.kind is FailureKind.UNSURE:
        third: tuple[Photo | None, str] = (None, "right, but UNKNOWN")
    else:
        third = (None, "of no landmark") if right is None else (right, f"right: {right.path.name}")
    return [(photo, f"asked: {photo.landmark or 'of no landmark'}"), second, third]


def _file(photo: Photo) -> str:
    return f"{photo.path.parent.name}/{photo.path.name}"


def _answer(failure: Failure) -> str:
    best = failure.best
    if best is None:
        return "UNKNOWN, nothing matched"
    state = "IDENTIFIED" if failure.result.recognition.identified else "UNKNOWN"
    return f"{state}: {best.landmark_id}, confidence {best.confidence:.3f}, {best.inliers} inliers"
