"""Anyone's photos: manifest.csv, or one folder per landmark, as ``steeple evaluate`` reads them."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from steeple.lab.datasets.files import photo_at
from steeple.lab.photos import Grade, LabDataset, LabQuery
from steeple.server.evaluation.dataset import MANIFEST, Dataset


def has_manifest(folder: Path) -> bool:
    """Whether it is such a data set."""
    return (folder / MANIFEST).is_file()


def read_manifest(folder: Path) -> LabDataset:
    """From ``manifest.csv`` with the columns path, landmark, role and tier; paths are relative to the folder.

    The references of a query's landmark are right, all other photos wrong; a distractor has no right photo.

    Raises:
        InvalidArgumentError: As :meth:`steeple.server.evaluation.Dataset.from_manifest`.
    """
    return _lab_dataset(folder, Dataset.from_manifest(folder))


def read_folders(folder: Path) -> LabDataset:
    """From one folder per landmark; folders whose name begins with ``_`` hold photos of none.

    Which photos are references and which are asked is chosen as
    :meth:`steeple.server.evaluation.Dataset.from_folders` says.

    Raises:
        InvalidArgumentError: If there is no landmark with two photos.
    """
    return _lab_dataset(folder, Dataset.from_folders(folder))


def _lab_dataset(folder: Path, dataset: Dataset) -> LabDataset:
    gallery = dataset.gallery
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, photo in enumerate(gallery):
        places[photo.landmark].append(place)
    return LabDataset(
        name=folder.resolve().name,
        gallery=tuple(photo_at(folder, photo.path) for photo in gallery),
        landmarks=tuple(photo.landmark for photo in gallery),
        queries=tuple(
            LabQuery(
                photo_at(folder, photo.path),
                photo.landmark,
                photo.tier,
                dict.fromkeys(places[photo.landmark], Grade.EASY) if photo.landmark else {},
            )
            for photo in dataset.queries
        ),
    )
