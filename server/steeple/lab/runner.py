"""Runs the systems of an experiment, one after the other; what is finished stays finished."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from steeple.delf.progress import Progress
from steeple.errors import DataLossError, InvalidArgumentError, SteepleError
from steeple.lab.answers import SystemAnswers, judged, load_answers, store_answers
from steeple.lab.cache import FeatureCache
from steeple.lab.experiment import Experiment
from steeple.lab.parts import Parts
from steeple.lab.photo_set import ShownDataset
from steeple.lab.pipeline import answer, check_parts
from steeple.lab.product import answer_as_product
from steeple.lab.results import ResultsWriter, SystemResult
from steeple.lab.subset import some_photos
from steeple.lab.systems import System, chosen, fingerprint

_SYSTEMS: Final = "systems"
_FORMAT: Final = 2  # of what is computed of answers: another number makes all systems run again


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        results: What is in ``results.json``.
        failed: Names of the systems that failed.
        reused: Names of those whose answers are of an earlier run.
    """

    results: dict[str, Any]
    failed: tuple[str, ...]
    reused: tuple[str, ...]


def answers_path(folder: Path, system: str) -> Path:
    """Where a run keeps the answers of a system."""
    return folder / _SYSTEMS / f"{system}.parquet"


def run_experiment(
    experiment: Experiment,
    folder: Path,
    parts: Parts,
    cache: FeatureCache,
    progress: Progress,
    *,
    only: Sequence[str] = (),
    photos: int = 0,
    finished: Callable[[SystemResult], None] = lambda result: None,
) -> Run:
    """Runs the systems whose answers the folder does not have yet, and writes the results of all that it has.

    The run can be killed at any time; the next one goes on where it was. A system whose parts, code or photos are
    other ones runs again. One that fails does not stop the others.

    Args:
        experiment: What to run.
        folder: Of the run; made if it is not there.
        parts: What systems are made of.
        cache: Where features are kept.
        progress: Told how far it is.
        only: Names of the systems to run; the others are only reported if they ran before. Empty: all.
        photos: Run on so many photos of the gallery and so many queries at most, to see whether it works; 0: all.
        finished: Told of each system when it is done.

    Raises:
        InvalidArgumentError: If the data set cannot be read, a name is of no system, or parameters make no sense.
        UnavailableError: If a file cannot be written.
    """
    asked = set(only and [system.name for system in chosen(only, experiment.systems, "--only")])
    _check(experiment, parts)
    dataset = experiment.dataset.open()
    shown = ShownDataset.of(some_photos(dataset, photos) if photos else dataset, experiment.photo_size, progress)
    writer = ResultsWriter(folder, experiment, shown, parts)
    results: list[SystemResult] = []
    for system in experiment.systems:
        identity = fingerprint([_FORMAT, system.identity, shown.digest])
        kept = _kept(answers_path(folder, system.name), identity)
        if kept is not None:
            result = SystemResult(system, kept, reused=True)
        elif asked and system.name not in asked:
            continue
        else:
            result = _run(system, identity, folder, shown, parts, cache, progress)
        results.append(result)
        writer.write(results)
        finished(result)
    return Run(
        writer.write(results),
        tuple(result.system.name for result in results if result.error),
        tuple(result.system.name for result in results if result.reused),
    )


def _check(experiment: Experiment, parts: Parts) -> None:
    for system in experiment.systems:
        try:
            check_parts(system, parts)
        except InvalidArgumentError:
            raise
        except (SteepleError, ImportError):  # what is not installed, or no release: its row will say so
            continue


def _kept(path: Path, identity: str) -> SystemAnswers | None:
    try:
        answers = load_answers(path)
    except DataLossError:
        return None
    return answers if answers.fingerprint == identity else None


def _run(
    system: System,
    identity: str,
    folder: Path,
    shown: ShownDataset,
    parts: Parts,
    cache: FeatureCache,
    progress: Progress,
) -> SystemResult:
    path = answers_path(folder, system.name)
    report = path.with_suffix(".error.txt")
    try:
        if system.product is not None:
            answered = answer_as_product(system.product, shown, cache, progress)
        else:
            answered = answer(system, shown, parts, cache, progress)
        answers = judged(answered, shown, identity)
    except SteepleError as error:
        return SystemResult(system, None, error.message)
    except Exception as error:  # a defect of one method is its row's business, not that of the others
        path.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(traceback.format_exc(), encoding="utf-8")
        return SystemResult(system, None, f"{type(error).__name__}: {error}; see {report}")
    store_answers(answers, path)
    report.unlink(missing_ok=True)
    return SystemResult(system, answers)
