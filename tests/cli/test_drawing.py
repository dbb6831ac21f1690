"""Pictures of answers: that the outline and the matches are where they belong, in the colour of the outcome."""

from __future__ import annotations

import numpy as np
import pytest

from steeple.cli.canvas import AMBER, GREEN, RED, Colour, Image, in_ascii
from steeple.cli.drawing import AnswerPicture, draw_answer, draw_overview

GREY = 100


def picture(**changes: object) -> AnswerPicture:
    facts: dict[str, object] = {
        "headline": "",
        "detail": "",
        "verdict": "",
        "colour": GREEN,
        "query": np.full((300, 400, 3), GREY, np.uint8),
        "query_title": "",
        "reference": np.full((300, 400, 3), GREY, np.uint8),
    }
    return AnswerPicture(**(facts | changes))  # type: ignore[arg-type]


def coloured(image: Image, colour: Colour, tolerance: int = 40) -> np.ndarray:
    """bool[H, W]: where the picture has that colour."""
    return np.asarray((np.abs(image.astype(int) - colour) <= tolerance).all(axis=2))


def panels(image: Image) -> list[tuple[int, int, int, int]]:
    """Left, top, right, bottom of both photos, which are plain grey."""
    grey = (image == GREY).all(axis=2)
    half = image.shape[1] // 2
    boxes = []
    for start, part in ((0, grey[:, :half]), (half, grey[:, half:])):
        rows, columns = np.flatnonzero(part.any(axis=1)), np.flatnonzero(part.any(axis=0))
        boxes.append((start + int(columns[0]), int(rows[0]), start + int(columns[-1]) + 1, int(rows[-1]) + 1))
    return boxes


def test_the_outline_lies_where_the_landmark_is() -> None:
    corners = np.array([(100, 60), (300, 60), (300, 240), (100, 240)], np.float32)
    left, top, right, bottom = panels(draw_answer(picture()))[0]
    image = draw_answer(picture(outline=corners))
    scale = (right - left) / 400
    green = coloured(image, GREEN)
    rows, columns = np.flatnonzero(green.any(axis=1)), np.flatnonzero(green.any(axis=0))
    assert columns[0] == pytest.approx(left + 100.5 * scale, abs=3)
    assert columns[-1] == pytest.approx(left + 300.5 * scale, abs=3)
    assert rows[0] == pytest.approx(top + 60.5 * scale, abs=3)
    assert rows[-1] == pytest.approx(top + 240.5 * scale, abs=3)
    assert bottom - top == pytest.approx(300 * scale, abs=2)


def test_a_match_joins_its_two_ends() -> None:
    query_point, reference_point = np.array([(50, 40)], np.float32), np.array([(350, 260)], np.float32)
    boxes = panels(draw_answer(picture()))
    image = draw_answer(picture(query_points=query_point, reference_points=reference_point, colour=AMBER))
    amber = coloured(image, AMBER)
    scale = (boxes[0][2] - boxes[0][0]) / 400
    for (left, top, _, _), (x, y) in zip(boxes, (query_point[0], reference_point[0]), strict=True):
        centre_x, centre_y = round(left + (x + 0.5) * scale), round(top + (y + 0.5) * scale)
        assert amber[centre_y, centre_x]
    changed = (image != draw_answer(picture(colour=AMBER))).any(axis=2)
    middle = (boxes[0][2] + boxes[1][0]) // 2
    row = int(np.flatnonzero(changed[:, middle]).mean())
    expected = (boxes[0][1] + 40.5 * scale + boxes[1][1] + 260.5 * scale) / 2
    assert row == pytest.approx(expected, abs=4), "halfway between its ends"


def test_the_colour_of_the_outcome_is_on_the_caption() -> None:
    for colour in (GREEN, AMBER, RED):
        image = draw_answer(picture(headline="Sacré-Cœur  0.982", verdict="as expected", colour=colour))
        assert coloured(image, colour, 10)[:110].sum() > 300
        assert not any(coloured(image, other, 10)[:110].any() for other in {GREEN, AMBER, RED} - {colour})


def test_what_was_not_identified_is_faded() -> None:
    image = draw_answer(picture(faded=True))
    query, reference = image[300, 400], image[300, 1200]
    assert query.tolist() == [GREY] * 3
    assert reference.tolist() == [45] * 3


@pytest.mark.parametrize("shape", [(40, 4000, 3), (4000, 40, 3), (1, 1, 3), (2000, 3000, 3)])
@pytest.mark.parametrize("width", [700, 1600])
def test_any_photo_fits(shape: tuple[int, int, int], width: int) -> None:
    image = draw_answer(
        picture(
            query=np.full(shape, 255, np.uint8),
            reference=None,
            headline="A name that is far too long to fit into a caption of this width " * 3,
            outline=np.array([(-1e9, -1e9), (1e9, 0), (5, 1e9)], np.float32),
        ),
        width,
    )
    assert image.shape[1] == width
    assert image.dtype == np.uint8


def test_the_overview_holds_every_picture() -> None:
    one = draw_answer(picture(), 840)
    sheet = draw_overview("title", [picture(colour=colour, verdict="x") for colour in (GREEN, AMBER, RED)])
    assert sheet.shape == (84 + 2 * one.shape[0], 1680, 3)
    for colour in (GREEN, AMBER, RED):
        assert coloured(sheet, colour, 10).any()


@pytest.mark.parametrize(
    ("text", "ascii_text"),
    [("Sacré-Cœur", "Sacre-Coeur"), ("Łódź", "Lodz"), ("Straße", "Strasse"), ("清真寺", "???"), ("ﬁ", "fi")],
)
def test_names_are_spelt_in_the_letters_there_are(text: str, ascii_text: str) -> None:
    assert in_ascii(text) == ascii_text
