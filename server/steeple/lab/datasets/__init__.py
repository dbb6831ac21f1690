"""Data sets of image search, read as they are published. None is downloaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from steeple.lab.datasets.google_landmarks import has_google_landmarks, read_google_landmarks
from steeple.lab.datasets.manifest import has_manifest, read_folders, read_manifest
from steeple.lab.datasets.numbered import has_holidays, has_ukbench, read_holidays, read_ukbench
from steeple.lab.datasets.opening import Format, check, open_in
from steeple.lab.datasets.oxford import has_oxford, read_oxford
from steeple.lab.datasets.revisited import has_revisited, read_revisited
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
    "revisited": Format(
        "Revisited Oxford and Paris",
        "Radenović et al., CVPR 2018",
        "gnd_roxford5k.pkl or gnd_rparis6k.pkl (or .mat), and jpg/NAME.jpg",
        has_revisited,
        read_revisited,
    ),
    "oxford": Format(
        "Oxford5k, Paris6k",
        "Philbin et al., CVPR 2007 and 2008",
        "NAME_query.txt, NAME_good.txt, NAME_ok.txt and NAME_junk.txt, in a folder of theirs, and the photos",
        has_oxford,
        read_oxford,
    ),
    "holidays": Format(
        "INRIA Holidays",
        "Jégou et al., ECCV 2008",
        "1GGGNN.jpg, in jpg if that is there; 1GGG00 is asked for the others of 1GGG",
        has_holidays,
        read_holidays,
    ),
    "ukbench": Format(
        "UKBench",
        "Nistér and Stewénius, CVPR 2006",
        "ukbenchNNNNN.jpg, in full if that is there; four by four of one object",
        has_ukbench,
        read_ukbench,
    ),
    "google-landmarks": Format(
        "Google Landmarks v2",
        "Weyand et al., CVPR 2020",
        "retrieval_solution_v2.1.csv and index.csv, or recognition_solution_v2.1.csv and train_clean.csv; photos in "
        "train, index and test, as a/b/c/abcID.jpg",
        has_google_landmarks,
        read_google_landmarks,
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
