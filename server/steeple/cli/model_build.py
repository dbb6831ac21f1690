"""Makes a model release: network and codebook first, then the calibration on photos with known answers."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from steeple.delf import ModelRelease, photo_files
from steeple.delf.release import MANIFEST
from steeple.delf.release_files import set_calibration
from steeple.errors import AlreadyExistsError, InvalidArgumentError
from steeple.server import calibration
from steeple.server.evaluation import Dataset, Progress, answer_all
from steeple.server.index import FaissIndex

_EXTRACTORS: Final = 2  # photos extracted at a time


def build(
    network: Callable[[Path, Path, Progress], ModelRelease],
    photos: Path,
    known: Path,
    output: Path,
    progress: Progress,
    *,
    replace: bool = False,
) -> ModelRelease:
    """Makes a release in ``output``. Until it is finished, nothing there changes.

    Args:
        network: Makes all but the calibration from photos into a folder, as ``steeple.delf.export.base.build`` does.
        photos: To fit projection, quantization and codebook on.
        known: Photos with known answers, to fit the calibration on.
        output: The release's folder; made if missing.
        progress: Told how far it is.
        replace: Whether a release that is there may go.

    Raises:
        AlreadyExistsError: If there is a release in ``output``.
        InvalidArgumentError: If ``known`` has no known answers, or ``output`` cannot be written.
    """
    if (output / MANIFEST).exists() and not replace:
        raise AlreadyExistsError(f"{output} holds a release; choose another folder, or replace it with --force")
    dataset = Dataset.open(known)  # before the long work: what is wrong with it is said at once
    with _folder_beside(output) as aside:
        release = network(photos, aside, progress)
        results = answer_all(dataset, release, FaissIndex(release), progress, extractors=_EXTRACTORS)
        set_calibration(aside, calibration.fit(results), _provenance(dataset))
        (output / MANIFEST).unlink(missing_ok=True)  # from here to the end there is no release, rather than half
        for file in sorted(aside.iterdir(), key=lambda file: file.name == MANIFEST):
            file.replace(output / file.name)
    return ModelRelease.load(output)


@contextmanager
def _folder_beside(output: Path) -> Iterator[Path]:
    try:
        output.mkdir(parents=True, exist_ok=True)
        aside = tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}-")
    except OSError as error:
        raise InvalidArgumentError(f"{output} cannot be written: {error.strerror}; choose another folder") from error
    with aside as folder:
        yield Path(folder)


def _provenance(dataset: Dataset) -> dict[str, Any]:
    digest = photo_files.digest(photo.path for photo in dataset.photos)
    return {"photos": {**Counter(photo.role.value for photo in dataset.photos), "sha256": digest}}
