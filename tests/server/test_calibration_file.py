"""Calibrations in files: what is written is read, and what is none is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from steeple.delf import ModelRelease
from steeple.delf.release import Calibration
from steeple.errors import InvalidArgumentError
from steeple.server import calibration_file
from steeple.server.engine import Engine
from steeple.server.settings import Settings

RELEASE = ModelRelease.load()
MINE = Calibration(-1.5, {"distinct": 0.5, "support": 0.25, "margin": 2.0, "brevity": 0.5}, 0.75)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "calibration.json"
    calibration_file.save(path, RELEASE, MINE, {"photos": {"query": 3}})
    return path


def test_what_was_saved_is_loaded(file: Path) -> None:
    loaded = calibration_file.load(file, RELEASE)
    assert (loaded.calibration, loaded.provenance) == (MINE, {"photos": {"query": 3}})
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    assert json.loads(file.read_text(encoding="utf-8"))["provenance"] == {"photos": {"query": 3}}


def test_a_server_answers_by_it(file: Path, tmp_path: Path) -> None:
    engine = Engine(Settings.load(data_dir=tmp_path / "data", calibration=file))
    assert engine.release.calibration == MINE
    assert engine.release.name == RELEASE.name
    engine.close()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"format": 2}, "another format"),
        ({"model": "delf-base"}, "is of delf-base"),
        ({"tflite_sha256": "0"}, "make one for it"),
        ({"calibration": {"bias": 1.0}}, "is no calibration"),
        ({"calibration": {"bias": "x", "weights": {}, "threshold": 0.5}}, "is no calibration"),
        ({"calibration": {"bias": 1.0, "weights": {"luck": 1.0}, "threshold": 0.5}}, "of this version"),
        ({"calibration": {"bias": 1.0, "weights": dict(MINE.weights), "threshold": 1.5}}, "of this version"),
    ],
)
def test_what_does_not_fit_is_refused(file: Path, changes: dict[str, Any], says: str) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text(encoding="utf-8")), **changes}), encoding="utf-8")
    with pytest.raises(InvalidArgumentError, match=says):
        calibration_file.load(file, RELEASE)


@pytest.mark.parametrize("content", [None, b"", b"[]", b"nonsense", bytes([0xFF, 0xFE])])
def test_what_is_no_calibration_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "calibration.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidArgumentError, match=str(path)):
        calibration_file.load(path, RELEASE)


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="--output"):
        calibration_file.save(tmp_path / "none" / "calibration.json", RELEASE, MINE, {})
