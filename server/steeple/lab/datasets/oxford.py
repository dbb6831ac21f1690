"""Oxford5k and Paris6k (Philbin, Chum, Isard, Sivic and Zisserman, CVPR 2007 and 2008)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from steeple.errors import InvalidArgumentError
from steeple.lab.datasets.files import boxed, lines, needed, photo_at, photos_by_name
from steeple.lab.photos import Benchmark, Grade, LabDataset, LabPhoto, LabQuery

_QUERY: Final = "_query.txt"
_PREFIX: Final = "oxc1_"  # of a program's names, which Oxford's query files have before the photo's
_GRADES: Final = {"good": Grade.EASY, "ok": Grade.HARD, "junk": Grade.JUNK}
_FOLDERS: Final = ("oxbuild_images", "images", "jpg", "paris")


def has_oxford(folder: Path) -> bool:
    """Whether it is such a data set."""
    return bool(_query_files(folder))


def read_oxford(folder: Path) -> LabDataset:
    """From ``NAME_query.txt``, ``NAME_good.txt``, ``NAME_ok.txt`` and ``NAME_junk.txt``, and photos by their names.

    The query file holds the name of a photo, which may begin with ``oxc1_``, and left, top, right and bottom of what
    is meant in it; the others hold names, one a line. Good and ok are right. The photo that is asked is in the gallery
    and counts, as in the papers. No photo of the gallery has a landmark: that they answer a query is what a method
    has to find.

    Raises:
        InvalidArgumentError: If a file is missing or malformed, or photos are missing.
    """
    files = _query_files(folder)
    if not files:
        raise InvalidArgumentError(f"{folder} has no files NAME{_QUERY}, which say what is asked")
    paths = photos_by_name(folder, _FOLDERS)
    places = {name: place for place, name in enumerate(paths)}
    return LabDataset(
        folder.resolve().name,
        tuple(photo_at(folder, path) for path in paths.values()),
        ("",) * len(paths),
        tuple(_query(folder, file, paths, places) for file in files),
        benchmark=Benchmark.RETRIEVAL,
    )


def _query_files(folder: Path) -> list[Path]:
    """In the folder, or in one of its own."""
    return sorted(folder.glob(f"*{_QUERY}")) or sorted(folder.glob(f"*/*{_QUERY}"))


def _query(folder: Path, file: Path, paths: dict[str, Path], places: dict[str, int]) -> LabQuery:
    query = file.name.removesuffix(_QUERY)
    grades: dict[int, Grade] = {}
    for kind, grade in _GRADES.items():
        names = lines(file.with_name(f"{query}_{kind}.txt"))
        needed(paths, names, folder)
        grades |= {places[name]: grade for name in names if places[name] not in grades}
    return LabQuery(_asked(folder, file, paths), re.sub(r"_\d+$", "", query), "", grades)


def _asked(folder: Path, file: Path, paths: dict[str, Path]) -> LabPhoto:
    words = " ".join(lines(file)).split()
    try:
        name, left, top, right, bottom = words[0], *(float(word) for word in words[1:])
    except (IndexError, ValueError) as error:
        raise InvalidArgumentError(f"{file} does not hold a photo, left, top, right and bottom") from error
    (path,) = needed(paths, [name.removeprefix(_PREFIX)], folder)
    return boxed(photo_at(folder, path), (left, top, right, bottom))
