"""Makes a model release of a training run: network and codebook first, then the calibration."""

from __future__ import annotations

import itertools
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from steeple.delf import ModelRelease, photo_files
from steeple.delf.progress import Progress
from steeple.delf.release import MANIFEST
from steeple.delf.release_files import set_calibration
from steeple.errors import AlreadyExistsError, InvalidArgumentError
from steeple.server import calibration
from steeple.server.evaluation import Dataset, Trial
from steeple.server.evaluation.budgets import of_all_lengths
from steeple.server.evaluation.held_back import held_back
from steeple.server.index import FaissIndex

_EXTRACTORS: Final = 2  # photos extracted at a time


def export_run(
    exporter: ModuleType,
    run: Path,
    data: Path,
    output: Path,
    name: str,
    known: Path | None,
    index: str | None,
    in_float: bool,
    force: bool,
    progress: Progress,
) -> ModelRelease:
    """Makes a release in ``output``. Until it is finished, nothing there changes.

    Args:
        exporter: :mod:`steeple.delf.export.release`, which needs TensorFlow.
        run: Folder of a finished training run.
        data: The photos it was trained on.
        output: The release's folder; made if missing.
        name: Of the release.
        known: Photos with known answers, to fit the calibration on; None for what the run held back.
        index: FAISS factory string; None for the default.
        in_float: Whether the .tflite computes in float32.
        force: Whether a release that is there may go.
        progress: Told how far it is.

    Raises:
        AlreadyExistsError: If there is a release in ``output``.
        InvalidArgumentError: If ``run`` is not a finished run, ``data`` other photos, or there are no known answers.
    """
    if (output / MANIFEST).exists() and not force:
        raise AlreadyExistsError(f"{output} holds a release; choose another folder, or replace it with --force")
    network, facts, photos = exporter.finished_run(run, data)
    recipe = facts["recipe"]
    # Before the long work: what is wrong with it is said at once.
    dataset = Dataset.open(known) if known else held_back(data, recipe["held_back"], recipe["held_back_share"])
    parameters = exporter.ReleaseParameters(name, in_float=in_float)
    if index is not None:
        parameters = replace(parameters, index=replace(parameters.index, factory=index))
    with _folder_beside(output) as aside:
        release = exporter.export(network, parameters, photos, aside, {"training": facts}, progress)
        trial = Trial(dataset, release, FaissIndex(release), progress, extractors=_EXTRACTORS)
        results = list(itertools.chain(*of_all_lengths(trial, release, progress)))
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
