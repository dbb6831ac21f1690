"""What is told of a calibration: of a release, and of a file that the settings name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from steeple.delf import ModelRelease
from steeple.delf.release import Calibration
from steeple.errors import NotFoundError
from steeple.server import calibration_file
from steeple.server.calibration_facts import facts_of
from steeple.server.calibration_file import FittedCalibration
from steeple.server.engine import Engine
from steeple.server.settings import Settings

MINE = Calibration(-1.5, {"distinct": 0.5, "support": 0.25, "margin": 2.0, "brevity": 0.5}, 0.75)
MEASURED: dict[str, Any] = {
    "photos": {"query": 30, "sha256": "ab"},
    "false_positive_rate": 0.02,
    "cross_validated": {"recall_at_1": 0.9, "ece": 0.05, "micro_ap": None},
    "measured_false_positives": {"strangers": 50, "named": 2, "rate": 0.04, "interval": [0.01, 0.13]},
    "reliability": [
        {"low": 0.0, "high": 0.5, "answers": 10, "confidence": 0.2, "right": 0.3, "interval": [0.1, 0.6]},
        {"low": 0.5, "high": 1.0, "answers": 0, "confidence": None, "right": None, "interval": [None, None]},
    ],
}


def test_a_release_tells_what_its_calibration_was_measured_at() -> None:
    release = ModelRelease.load("delf-lite2-v1")
    found = facts_of(release)
    assert (found.model, found.from_file, found.calibration) == (release.name, False, release.calibration)
    assert found.reliability is not None
    assert found.reliability.ece == release.manifest["provenance"]["calibration"]["cross_validated"]["ece"]
    bins = found.reliability.bins
    assert len(bins) == 10
    assert sum(part.answers for part in bins) == 1063
    assert (bins[9].answers, bins[9].confidence, bins[9].right) == (258, 0.988014, 0.996124)
    # The expected calibration error is what the bins amount to.
    gaps = sum(part.answers * abs(part.confidence - part.right) for part in bins)
    assert gaps / 1063 == pytest.approx(found.reliability.ece, abs=1e-6)
    named = found.reliability.false_positives
    assert named is not None
    assert (named.strangers, named.named) == (600, 7)
    assert found.reliability.photos["query"] == 463
    assert "ece" not in found.reliability.figures


def test_a_release_without_a_diagram_tells_none() -> None:
    found = facts_of(ModelRelease.load("delf-base"))
    assert found.reliability is None
    assert found.calibration.threshold == 0.6952


def test_a_file_tells_of_itself() -> None:
    found = facts_of(ModelRelease.load(), FittedCalibration(MINE, MEASURED)).reliability
    assert found is not None
    assert (found.ece, found.figures, found.photos) == (0.05, {"recall_at_1": 0.9}, {"query": 30})
    assert found.bins[1].right != found.bins[1].right, "NaN: there are no answers"


@pytest.mark.parametrize(
    "told",
    [
        None,
        "nonsense",
        {},
        {**MEASURED, "reliability": []},
        {**MEASURED, "reliability": [{"low": 0.0}]},
        {**MEASURED, "cross_validated": None},
        {**MEASURED, "false_positive_rate": "much"},
        {**MEASURED, "measured_false_positives": {"strangers": 3}},
    ],
)
def test_what_tells_nothing_that_is_known_is_passed_over(told: object) -> None:
    assert facts_of(ModelRelease.load(), FittedCalibration(MINE, told)).reliability is None


def test_strangers_need_not_have_been_looked_at() -> None:
    none = {"strangers": 0, "named": 0, "rate": None, "interval": [None, None]}
    found = facts_of(ModelRelease.load(), FittedCalibration(MINE, {**MEASURED, "measured_false_positives": none}))
    assert found.reliability is not None
    assert found.reliability.false_positives is None


def test_a_server_tells_of_the_file_that_it_answers_by(tmp_path: Path) -> None:
    release, file = ModelRelease.load(), tmp_path / "calibration.json"
    calibration_file.save(file, release, MINE, json.loads(json.dumps(MEASURED)))
    engine = Engine(Settings.load(data_dir=tmp_path / "data", calibration=file))
    found = engine.serving.calibration_facts("")
    assert (found.model, found.from_file, found.calibration.threshold) == (release.name, True, 0.75)
    assert found.reliability is not None
    assert found == engine.serving.calibration_facts(release.name)
    with pytest.raises(NotFoundError, match="does not serve models/delf-none"):
        engine.serving.calibration_facts("delf-none")
    engine.close()
