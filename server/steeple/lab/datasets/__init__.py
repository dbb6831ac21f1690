"""Data sets of image search, read as they are published. None is downloaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from steeple.lab.datasets.manifest import has_manifest, read_folders, read_manifest
from steeple.lab.datasets.opening import Format, check, open_in
from steeple.lab.photos import LabDataset

__all__ = ["FORMATS", "Format", "check", "open_dataset"]

FORMATS: Final[Mapping[str, Format]] = {
    "manifest": Format(
        "Your photos",
        "",
        "manifest.csv (path, landmark, role, tier) and the photos it names",
        has_manifest,
        read_manifest,
    ),
    "folders": Format(
        "Your photos",
        "",
        "one folder of photos per landmark, folders of others beginning with _",
        lambda folder: any(folder.glob("[!.]*/*.*")),
        read_folders,
    ),
}
"""What :func:`open_dataset` reads, by name; a folder is of the first that recognises it."""


def open_dataset(
    path: Path,
    format: str | None = None,
    *,
    training: Path | str | None = None,
    training_limit: int | None = None,
    **options: object,
) -> LabDataset:
    """Reads a data set.

    Args:
        path: Its folder.
        format: One of :data:`FORMATS`; None: what the folder looks like.
        training: A folder of other photos, in any layout, that codebooks and the like are fitted on.
        training_limit: How many of them, evenly spaced by path; None: all.
        options: Of the format.

    Raises:
        InvalidArgumentError: If it is of no known layout (the text has them all), files are missing or malformed, an
            option is unknown, or a training photo is also asked or searched.
    """
    return open_in(FORMATS, path, format, training=training, training_limit=training_limit, **options)
