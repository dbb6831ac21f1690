"""Answers of a system, judged, and the file that keeps them."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from steeple.errors import DataLossError, UnavailableError
from steeple.lab.bootstrap import QueryColumns
from steeple.lab.confidence import cross_fitted, first_scores, groups_of
from steeple.lab.metrics import evaluate_rankings, first_answers
from steeple.lab.photo_set import ShownDataset
from steeple.lab.pipeline import Answered
from steeple.lab.rankings import Ranking

KEPT: Final = 100
"""Photos of a ranking that are kept; figures are of the whole ranking."""

FIGURE: Final = "figure_"
"""What the columns of figures begin with that are means over queries."""

_OF_LANDMARKS: Final = "recall_at_"  # figures that a ranking of landmarks has too
_FORMAT: Final = 1
_META: Final = b"steeple"


@dataclass(frozen=True, eq=False)
class SystemAnswers:
    """What a system answered to every query, and how right that is.

    Attributes:
        fingerprint: Of all that the answers depend on.
        dataset: Digest of the data set.
        queries: Keys of the queries' photos.
        paths: Of their files.
        landmarks: What each shows; empty: nothing that the gallery has.
        tiers: How hard each is; may be empty.
        rankings: The first of each ranking.
        columns: What figures are made of.
        primary: Name of the figure that systems of this data set are ranked by.
        identified: bool[Q]; whether the system stands by its first photo; None: it does not say.
        extract_ms: float64[Q].
        search_ms: float64[Q].
        rerank_ms: float64[Q].
        query_bytes: int64[Q].
        costs: ``index_bytes``, ``stage_bytes``, ``features`` and ``prepare_seconds`` of
            :class:`steeple.lab.pipeline.Answered`.
    """

    fingerprint: str
    dataset: str
    queries: Sequence[str]
    paths: Sequence[str]
    landmarks: Sequence[str]
    tiers: Sequence[str]
    rankings: Sequence[Ranking]
    columns: QueryColumns
    primary: str
    identified: NDArray[np.bool_] | None
    extract_ms: NDArray[np.float64]
    search_ms: NDArray[np.float64]
    rerank_ms: NDArray[np.float64]
    query_bytes: NDArray[np.int64]
    costs: Mapping[str, float]


def judged(answered: Answered, shown: ShownDataset, fingerprint: str) -> SystemAnswers:
    """Says of every answer how right it is.

    Args:
        answered: By a system.
        shown: The data set.
        fingerprint: Of all that the answers depend on.
    """
    dataset = shown.dataset
    figures = evaluate_rankings(dataset, answered.rankings)
    first = first_answers(dataset, answered.rankings)
    confidence = answered.confidence
    if confidence is None:
        confidence = cross_fitted(first_scores(dataset, answered.rankings), first.right, groups_of(dataset))
    by_query = {
        name: values
        for name, values in figures.by_query.items()
        if not answered.of_landmarks or name.startswith(_OF_LANDMARKS)
    }
    return SystemAnswers(
        fingerprint,
        shown.digest,
        [query.photo.key for query in dataset.queries],
        [str(query.photo.path) for query in dataset.queries],
        [query.landmark for query in dataset.queries],
        [query.tier for query in dataset.queries],
        [Ranking(each.keys[:KEPT], each.scores[:KEPT]) for each in answered.rankings],
        QueryColumns(first.known, first.right, first.confidence, confidence, by_query),
        figures.primary,
        answered.identified,
        1000 * answered.extract_seconds,
        1000 * answered.search_seconds,
        1000 * answered.rerank_seconds,
        answered.query_bytes,
        {
            "index_bytes": answered.index_bytes,
            "stage_bytes": answered.stage_bytes,
            "features": answered.features,
            "prepare_seconds": answered.prepare_seconds,
        },
    )


def table_of(answers: SystemAnswers) -> pa.Table:
    """A row for each query: what :mod:`steeple.lab.results` says of ``results.parquet``, but for the system's name."""
    columns = answers.columns
    arrays: dict[str, Any] = {
        "query": list(answers.queries),
        "path": list(answers.paths),
        "landmark": list(answers.landmarks),
        "tier": list(answers.tiers),
        "known": columns.known,
        "right": columns.right,
        "score": columns.score,
        "confidence": columns.confidence,
        "identified": pa.array(
            [None] * len(answers.queries) if answers.identified is None else answers.identified, pa.bool_()
        ),
        "keys": pa.array([ranking.keys.astype(np.int32) for ranking in answers.rankings], pa.list_(pa.int32())),
        "scores": pa.array([ranking.scores for ranking in answers.rankings], pa.list_(pa.float32())),
        "extract_ms": answers.extract_ms,
        "search_ms": answers.search_ms,
        "rerank_ms": answers.rerank_ms,
        "query_bytes": answers.query_bytes,
        **{FIGURE + name: values for name, values in columns.by_query.items()},
    }
    return pa.table(arrays)


