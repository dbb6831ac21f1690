from __future__ import annotations

from pathlib import Path

import pytest

from .support import Steeple


def test_an_import_is_measured_beside_extraction(
    steeple: Steeple, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEEPLE_WORKERS", "1")
    monkeypatch.setenv("STEEPLE_MODEL", "delf-lite0-v1")
    ran = steeple("benchmark", "import", "--synthetic", 2, "--work", tmp_path, "--json")
    assert ran.code == 0
    told = ran.json
    assert (told["photos"], told["cores"], told["failed"], told["duplicates"]) == (2, 1, 0, "none")
    assert told["ratio"] == pytest.approx(told["seconds"] / (2 * told["extract_ms"] / 1000), rel=0.01)
    assert told["seconds"] > told["commit_seconds"] > 0
    assert min(told["extract_cpu_ms"], told["import_cpu_ms"]) > 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give a FOLDER"),
        (("x", "--synthetic", 2), "give a FOLDER"),
        (("x", "--duplicates", "no"), "must be one of"),
    ],
)
def test_what_cannot_be_measured_is_told(steeple: Steeple, arguments: tuple[object, ...], said: str) -> None:
    ran = steeple("benchmark", "import", *arguments, "--json")
    assert ran.code == 2
    assert said in ran.error["message"]
