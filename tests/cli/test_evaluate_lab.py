"""``steeple evaluate`` as a group: a folder still does what it did, and the lab is beside it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.known_photos import write_known_photos

from .support import Steeple

LANDMARKS = 3
COMMANDS = ("release", "lab", "run", "methods", "compare", "report", "matching")


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_known_photos(tmp_path_factory.mktemp("lab") / "known", strangers=2)
    rows = ["path,landmark,role,tier", "_strangers/00.jpg,,distractor,", "_strangers/01.jpg,,distractor,"]
    for number in range(LANDMARKS):
        rows.append(f"landmark-{number}/0.jpg,landmark-{number},reference,")
        rows.append(f"landmark-{number}/1.jpg,landmark-{number},query,")
    (folder / "manifest.csv").write_text("\n".join(rows), encoding="utf-8")
    return folder


@pytest.fixture
def experiment(known: Path, tmp_path: Path) -> Path:
    systems = [
        {"name": "exact", "title": "All compared", "group": "local", "local": "orb", "local-search": "exact"},
        {"name": "first", "group": "local", "local": "orb", "local-search": "pq"},
    ]
    path = tmp_path / "orb.yaml"
    path.write_text(yaml.safe_dump({"dataset": {"path": str(known)}, "systems": systems}), encoding="utf-8")
    return path


def test_the_help_lists_everything(steeple: Steeple) -> None:
    ran = steeple("evaluate", "--help")
    assert ran.code == 0
    assert "steeple evaluate [OPTIONS] DIR | COMMAND [ARGS]..." in ran.out
    for command in COMMANDS:
        assert f"\n  {command} " in ran.out
    inner = steeple("evaluate", "--json", "--help")
    assert (inner.code, inner.out.startswith("Usage: steeple evaluate release")) == (0, True)
    none = steeple("evaluate")
    assert (none.code, none.err.strip()) == (2, ran.out.strip())


def test_a_folder_is_evaluated_with_or_without_the_command(
    known: Path, steeple: Steeple, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = []
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").symlink_to(known)
    for arguments in (("release", known), ("--json", known), ("./run",)):
        ran = steeple("evaluate", *arguments, "--scales", "0.25", *([] if "--json" in arguments else ["--json"]))
        assert ran.code == 0, ran.err
        figures.append({name: ran.json[name] for name in ("recall_at_1", "ece", "queries", "by_tier")})
    assert figures == [figures[0]] * 3
    assert figures[0]["queries"] == LANDMARKS


def test_a_slip_is_told_from_a_folder(steeple: Steeple, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran = steeple("evaluate", "comapre", "--json")
    assert (ran.code, ran.error["message"]) == (2, "No such command 'comapre'. Did you mean 'compare'?")
    ran = steeple("evaluate", "nowhere", "--json")
    assert (ran.code, ran.error["message"]) == (2, "there is no folder nowhere")
    ran = steeple("evaluate", "--features", "many", ".", "--json")
    assert (ran.code, "steeple evaluate release --help" in ran.error["hint"]) == (2, True)


def test_a_run_is_shown_and_its_systems_compared(experiment: Path, steeple: Steeple, tmp_path: Path) -> None:
    """One system needs photos to be fitted on, and there are none: it fails, the other is shown."""
    folder, cache = tmp_path / "run", tmp_path / "cache"
    ran = steeple("evaluate", "run", experiment, "--output", folder, "--cache", cache, "--json")
    assert ran.code == 1, ran.err
    exact, first = ran.json["systems"]
    assert exact["figures"]["recall_at_1"] == 1
    assert (exact["error"], "training photos" in first["error"]) == (None, True)
    assert ran.json["run"] == str(folder)
    assert ran.json["cache_bytes"] > 16 * 500

    text = steeple("evaluate", "run", experiment, "--output", folder, "--cache", cache, "--only", "exact")
    assert text.code == 0, text.err
    for part in ("micro-AP", "95 % interval", "1.000 to 1.000", "exact", "3 photos of 3 landmarks searched"):
        assert part in text.out
    assert "of an earlier run: exact" in text.err

    compared = steeple("evaluate", "compare", "exact", f"{folder}:exact", "--run", folder, "--resamples", 100, "--json")
    assert compared.code == 0, compared.err
    assert {each["verdict"] for each in compared.json["differences"]} == {"no difference shown"}
    assert (compared.json["queries"], compared.json["distractors"]) == (LANDMARKS, 2)
    said = steeple("evaluate", "compare", "exact", "exact", "--run", folder, "--resamples", 100)
    assert "no difference shown" in said.out

    written = steeple("evaluate", "report", folder, "--json")
    assert written.code == 0, written.err
    page = Path(written.json["report"]).read_text(encoding="utf-8")
    assert (page[:15].lower(), "All compared" in page) == ("<!doctype html>", True)

    for arguments, code, message in (
        (("exact", "other", "--run", folder), 4, f"{folder} has no answers of a system 'other'; it has exact"),
        (("exact", "exact"), 2, "'exact' does not say of which run: write RUN:NAME, or give --run"),
    ):
        ran = steeple("evaluate", "compare", *arguments, "--json")
        assert (ran.code, ran.error["message"]) == (code, message)
    assert steeple("evaluate", "report", tmp_path / "none", "--json").error["status"] == "NOT_FOUND"
    ran = steeple("evaluate", "report", folder, "--output", tmp_path / "page.pdf", "--json")
    assert (ran.code, ".html" in ran.error["message"]) == (2, True)


def test_a_mistake_in_an_experiment_is_said(experiment: Path, steeple: Steeple) -> None:
    text = experiment.read_text(encoding="utf-8")
    experiment.write_text(text.replace("local: orb", "local: orbs", 1), encoding="utf-8")
    ran = steeple("evaluate", "run", experiment, "--json")
    assert ran.code == 2
    assert ran.error["message"].startswith(f"{experiment}: systems[0] (exact).local.kind must be one of rootsift, orb")


def test_all_rows_on_a_folder(known: Path, steeple: Steeple, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    arguments = ("evaluate", "lab", known, "--output", folder, "--cache", tmp_path / "cache", "--photos", 2)
    ran = steeple(*arguments, "--only", "steeple", "--json")
    assert ran.code == 0, ran.err
    assert [(system["name"], system["error"]) for system in ran.json["systems"]] == [("steeple", None)]
    assert (ran.json["dataset"]["gallery"], ran.json["experiment"]["photo_size"]) == (2, 800)
    ran = steeple(*arguments, "--only", "steple", "--json")
    assert (ran.code, "there is no system 'steple'; there are steeple, " in ran.error["message"]) == (2, True)
    ran = steeple("evaluate", "lab", known, "--format", "oxfrod", "--json")
    assert (ran.code, "oxfrod" in ran.error["message"]) == (2, True)


def test_methods_are_listed(steeple: Steeple) -> None:
    facts = steeple("evaluate", "methods", "--json").json
    assert facts["kinds"].keys() == {
        "extractors",
        "projections",
        "backbones",
        "poolings",
        "local_searches",
        "global_searches",
        "rerankings",
    }
    (orb,) = [kind for kind in facts["kinds"]["extractors"] if kind["kind"] == "orb"]
    assert (orb["title"], orb["parameters"]["count"]) == ("ORB", 1000)
    assert "steeple" in [system["name"] for system in facts["systems"]]
    assert {"manifest", "folders"} <= {each["name"] for each in facts["formats"]}
    text = steeple("evaluate", "methods").out
    assert "count=1000" in text
    assert "Rublee" in text


def test_local_features_are_matched(known: Path, steeple: Steeple) -> None:
    ran = steeple("evaluate", "matching", known, "--photos", 1, "--only", "orb", "--json")
    assert ran.code == 0, ran.err
    (orb,) = ran.json["kinds"]
    assert (orb["kind"], ran.json["pairs"] > 0) == ("orb", True)
    assert 0.2 < orb["overall"]["mean_matching_accuracy"]["3"] <= 1
    ran = steeple("evaluate", "matching", known, "--only", "surf", "--json")
    assert (ran.code, "there is no kind 'surf'" in ran.error["message"]) == (2, True)