def store_answers(answers: SystemAnswers, path: Path) -> None:
    """Writes them, all or nothing.

    Raises:
        UnavailableError: If the file cannot be written.
    """
    meta = {
        "format": _FORMAT,
        "fingerprint": answers.fingerprint,
        "dataset": answers.dataset,
        "primary": answers.primary,
        "costs": dict(answers.costs),
    }
    write_table(table_of(answers).replace_schema_metadata({_META: json.dumps(meta).encode()}), path)


def load_answers(path: Path) -> SystemAnswers:
    """Reads them.

    Raises:
        DataLossError: If the file is not there, damaged, or something else.
    """
    try:
        table = pq.read_table(path)
        meta = json.loads((table.schema.metadata or {})[_META])
        if meta["format"] != _FORMAT:
            raise DataLossError(f"{path} was written by another version of Steeple; delete it and run again")
        return _answers(table, meta)
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise DataLossError(f"{path} is damaged or holds no answers: {error}") from error


def write_table(table: pa.Table, path: Path) -> None:
    """Writes a table as Parquet, all or nothing.

    Raises:
        UnavailableError: If the file cannot be written.
    """

    def write(aside: Path) -> None:
        pq.write_table(table, aside, compression="zstd")

    _aside(path, write)


def write_json(value: object, path: Path) -> None:
    """Writes JSON, all or nothing; errors as for :func:`write_table`."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    _aside(path, lambda aside: aside.write_text(text, encoding="utf-8"))


def _aside(path: Path, write: Any) -> None:  # noqa: ANN401 - what it returns does not matter
    aside: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A name of its own: another run may be writing the same file.
        descriptor, name = tempfile.mkstemp(prefix=".part-", dir=path.parent)
        os.close(descriptor)
        aside = Path(name)
        write(aside)
        aside.replace(path)
    except OSError as error:
        raise UnavailableError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        if aside is not None:
            aside.unlink(missing_ok=True)


def _answers(table: pa.Table, meta: Mapping[str, Any]) -> SystemAnswers:
    def numbers(name: str) -> NDArray[Any]:
        found: NDArray[Any] = table[name].to_numpy()
        return found

    figures = [name for name in table.column_names if name.startswith(FIGURE)]
    rankings = [
        Ranking(np.array(keys, np.int64), np.array(scores, np.float32))
        for keys, scores in zip(table["keys"].to_pylist(), table["scores"].to_pylist(), strict=True)
    ]
    return SystemAnswers(
        str(meta["fingerprint"]),
        str(meta["dataset"]),
        table["query"].to_pylist(),
        table["path"].to_pylist(),
        table["landmark"].to_pylist(),
        table["tier"].to_pylist(),
        rankings,
        QueryColumns(
            numbers("known"),
            numbers("right"),
            numbers("score"),
            numbers("confidence"),
            {name.removeprefix(FIGURE): numbers(name) for name in figures},
        ),
        str(meta["primary"]),
        None if table["identified"].null_count else numbers("identified"),
        numbers("extract_ms"),
        numbers("search_ms"),
        numbers("rerank_ms"),
        numbers("query_bytes"),
        {str(name): float(value) for name, value in meta["costs"].items()},
    )
