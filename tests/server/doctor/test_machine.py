"""Checks of the machine."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from steeple.delf.release import ModelRelease
from steeple.errors import FailedPreconditionError
from steeple.server.doctor import Finding, Status, looked_at, machine


@pytest.mark.parametrize(
    ("version", "limits", "kept"),
    [
        ("4.14.0.94", ">=4.10,<5", True),
        ("5.0.0", ">=4.10,<5", False),
        ("4.9", ">=4.10,<5", False),
        ("2.0", ">=2.0", True),
        ("2", ">=2.0.0", True),
        ("1.26.4", ">=2.0", False),
        ("1.2.8", "==1.2.8", True),
        ("1.2.9", "==1.2.8", False),
        ("3.0.1+local.7", "<=3.0.1", True),
        ("1.0", "", True),
    ],
)
def test_versions_are_compared_by_number(version: str, limits: str, kept: bool) -> None:
    assert machine.fits(version, limits) is kept


def test_this_machine_is_in_order() -> None:
    releases = machine.releases("delf-lite2-v1")
    for check in (machine.python(), machine.packages(), machine.runtime(), releases):
        findings = list(check)
        assert {finding.status for finding in findings} == {Status.OK}, findings
    assert "ai_edge_litert runs delf-lite2-v1" in next(machine.runtime()).found


def test_packages_that_are_missing_or_too_new_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    needed = ["nothing-of-that-name>=1", "opencv-python-headless<4", "numpy>=2.0", "rich>=99; extra == 'client'"]
    needed.append("keras>=99; extra == 'train'")  # a server does without it
    monkeypatch.setattr("importlib.metadata.requires", lambda _: needed)
    findings = list(machine.packages())
    assert [finding.status for finding in findings] == [Status.FAILED] * 3
    assert findings[0].remedy == "pip install 'nothing-of-that-name>=1'"
    assert "<4 is needed" in findings[1].found
    assert findings[2].remedy == "pip install 'rich>=99'"


def test_an_altered_release_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(ModelRelease.load("delf-lite0-v1").path, folder)
    with (folder / "model.tflite").open("ab") as file:
        file.write(b"x")
    findings = list(machine.releases(str(folder)))
    assert [finding.status for finding in findings] == [Status.FAILED, Status.OK]
    assert "model.tflite was altered" in findings[0].found
    assert next(machine.releases("nowhere")).status is Status.FAILED


def test_a_gpu_that_is_insisted_on_must_be_there() -> None:
    (finding,) = machine.faiss_and_device("gpu")
    assert finding.status is Status.FAILED
    assert "set device to auto or cpu" in finding.remedy
    assert next(machine.faiss_and_device("cpu")).status is Status.OK


def test_a_clock_that_stands_before_the_catalogue_is_wrong() -> None:
    now = datetime.now(UTC)
    assert next(machine.clock(None)).status is Status.OK
    assert next(machine.clock(now - timedelta(hours=1))).status is Status.OK
    assert next(machine.clock(now + timedelta(hours=1))).status is Status.WARNING


def test_an_old_python_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 2, "final", 0))
    assert next(machine.python()).status is Status.FAILED


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (FailedPreconditionError("no runtime"), "no runtime"),
        (ModuleNotFoundError("No module named 'faiss'", name="faiss"), "faiss is not installed"),
        (OSError("input/output error"), "OSError: input/output error"),
    ],
)
def test_a_check_that_fails_itself_is_a_finding(error: Exception, told: str) -> None:
    def look() -> Iterator[Finding]:
        yield Finding("x", Status.OK, "so far")
        raise error

    first, second = looked_at("x", look)
    assert first.status is Status.OK
    assert (second.status, second.found) == (Status.FAILED, told)
