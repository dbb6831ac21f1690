"""Reads a finished run: what ``results.json``, ``results.parquet`` and ``gallery.parquet`` of its folder say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from steeple.errors import DataLossError, NotFoundError
from steeple.lab.report.model import NOTHING, Answers, Credit, Figure, Photo, RunResults, SystemResults
from steeple.lab.results import read_results

_TIMES: Final = ("extract_ms", "search_ms", "rerank_ms")


def read_run(folder: Path) -> RunResults:
    """A finished run.

    Systems that failed are named in the notes.

    Args:
        folder: Of the run.

    Raises:
        NotFoundError: If the folder holds no results.
        DataLossError: If they are damaged, or of another version.
    """
    document = read_results(folder)
    try:
        rows = pq.read_table(folder / "results.parquet")
        gallery = _gallery(folder / "gallery.parquet")
        return _run(document, rows, gallery)
    except FileNotFoundError as error:
        raise NotFoundError(f"{folder} holds no whole results; run the experiment again") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, pa.ArrowException) as error:
        raise DataLossError(f"the results in {folder} are damaged: {error}; run the experiment again") from error


def _gallery(path: Path) -> tuple[Photo, ...]:
    rows = pq.read_table(path).to_pylist()
    return tuple(Photo(row["key"], Path(row["path"]), row["landmark"]) for row in rows)


def _run(document: Mapping[str, Any], rows: pa.Table, gallery: tuple[Photo, ...]) -> RunResults:
    facts = [facts for facts in document["systems"] if not facts["error"]]
    parts = {each["name"]: rows.filter(pc.equal(rows["system"], each["name"])) for each in facts}
    experiment = document["experiment"]
    failed = [f"{each['title']} failed: {each['error']}" for each in document["systems"] if each["error"]]
    return RunResults(
        str(experiment["name"]),
        str(document["dataset"]["name"]),
        str(document["primary"] or ""),
        tuple(_system(each, parts[each["name"]]) for each in facts),
        gallery,
        _queries(next(iter(parts.values()))) if parts else (),
        _facts(document),
        (str(document["confidence"]), *failed),
    )


def _queries(rows: pa.Table) -> tuple[Photo, ...]:
    keys, landmarks = rows["query"].to_pylist(), rows["landmark"].to_pylist()
    paths = rows["path"].to_pylist()
    return tuple(Photo(key, Path(path), name) for key, path, name in zip(keys, paths, landmarks, strict=True))


def _system(facts: Mapping[str, Any], rows: pa.Table) -> SystemResults:
    costs, intervals = facts["costs"], facts["intervals"]
    figures = {
        name: Figure(_number(value), *map(_number, intervals.get(name) or (None, None)))
        for name, value in facts["figures"].items()
    }
    times = sum((_column(rows, name) for name in _TIMES), np.zeros(len(rows)))
    return SystemResults(
        facts["name"],
        facts["title"],
        facts["group"],
        facts["note"],
        figures,
        _number(costs.get("image_bytes")),
        _number(costs.get("query_bytes")),
        float(np.median(times)) if len(times) else math.nan,
        tuple(Credit(each["title"], each["paper"], each["choices"]) for each in facts["credits"]),
        facts["definition"],
        Answers(
            _column(rows, "known"),
            _column(rows, "right"),
            _column(rows, "score"),
            _column(rows, "confidence"),
            np.array([keys[0] if keys else NOTHING for keys in rows["keys"].to_pylist()], np.int64),
        ),
    )


def _column(rows: pa.Table, name: str) -> NDArray[Any]:
    found: NDArray[Any] = rows[name].to_numpy()
    return found


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _facts(document: Mapping[str, Any]) -> dict[str, str]:
    dataset, experiment = document["dataset"], document["experiment"]
    longest = experiment.get("photo_size")
    found = {
        "Data set": f"{dataset['name']} ({dataset['benchmark']})",
        "Gallery": f"{dataset['gallery']:,} photos, {dataset['landmarks']:,} landmarks; {dataset['fillers']:,} of none",
        "Queries": f"{dataset['queries']:,}, and {dataset['distractors']:,} distractors",
        "Fitted on": f"{dataset['training']:,} other photos",
        "Photos": f"at most {longest:,} pixels on the longer side" if longest else "as they are",
        "Digest of the photos": str(dataset["digest"]),
    }
    return found | {str(name): str(value) for name, value in document["versions"].items()}
