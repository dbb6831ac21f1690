"""Data sets whose file names say which photos belong together: INRIA Holidays and UKBench."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Final

from steeple.errors import InvalidArgumentError
from steeple.lab.datasets.files import photo_at, photos_by_name
from steeple.lab.photos import Benchmark, Grade, LabDataset, LabQuery

_HOLIDAYS: Final = re.compile(r"(1\d{3})(\d{2})")
_UKBENCH: Final = re.compile(r"ukbench(\d{5})")
_GROUP: Final = 4  # photos of an object in UKBench
_FOLDERS: Final = ("jpg", "full")  # of Holidays and UKBench; the latter has small copies elsewhere


def has_holidays(folder: Path) -> bool:
    """Whether it is Holidays."""
    return _has(folder, "1[0-9][0-9][0-9]0[0-9].jpg", _HOLIDAYS)


def has_ukbench(folder: Path) -> bool:
    """Whether it is UKBench."""
    return _has(folder, "ukbench[0-9]*.jpg", _UKBENCH)


def read_holidays(folder: Path) -> LabDataset:
    """Holidays (Jégou, Douze and Schmid, ECCV 2008): ``1GGGNN.jpg`` is photo NN of group 1GGG, and 00 is asked.

    The others of its group are right. What is asked is in the gallery, and passed over in its own ranking.

    Raises:
        InvalidArgumentError: If a file has another name, or a group has no photo 00 or no other.
    """
    paths = photos_by_name(folder, _FOLDERS)
    groups: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for place, name in enumerate(paths):
        group, number = _parts(_HOLIDAYS, name, "1GGGNN.jpg")
        groups[group][number] = place
    gallery = tuple(photo_at(folder, path) for path in paths.values())
    queries = []
    for group, places in groups.items():
        if "00" not in places or len(places) < 2:
            raise InvalidArgumentError(f"group {group} below {folder} needs a photo {group}00 and another")
        grades = {place: Grade.JUNK if number == "00" else Grade.EASY for number, place in places.items()}
        queries.append(LabQuery(gallery[places["00"]], group, "", grades))
    return LabDataset(
        folder.resolve().name, gallery, ("",) * len(gallery), tuple(queries), benchmark=Benchmark.RETRIEVAL
    )


def read_ukbench(folder: Path) -> LabDataset:
    """UKBench (Nistér and Stewénius, CVPR 2006): ``ukbenchNNNNN.jpg``, four by four of one object.

    Each photo is asked, and all are searched; it is itself among the four that are right.

    Raises:
        InvalidArgumentError: If a file has another name, or a group is not of four photos.
    """
    paths = photos_by_name(folder, _FOLDERS)
    groups: defaultdict[int, list[int]] = defaultdict(list)
    numbers = [int(_parts(_UKBENCH, name, "ukbenchNNNNN.jpg")[0]) // _GROUP for name in paths]
    for place, group in enumerate(numbers):
        groups[group].append(place)
    for group, places in groups.items():
        if len(places) != _GROUP:
            first = f"ukbench{group * _GROUP:05}"
            raise InvalidArgumentError(f"below {folder} are {len(places)} of the four photos from {first} on")
    gallery = tuple(photo_at(folder, path) for path in paths.values())
    queries = tuple(
        LabQuery(photo, str(group), "", dict.fromkeys(groups[group], Grade.EASY))
        for photo, group in zip(gallery, numbers, strict=True)
    )
    return LabDataset(folder.resolve().name, gallery, ("",) * len(gallery), queries, benchmark=Benchmark.UKBENCH)


def _has(folder: Path, pattern: str, name: re.Pattern[str]) -> bool:
    places = (folder, *(folder / each for each in _FOLDERS))
    return any(name.fullmatch(path.stem) for place in places for path in place.glob(pattern))


def _parts(pattern: re.Pattern[str], name: str, form: str) -> tuple[str, ...]:
    found = pattern.fullmatch(name)
    if not found:
        raise InvalidArgumentError(f"{name} is not named {form}, as the photos of this data set are")
    return found.groups()
