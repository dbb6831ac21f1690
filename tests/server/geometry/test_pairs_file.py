"""Files of pairs of photos with known homographies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from steeple.errors import InvalidArgumentError
from steeple.server.geometry import read_pairs

HEADER = "query,reference,h11,h12,h13,h21,h22,h23,h31,h32,h33"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(b"")
    return tmp_path


def write(folder: Path, *lines: str) -> Path:
    file = folder / "pairs.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def test_the_matrix_is_read_row_by_row(folder: Path) -> None:
    (pair,) = read_pairs(write(folder, HEADER, "a.jpg,b.jpg,1,2,3,4,5,6.5,1e-4,-8,9"))
    assert (pair.query, pair.reference) == (folder / "a.jpg", folder / "b.jpg")
    assert pair.homography.tolist() == [[1, 2, 3], [4, 5, 6.5], [1e-4, -8, 9]]


def test_columns_are_found_by_name(folder: Path) -> None:
    """Also from a spreadsheet, with a byte order mark, another order and a column of its own."""
    file = folder / "pairs.csv"
    lines = [",".join(["note", *reversed(HEADER.split(","))]), "x,1,0,0,-40,1,0,100,0,1,b.jpg,a.jpg"]
    file.write_text("\n".join(lines), encoding="utf-8-sig")
    (pair,) = read_pairs(file)
    assert pair.query.name == "a.jpg"
    assert np.array_equal(pair.homography, [[1, 0, 100], [0, 1, -40], [0, 0, 1]])


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["query,reference,h11", "a.jpg,b.jpg,1"], "lacks the columns h12, h13"),
        ([""], "lacks the columns query"),
        ([HEADER], "lists no pair"),
        ([HEADER, "a.jpg,b.jpg,1,0,0,0,1,0,0,0"], "line 2: h33 must be a number, not ''"),
        ([HEADER, "a.jpg,b.jpg,1,0,0,0,one,0,0,0,1"], "line 2: h22 must be a number, not 'one'"),
        ([HEADER, "a.jpg,b.jpg,1,0,nan,0,1,0,0,0,1"], "h13 must be a number"),
        ([HEADER, "a.jpg,b.jpg,1,0,0,0,1,0,0,0,1,7"], "line 2: more values than columns"),
        ([HEADER, "a.jpg,b.jpg,1,0,0,0,1,0,0,0,1", "c.jpg,b.jpg,1,0,0,0,1,0,0,0,1"], "line 3: there is no file"),
        ([HEADER, ",b.jpg,1,0,0,0,1,0,0,0,1"], "line 2: there is no file"),
        ([HEADER, "a.jpg,b.jpg,1,2,3,2,4,6,0,0,1"], "line 2: the matrix h11 to h33 is singular"),
        ([HEADER, "a.jpg,b.jpg,0,0,0,0,0,0,0,0,0"], "singular"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(lines: list[str], says: str, folder: Path) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        read_pairs(write(folder, *lines))
    assert says in error.value.message
    assert "pairs.csv" in error.value.message


def test_a_large_shift_is_not_singular(folder: Path) -> None:
    file = write(folder, HEADER, "a.jpg,b.jpg,0.1,0,4000,0,0.1,3000,0,0,1")
    assert len(read_pairs(file)) == 1


def test_a_file_that_cannot_be_read_is_said(folder: Path) -> None:
    (folder / "latin.csv").write_bytes(HEADER.encode() + b"\n\xe9.jpg,b.jpg,1,0,0,0,1,0,0,0,1")
    for name in ("latin.csv", "none.csv"):
        with pytest.raises(InvalidArgumentError, match=rf"{name} cannot be read"):
            read_pairs(folder / name)
