"""Reading a finished run."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from steeple.errors import DataLossError, NotFoundError
from steeple.lab.report.model import NOTHING
from steeple.lab.report.read import read_run
from tests.lab.report.runs import QUERIES, SYSTEMS, write_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("run"), photos=False)


def test_what_is_read_is_what_was_written(folder: Path) -> None:
    run = read_run(folder)
    assert (run.name, run.dataset, run.primary) == ("Landmarks <at night>", "night", "micro_ap")
    assert [system.name for system in run.systems] == [each[0] for each in SYSTEMS]
    assert len(run.queries) == QUERIES
    assert run.queries[1].path == folder / "photos" / "queries" / "1.jpg"
    assert run.gallery[-1].landmark == ""
    first = run.systems[0]
    assert first.figures["micro_ap"].value == 0.55
    assert first.figures["micro_ap"].low == pytest.approx(0.51)
    assert first.image_bytes == 2048
    assert first.query_ms == pytest.approx(60.0)
    assert first.answers.first[7] == NOTHING
    assert first.answers.score[7] == -math.inf
    assert (first.answers.known == [number % 6 != 0 for number in range(QUERIES)]).all()
    shown = np.array([run.gallery[key].landmark if key != NOTHING else None for key in first.answers.first])
    asked = np.array([query.landmark for query in run.queries])
    known = first.answers.known
    assert ((shown == asked)[known] == first.answers.right[known]).all()


def test_what_failed_is_said(folder: Path) -> None:
    assert read_run(folder).notes[-1] == "Lost failed: it needs training photos"


def test_a_run_in_which_all_failed_is_read(tmp_path: Path) -> None:
    failed = {"name": "lost", "title": "Lost", "error": "no photos"}
    run = read_run(write_run(tmp_path, photos=False, systems=[failed], primary=None))
    assert run.systems == ()
    assert run.queries == ()


def test_there_are_no_results(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="steeple evaluate run"):
        read_run(tmp_path)


@pytest.mark.parametrize("changes", [{"format": 2}, {"systems": [{"title": "?"}]}, {"dataset": None}])
def test_results_that_make_no_sense_are_damaged(tmp_path: Path, changes: dict[str, object]) -> None:
    with pytest.raises(DataLossError, match="again"):
        read_run(write_run(tmp_path, photos=False, **changes))


@pytest.mark.parametrize(("name", "error"), [("results.parquet", DataLossError), ("results.json", DataLossError)])
def test_files_that_are_cut_off_are_damaged(tmp_path: Path, name: str, error: type[Exception]) -> None:
    path = write_run(tmp_path, photos=False) / name
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(error, match="damaged"):
        read_run(tmp_path)


def test_a_missing_table_is_said(tmp_path: Path) -> None:
    (write_run(tmp_path, photos=False) / "gallery.parquet").unlink()
    with pytest.raises(NotFoundError, match="no whole results"):
        read_run(tmp_path)
