"""Pairs of photos with known homographies, from a CSV file."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from steeple.delf.homographies import Homography
from steeple.errors import InvalidArgumentError

_NUMBERS: Final = tuple(f"h{row}{column}" for row in (1, 2, 3) for column in (1, 2, 3))
COLUMNS: Final = ("query", "reference", *_NUMBERS)
"""Of the file."""


@dataclass(frozen=True, eq=False)
class KnownPair:
    """Two photos and how one is mapped on to the other.

    Attributes:
        query: File.
        reference: File.
        homography: float64[3, 3]; maps pixels of the reference photo to those of the query.
    """

    query: Path
    reference: Path
    homography: Homography


def read_pairs(file: Path) -> list[KnownPair]:
    """The pairs of a CSV file with the columns :data:`COLUMNS`; others are passed over.

    ``query`` and ``reference`` are paths relative to the file; ``h11`` to ``h33`` are the rows of the matrix that
    maps pixels of the reference photo to those of the query, both as large as in their files, EXIF orientation
    applied. The centre of the top left pixel is (0, 0).

    Raises:
        InvalidArgumentError: If the file cannot be read or has no pair, a column is missing, a photo not there, or a
            row's numbers are no homography; the text says where.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines, restkey="", restval="")
            missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
            if missing:
                raise InvalidArgumentError(
                    f"{file} lacks the columns {', '.join(missing)}; its first line must have {','.join(COLUMNS)}"
                )
            pairs = [_pair(file.parent, row, f"{file}, line {reader.line_num}") for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidArgumentError(f"{file} cannot be read as CSV in UTF-8: {error}") from error
    if not pairs:
        raise InvalidArgumentError(f"{file} lists no pair of photos below its first line")
    return pairs


def _pair(folder: Path, row: Mapping[str, str], where: str) -> KnownPair:
    if "" in row:
        raise InvalidArgumentError(f"{where}: more values than columns; put a path that has a comma into quotes")
    query, reference = folder / row["query"], folder / row["reference"]
    for path in (query, reference):
        if not path.is_file():
            raise InvalidArgumentError(f"{where}: there is no file {path}")
    homography = np.array([_number(row[name], name, where) for name in _NUMBERS]).reshape(3, 3)
    if np.linalg.matrix_rank(homography) < 3:
        raise InvalidArgumentError(f"{where}: the matrix h11 to h33 is singular; it maps no photo on to another")
    return KnownPair(query, reference, homography)


def _number(text: str, name: str, where: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InvalidArgumentError(f"{where}: {name} must be a number, not {text!r}")
    return number
