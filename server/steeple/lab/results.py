"""All figures of a run, in two files that stand for themselves.

``results.json``: experiment, data set, versions of what ran, and for each system what it is, its figures with their
95 % intervals, and its costs, or the error that it failed with::

    {"format": 1, "experiment": {...}, "dataset": {...}, "primary": "micro_ap", "confidence": "...", "versions": {...},
     "systems": [{"name", "title", "group", "note", "definition", "credits": [{"kind", "title", "paper", "choices"}],
                  "figures": {name: share or null}, "intervals": {name: [low, high]}, "costs": {...}, "error": null}]}

``results.parquet``: a row for each system and query: ``system``, ``query`` (key of the photo), ``path``,
``landmark``, ``tier``, ``known``, ``right``, ``score`` (of the first photo; minus infinity: none), ``confidence``,
``identified`` (null: the system does not say), ``keys`` and ``scores`` (of the first 100 photos; keys are places in
the gallery), ``extract_ms``, ``search_ms``, ``rerank_ms``, ``query_bytes``, and a column ``figure_NAME`` for each
figure that is a mean over queries.

``gallery.parquet``: a row for each photo of the gallery, in its order: ``key``, ``landmark``, ``path``.
"""

from __future__ import annotations

import importlib.metadata
import json
import math
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from steeple.errors import DataLossError, NotFoundError
from steeple.lab.answers import SystemAnswers, table_of, write_json, write_table
from steeple.lab.confidence import METHOD
from steeple.lab.experiment import Experiment
from steeple.lab.parts import Parts
from steeple.lab.photo_set import ShownDataset
from steeple.lab.systems import System

RESULTS: Final = "results.json"
ROWS: Final = "results.parquet"
GALLERY: Final = "gallery.parquet"

_FORMAT: Final = 1
_DIGITS: Final = 6
_PACKAGES: Final = (
    "steeple",
    "numpy",
    "scipy",
    "scikit-learn",
    "scikit-image",
    "opencv-python-headless",
    "faiss-cpu",
    "onnxruntime",
    "pyarrow",
)


@dataclass(frozen=True, eq=False)
class SystemResult:
    """What became of a system.

    Attributes:
        system: Which.
        answers: Its answers; None: it failed.
        error: What it failed with; empty: it did not.
        reused: Whether the answers are of an earlier run.
    """

    system: System
    answers: SystemAnswers | None
    error: str = ""
    reused: bool = False


class ResultsWriter:
    """Writes the results of a run, as often as there are more of them.

    Args:
        folder: Of the run.
        experiment: What is run.
        shown: Its data set.
        parts: What systems are made of.
    """

    def __init__(self, folder: Path, experiment: Experiment, shown: ShownDataset, parts: Parts) -> None:
        self._folder, self._experiment, self._shown, self._parts = folder, experiment, shown, parts
        self._facts: dict[str, dict[str, Any]] = {}

    def facts_of(self, result: SystemResult) -> dict[str, Any]:
        """A system as ``results.json`` has it."""
        system = result.system
        if system.name not in self._facts:
            self._facts[system.name] = {
                "name": system.name,
                "title": system.title,
                "group": system.group.value,
                "note": system.note,
                "definition": system.definition,
                "credits": system.credits(self._parts),
                **(_measured(result.answers) if result.answers else {"figures": {}, "intervals": {}, "costs": {}}),
                "error": result.error or None,
            }
        return self._facts[system.name]

    def write(self, results: Sequence[SystemResult]) -> dict[str, Any]:
        """Writes all files.

        Args:
            results: Of systems, in the table's order.

        Returns:
            What is in ``results.json``.

        Raises:
            UnavailableError: If a file cannot be written.
        """
        answered = [(result.system.name, result.answers) for result in results if result.answers is not None]
        document = {
            "format": _FORMAT,
            "experiment": self._experiment.facts,
            "dataset": dataset_facts(self._shown),
            "primary": answered[0][1].primary if answered else None,
            "confidence": METHOD,
            "versions": versions(),
            "systems": [self.facts_of(result) for result in results],
        }
        dataset = self._shown.dataset
        gallery = pa.table(
            {
                "key": [photo.key for photo in dataset.gallery],
                "landmark": list(dataset.landmarks),
                "path": [str(photo.path) for photo in dataset.gallery],
            }
        )
        write_table(gallery, self._folder / GALLERY)
        tables = [
            table_of(answers).add_column(0, "system", pa.array([name] * len(answers.queries), pa.string()))
            for name, answers in answered
        ]
        if tables:
            write_table(pa.concat_tables(tables, promote_options="default"), self._folder / ROWS)
        write_json(document, self._folder / RESULTS)
        return document


def read_results(folder: Path) -> dict[str, Any]:
    """``results.json`` of a run.

    Raises:
        NotFoundError: If the folder holds no results.
        DataLossError: If they are damaged, or of another version.
    """
    path = folder / RESULTS
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] != _FORMAT:
            raise DataLossError(f"{path} was written by another version of Steeple; run the experiment again")
    except FileNotFoundError as error:
        raise NotFoundError(f"there are no results in {folder}; make some with: steeple evaluate run") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataLossError(f"{path} is damaged: {error}; run the experiment again") from error
    return document


def dataset_facts(shown: ShownDataset) -> dict[str, Any]:
    """How large a data set is, and which."""
    dataset = shown.dataset
    return {
        "name": dataset.name,
        "benchmark": dataset.benchmark.value,
        "gallery": len(dataset.gallery),
        "landmarks": len({landmark for landmark in dataset.landmarks if landmark}),
        "fillers": sum(not landmark for landmark in dataset.landmarks),
        "queries": sum(bool(query.grades) for query in dataset.queries),
        "distractors": sum(not query.grades for query in dataset.queries),
        "training": len(dataset.training),
        "digest": shown.digest,
    }


def versions() -> dict[str, Any]:
    """What ran, on what."""
    found: dict[str, Any] = {"python": platform.python_version(), "machine": platform.machine(), "cpus": os.cpu_count()}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:  # FAISS for GPUs has another name
            continue
    return found


def _measured(answers: SystemAnswers) -> dict[str, Any]:
    return {
        "figures": _rounded(answers.columns.figures()),
        "intervals": {name: [_number(end) for end in ends] for name, ends in answers.columns.intervals().items()},
        "costs": {
            **_rounded(answers.costs),
            "image_bytes": _number(answers.costs["index_bytes"] + answers.costs["stage_bytes"]),
            "query_bytes": _number(float(np.median(answers.query_bytes))),
            "ms_extract": _number(float(np.median(answers.extract_ms))),
            "ms_search": _number(float(np.median(answers.search_ms))),
            "ms_rerank": _number(float(np.median(answers.rerank_ms))),
        },
    }


def _rounded(values: Any) -> dict[str, float | None]:  # noqa: ANN401 - a mapping of numbers
    return {name: _number(value) for name, value in values.items()}


def _number(value: float) -> float | None:
    return round(float(value), _DIGITS) if math.isfinite(value) else None
