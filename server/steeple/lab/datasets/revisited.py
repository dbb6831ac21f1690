"""Revisited Oxford and Paris (Radenović, Iscen, Tolias, Avrithis and Chum, CVPR 2018)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import scipy.io

from steeple.errors import InvalidArgumentError
from steeple.lab.datasets.files import boxed, needed, photo_at, photos_by_name
from steeple.lab.datasets.pickled import read_pickle
from steeple.lab.photos import Benchmark, Box, Grade, LabDataset, LabQuery

_GRADES: Final = (Grade.EASY, Grade.HARD, Grade.JUNK)
_PARTS: Final = ("imlist", "qimlist", "gnd")
_FOLDERS: Final = ("jpg",)
_FAR: Final = 1e9  # beyond any position or pixel


def has_revisited(folder: Path) -> bool:
    """Whether it is such a data set."""
    return bool(_files(folder))


def read_revisited(folder: Path) -> LabDataset:
    """From ``gnd_roxford5k.pkl`` or ``gnd_rparis6k.pkl`` (or ``.mat``), and ``jpg/NAME.jpg``.

    The file is a dict of ``imlist`` and ``qimlist``, names of photos without suffix, and ``gnd``, for each query a
    dict of ``bbx`` (left, top, right, bottom) and ``easy``, ``hard`` and ``junk``, positions in ``imlist``, from 0 (in
    MATLAB's from 1). No photo
    of the gallery has a landmark: that they answer a query is what a method has to find.

    Raises:
        InvalidArgumentError: If the file is not there or malformed (it is a pickle, of which nothing is run), or
            photos are missing.
    """
    files = _files(folder)
    if len(files) != 1:
        raise InvalidArgumentError(f"{folder} has {len(files)} files gnd_*.pkl and gnd_*.mat; one says what is right")
    (file,) = files
    table = read_pickle(file) if file.suffix == ".pkl" else _matlab(file)
    if not isinstance(table, dict) or not all(isinstance(table.get(part), list) for part in _PARTS):
        raise InvalidArgumentError(f"{file} is no ground truth: it lacks the lists {', '.join(_PARTS)}")
    names, asked, truth = (table[part] for part in _PARTS)
    if (
        len(asked) != len(truth)
        or not all(isinstance(name, str) for name in (*names, *asked))
        or not all(isinstance(entry, dict) for entry in truth)
    ):
        raise InvalidArgumentError(f"{file} is no ground truth: it needs names, and one dict for each query")
    photos = photos_by_name(folder, _FOLDERS)
    gallery = [photo_at(folder, path) for path in needed(photos, names, folder)]
    queries = []
    for name, path, entry in zip(asked, needed(photos, asked, folder), truth, strict=True):
        where = f"{file}, query {name}"
        grades = _grades(entry, len(names), where)
        photo, box = photo_at(folder, path), _box(entry, where)
        queries.append(LabQuery(boxed(photo, box) if box else photo, name.rpartition("_")[0] or name, "", grades))
    return LabDataset(
        file.stem.removeprefix("gnd_"),
        tuple(gallery),
        ("",) * len(gallery),
        tuple(queries),
        benchmark=Benchmark.REVISITED,
    )


def _files(folder: Path) -> list[Path]:
    return sorted((*folder.glob("gnd_*.pkl"), *folder.glob("gnd_*.mat")))


def _matlab(file: Path) -> dict[str, object]:
    """The same table as the pickle's; MATLAB counts from 1, and writes one thing as a thing rather than a list."""
    try:
        table = scipy.io.loadmat(file, simplify_cells=True, variable_names=_PARTS)
    except (OSError, ValueError, TypeError, LookupError, NotImplementedError, scipy.io.matlab.MatReadError) as error:
        raise InvalidArgumentError(f"{file} cannot be read as a file of MATLAB's: {error}") from error
    truth = table.get("gnd")
    entries = [truth] if isinstance(truth, dict) else np.asarray(truth, object).tolist()
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            numbers = {str(grade): np.atleast_1d(entry.get(str(grade), ())) for grade in _GRADES}
            entry |= {name: each - 1 if each.dtype.kind in "iuf" else each for name, each in numbers.items()}
    names = {part: np.atleast_1d(np.asarray(table.get(part, ()), object)).tolist() for part in _PARTS[:2]}
    return {**names, "gnd": entries}


def _grades(entry: Mapping[str, object], photos: int, where: str) -> Mapping[int, Grade]:
    grades: dict[int, Grade] = {}
    for grade in _GRADES:
        for key in _numbers(entry.get(str(grade), []), f"{where}, {grade}"):
            if key != int(key) or not 0 <= key < photos:
                raise InvalidArgumentError(f"{where}, {grade}: {key:g} is no position among {photos} photos")
            if grades.setdefault(int(key), grade) is not grade:
                raise InvalidArgumentError(f"{where}: photo {key:g} is both {grades[int(key)]} and {grade}")
    return grades


def _box(entry: Mapping[str, object], where: str) -> Box | None:
    if entry.get("bbx") is None:
        return None
    sides = _numbers(entry["bbx"], f"{where}, bbx")
    if len(sides) != 4:
        raise InvalidArgumentError(f"{where}, bbx: {len(sides)} numbers are not left, top, right, bottom")
    left, top, right, bottom = sides
    return left, top, right, bottom


def _numbers(values: object, where: str) -> list[float]:
    """Of a list or an array of whatever shape."""
    items = values.ravel().tolist() if isinstance(values, np.ndarray) else values
    if not isinstance(items, list) or not all(isinstance(item, int | float) for item in items):
        raise InvalidArgumentError(f"{where}: a list of numbers is needed")
    if not all(abs(item) < _FAR for item in items):  # NaN is not
        raise InvalidArgumentError(f"{where}: no photo has such numbers")
    return [float(item) for item in items]
