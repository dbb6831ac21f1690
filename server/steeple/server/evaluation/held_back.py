"""The photos that a training run did not see, as a data set: what its model's confidence is calibrated on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from steeple.delf.photo_files import evenly, photos_below
from steeple.delf.training.photos import is_held_back
from steeple.errors import InvalidArgumentError
from steeple.server.evaluation.dataset import Dataset, Photo, Role

_REFERENCES: Final = 5
_QUERIES: Final = 60
_FILLERS: Final = 160


def held_back(folder: Path, landmarks: Sequence[str], share: float) -> Dataset:
    """Of one folder per landmark, those that were held back.

    Of each landmark, 5 photos evenly spaced by name are references and at most 60 others are queries. The photos
    of no landmark that were held back are distractors. Fillers are photos of the landmarks that were trained on: they
    show buildings, and none of them can be what a distractor shows, which photos of one heap may.

    Args:
        folder: What was trained on.
        landmarks: Held back.
        share: Of the photos of no landmark.

    Raises:
        InvalidArgumentError: If nothing was held back.
    """
    photos: list[Photo] = []
    trained: list[Path] = []
    for entry in sorted(path for path in folder.glob("[!.]*") if path.is_dir()):
        found = photos_below(entry)
        if entry.name.startswith("_"):
            photos += [Photo(path, "", Role.DISTRACTOR, "") for path in found if is_held_back(path, share)]
        elif entry.name in landmarks and len(found) > 1:
            references = evenly(found, min(_REFERENCES, len(found) // 2))
            others = [path for path in found if path not in set(references)]
            photos += [Photo(path, entry.name, Role.REFERENCE, "") for path in references]
            photos += [Photo(path, entry.name, Role.QUERY, "") for path in evenly(others, _QUERIES)]
        else:
            trained += found
    if {photo.role for photo in photos} != {Role.REFERENCE, Role.QUERY, Role.DISTRACTOR}:
        raise InvalidArgumentError(
            "the run held back too little to calibrate the confidence on: give --calibration, or train with "
            "--hold-back LANDMARK and --hold-back-share"
        )
    photos += [Photo(path, "", Role.FILLER, "") for path in evenly(trained, _FILLERS)]
    return Dataset(tuple(photos))
