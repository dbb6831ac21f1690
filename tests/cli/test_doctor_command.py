"""``steeple doctor``."""

from __future__ import annotations

from pathlib import Path

import pytest

from .support import Steeple


def checks(json: object) -> dict[str, str]:
    assert isinstance(json, dict)
    return {finding["check"]: finding["status"] for finding in json["checks"]}


def test_a_machine_and_a_server_are_looked_at(steeple: Steeple, address: str, tmp_path: Path) -> None:
    ran = steeple("doctor", "--data-dir", tmp_path, "--server", address, "--json")
    assert ran.code == 0, ran.out
    assert ran.json["healthy"] is True
    found = checks(ran.json)
    assert found["server"] == found["tflite"] == found["data folder"] == found["clock"] == "ok"
    assert list(tmp_path.iterdir()) == [], "nothing was made"


def test_a_server_that_should_be_there_fails(steeple: Steeple, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steeple.cli.doctor._SERVER_SECONDS", 0.2)
    ran = steeple("doctor", "--data-dir", tmp_path, "--server", "127.0.0.1:1")
    assert ran.code == 1
    assert "failed" in ran.out
    assert "→ start it with `steeple serve`" in ran.out
    assert "1 failed" in ran.err


def test_other_stores_are_not_looked_into(
    steeple: Steeple, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEEPLE_IMAGES_URL", "s3://bucket")
    found = checks(steeple("doctor", "--data-dir", tmp_path, "--server", address, "--json").json)
    assert found["photos"] == "skipped"


def test_a_database_that_cannot_be_used_fails_without_its_password(
    steeple: Steeple, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEEPLE_DATABASE_URL", "postgresql://me:s3cret@127.0.0.1:1/steeple")
    ran = steeple("doctor", "--data-dir", tmp_path, "--server", address, "--json")
    assert (ran.code, checks(ran.json)["catalogue"]) == (1, "failed")
    assert "postgresql://me:***@127.0.0.1:1/steeple" in ran.out
    assert "s3cret" not in ran.out + ran.err
