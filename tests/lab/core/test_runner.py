"""Runs: what is finished stays finished, and what fails fails alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from steeple.errors import DataLossError, InvalidArgumentError, NotFoundError
from steeple.lab.answers import load_answers, store_answers
from steeple.lab.cache import FeatureCache
from steeple.lab.experiment import read_experiment
from steeple.lab.results import SystemResult, read_results
from steeple.lab.runner import Run, answers_path, run_experiment

from .stand_ins import GLOBAL, LOCAL, Work, stand_ins, write_photos, write_training

BROKEN: dict[str, Any] = {**GLOBAL, "name": "broken", "global-search": "broken"}
UNFIT: dict[str, Any] = {**LOCAL, "name": "unfit", "local": {"kind": "spots", "squares": 0}}
FOUR = [GLOBAL, BROKEN, LOCAL, UNFIT]
PHOTOS = 18  # of gallery, queries and training


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_photos(tmp_path / "photos")
    write_training(tmp_path / "training")
    return tmp_path


def written(folder: Path, systems: list[dict[str, Any]], **more: Any) -> Path:
    values = {"dataset": {"path": "photos"}, "training": {"path": "training"}, "systems": systems, **more}
    path = folder / "experiment.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path


def run(folder: Path, systems: list[dict[str, Any]], work: Work | None = None, **options: Any) -> Run:
    parts = stand_ins(work or Work())
    more = options.pop("more", {})
    experiment = read_experiment(written(folder, systems, **more), parts)
    cache = FeatureCache(folder / "cache")
    return run_experiment(experiment, folder / "run", parts, cache, lambda *_: None, **options)


def test_one_that_fails_does_not_stop_the_others(folder: Path) -> None:
    told: list[SystemResult] = []
    done = run(folder, FOUR, finished=told.append)
    assert [result.system.name for result in told] == ["flat", "broken", "spots", "unfit"]
    assert (done.failed, done.reused) == (("broken", "unfit"), ())
    by_name = {system["name"]: system for system in done.results["systems"]}
    report = folder / "run" / "systems" / "broken.error.txt"
    assert by_name["broken"]["error"] == f"ZeroDivisionError: a defect; see {report}"
    assert "in fit" in report.read_text(encoding="utf-8")
    assert by_name["unfit"]["error"] == "unfit, spots: squares must be 1 or more, not 0"
    for name in ("flat", "spots"):
        assert (by_name[name]["error"], by_name[name]["figures"]["recall_at_1"]) == (None, 1)
    assert read_results(folder / "run") == json.loads(json.dumps(done.results))


def test_the_files_say_it_all(folder: Path) -> None:
    document = run(folder, [GLOBAL, {**LOCAL, "note": "Beside it."}], more={"name": "mine"}).results
    facts = {"name": "photos", "benchmark": "recognition", "gallery": 4, "landmarks": 4, "fillers": 0}
    counts = {"queries": 4, "distractors": 4, "training": 6}
    assert {**document["dataset"], "digest": ""} == {**facts, **counts, "digest": ""}
    assert (document["experiment"]["name"], document["primary"]) == ("mine", "micro_ap")
    assert document["versions"]["numpy"] == np.__version__
    flat, spots = document["systems"]
    assert (flat["title"], flat["group"], spots["note"]) == ("flat", "global", "Beside it.")
    assert flat["definition"]["global-search"] == {"kind": "exact", "sign": 1}
    assert spots["credits"][0] == {"kind": "spots", "title": "Spots", "paper": "Nobody, 1999", "choices": "Squares."}
    assert {"recall_at_1", "micro_ap", "tpr_at_1pct_fpr", "ece", "map"} <= flat["figures"].keys()
    for name, value in flat["figures"].items():
        low, high = flat["intervals"][name]
        assert 0 <= low <= value <= high <= 1
    assert (flat["costs"]["image_bytes"], flat["costs"]["query_bytes"], spots["costs"]["features"]) == (768, 384, 16)

    rows = pq.read_table(folder / "run" / "results.parquet").to_pylist()
    assert [row["system"] for row in rows] == ["flat"] * 8 + ["spots"] * 8
    gallery = pq.read_table(folder / "run" / "gallery.parquet").to_pylist()
    for row in rows:
        assert Path(row["path"]).read_bytes()
        assert sorted(row["keys"]) == [0, 1, 2, 3]
        assert row["known"] == bool(row["landmark"])
        assert row["right"] == (gallery[row["keys"][0]]["landmark"] == row["landmark"])
        assert row["score"] == row["scores"][0] == max(row["scores"])
        assert 0 < row["confidence"] < 1
        assert row["identified"] is None
        assert np.isnan(row["figure_map"]) != row["known"]


def test_a_run_goes_on_where_it_was_killed(folder: Path) -> None:
    """Killed in the middle of the second system: the first is not run again, nor are its photos looked at."""
    path = written(folder, [GLOBAL, LOCAL])
    script = Path(__file__).with_name("killed_run.py")
    root = Path(__file__).parents[3]
    arguments = (root, path, folder / "run", folder / "cache", PHOTOS + 7)
    command = [sys.executable, str(script), *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "paused\n"
        process.kill()
    assert process.returncode < 0
    assert [system["name"] for system in read_results(folder / "run")["systems"]] == ["flat"]
    work = Work()
    done = run(folder, [GLOBAL, LOCAL], work)
    assert (done.reused, done.failed) == (("flat",), ())
    assert work.photos.keys() == {"spots"}
    assert 1 <= work.photos["spots"] <= PHOTOS - 5, "without what was kept before; the photo it paused at is not"
    assert run(folder, [GLOBAL, LOCAL], work).reused == ("flat", "spots")
    left = [each for each in (folder / "run").rglob("*") if each.name.startswith(".part-")]
    assert left == []


def test_what_changed_runs_again_and_nothing_else(folder: Path) -> None:
    run(folder, [GLOBAL, LOCAL])
    renamed = {**LOCAL, "title": "Another title"}
    done = run(folder, [renamed, GLOBAL])
    assert done.reused == ("spots", "flat")
    assert done.results["systems"][0]["title"] == "Another title"
    other = {**GLOBAL, "global-search": {"kind": "exact", "sign": -1}}
    assert run(folder, [other, LOCAL]).reused == ("spots",)
    assert run(folder, [other, LOCAL], more={"photo-size": 40}).reused == ()
    answers_path(folder / "run", "spots").write_bytes(b"PAR1")
    assert run(folder, [other, LOCAL], more={"photo-size": 40}).reused == ("flat",)


def test_some_systems_alone_and_some_photos(folder: Path) -> None:
    systems = [GLOBAL, LOCAL, {**LOCAL, "name": "third"}]
    names = [system["name"] for system in run(folder, systems, only=["third"]).results["systems"]]
    assert names == ["third"]
    done = run(folder, systems, only=["flat"])
    assert [system["name"] for system in done.results["systems"]] == ["flat", "third"], "with what ran before"
    with pytest.raises(InvalidArgumentError, match="--only: there is no system 'fourth'; there are flat, spots, third"):
        run(folder, systems, only=["fourth"])
    tried = run(folder, systems, photos=2)
    assert {name: tried.results["dataset"][name] for name in ("gallery", "queries", "training")} == {
        "gallery": 2,
        "queries": 1,
        "training": 2,
    }


def test_parameters_are_looked_at_before_anything_runs(folder: Path) -> None:
    work = Work()
    unfit = {**LOCAL, "rerank": [{"kind": "again", "first": "x"}]}
    with pytest.raises(InvalidArgumentError, match=r"rerank\[0\]\.first must be a whole number"):
        run(folder, [GLOBAL, unfit], work)
    unfit = {**LOCAL, "rerank": [{"kind": "again", "first": 0}]}
    with pytest.raises(InvalidArgumentError, match="spots, again: first must be 1 or more, not 0"):
        run(folder, [GLOBAL, unfit], work)
    assert work.photos == {}


def test_what_is_not_there_is_its_row_s_business(folder: Path) -> None:
    absent = {**GLOBAL, "name": "absent", "pooling": {"kind": "flat", "release": "none"}}
    done = run(folder, [absent, GLOBAL])
    assert done.failed == ("absent",)
    assert done.results["systems"][0]["error"] == "there is no release none"


def test_a_product_beside_the_others(folder: Path) -> None:
    """Pictures of 96x48 pixels have too little for a release; that it runs and says so is what is tested here."""
    product = {"name": "steeple", "group": "product", "steeple": {"release": "none-of-that-name"}}
    done = run(folder, [product, GLOBAL])
    assert done.failed == ("steeple",)
    assert "none-of-that-name" in done.results["systems"][0]["error"]


def test_answers_are_read_as_they_were_written(folder: Path) -> None:
    run(folder, [GLOBAL])
    path = answers_path(folder / "run", "flat")
    answers = load_answers(path)
    copy = folder / "copy.parquet"
    store_answers(answers, copy)
    again = load_answers(copy)
    assert (again.fingerprint, again.queries, again.costs) == (answers.fingerprint, answers.queries, answers.costs)
    np.testing.assert_equal(again.columns.figures(), answers.columns.figures())
    for one, other in zip(answers.rankings, again.rankings, strict=True):
        np.testing.assert_array_equal(one.keys, other.keys)
    assert again.identified is None
    (folder / "copy.parquet").write_bytes(path.read_bytes()[:-50])
    with pytest.raises(DataLossError, match="damaged"):
        load_answers(copy)
    with pytest.raises(DataLossError):
        load_answers(folder / "none.parquet")
    with pytest.raises(NotFoundError, match="steeple evaluate run"):
        read_results(folder / "none")
    (folder / "run" / "results.json").write_text("{}", encoding="utf-8")
    with pytest.raises(DataLossError, match="damaged"):
        read_results(folder / "run")
