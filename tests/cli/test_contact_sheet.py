"""The contact sheet: that each failure's photos are in their places, and that what is left out is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from steeple.cli.canvas import AMBER, RED, VIOLET, Colour, Image
from steeple.cli.contact_sheet import draw_sheet
from steeple.recognition import Candidate, Recognition
from steeple.server.evaluation import Dataset, Failure, FailureKind, Photo, QueryResult, Role
from tests.scenes import encoded

ASKED, ANSWER, RIGHT = (10, 120, 250), (20, 160, 20), (200, 30, 160)
CELL = 900


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """A reference photo of each of two landmarks, a query and a distractor, each of one colour."""

    def photo(name: str, colour: Colour, landmark: str, role: Role) -> Photo:
        path = tmp_path / f"{name}.png"
        path.write_bytes(encoded(np.full((90, 120, 3), colour, np.uint8), ".png"))
        return Photo(path, landmark, role, "")

    return Dataset(
        (
            photo("clock", RIGHT, "clock", Role.REFERENCE),
            photo("bridge", ANSWER, "bridge", Role.REFERENCE),
            photo("query", ASKED, "clock", Role.QUERY),
            photo("stranger", ASKED, "", Role.DISTRACTOR),
        )
    )


def failure(photo: Photo, key: int | None, kind: FailureKind) -> Failure:
    none = np.empty((0, 2), np.float32)
    names = ("clock", "bridge")
    candidates = () if key is None else (Candidate(names[key], key, 0.7, 20, 30, {}, np.eye(3), none, none, none),)
    return Failure(QueryResult(photo, Recognition(False, candidates, 9, 0.0, 0.0), 0.0, 0), kind)


def quiet(stage: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""


def thirds(cell: Image, colour: Colour) -> list[int]:
    """Which of the three panels of a cell are of that colour."""
    found = (np.abs(cell.astype(int) - colour) <= 3).all(axis=2)
    return [number for number, part in enumerate(np.array_split(found, 3, axis=1)) if part.mean() > 0.3]


def test_the_photos_of_a_failure_stand_side_by_side(dataset: Dataset) -> None:
    wrong = failure(dataset.queries[0], 1, FailureKind.WRONG_CANDIDATE)
    sheet = draw_sheet(dataset, [wrong], quiet)
    cell = sheet[84:, :CELL]
    assert [thirds(cell, colour) for colour in (ASKED, ANSWER, RIGHT)] == [[0], [1], [2]]
    assert thirds(sheet[84:, CELL:], ASKED) == []


def test_where_there_is_no_photo_none_is_shown(dataset: Dataset) -> None:
    query, stranger = dataset.queries
    failures = [
        failure(stranger, 0, FailureKind.STRANGER_NAMED),
        failure(query, None, FailureKind.NO_CANDIDATE),
        failure(query, 0, FailureKind.UNSURE),
    ]
    sheet = draw_sheet(dataset, failures, quiet)
    height = (len(sheet) - 84) // 2
    cells = [sheet[84 + height * row : 84 + height * (row + 1)] for row in range(2)]
    first, second, third = cells[0][:, :CELL], cells[0][:, CELL:], cells[1][:, :CELL]
    assert (thirds(first, ASKED), thirds(first, RIGHT)) == ([0], [1])
    assert (thirds(second, ASKED), thirds(second, RIGHT)) == ([0], [2])
    assert (thirds(third, ASKED), thirds(third, RIGHT)) == ([0], [1])
    for cell, colour in ((first, RED), (second, AMBER), (third, VIOLET)):
        assert (np.abs(cell[:60].astype(int) - colour) <= 10).all(axis=2).sum() > 100, "the caption tells the kind"


def test_what_does_not_fit_is_left_out_and_said(dataset: Dataset) -> None:
    wrong = failure(dataset.queries[0], 1, FailureKind.WRONG_CANDIDATE)
    steps: list[tuple[str, int, int]] = []
    every = draw_sheet(dataset, [wrong] * 5, lambda *step: steps.append(step))
    some = draw_sheet(dataset, [wrong] * 5, quiet, most=2)
    assert steps == [("contact sheet", done, 5) for done in range(6)]
    assert len(every) - 84 == 3 * (len(some) - 84)
    assert (every[:84] != some[:84]).any(), "the title says so"
    assert (some[84:, :CELL] == every[84 : len(some), :CELL]).all(), "the first stay"


def test_a_sheet_without_failures_is_its_title(dataset: Dataset) -> None:
    sheet = draw_sheet(dataset, [], quiet)
    assert sheet.shape == (84, 1800, 3)
    assert sheet.max() > 200
