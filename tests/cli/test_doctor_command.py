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


def test_what_servers_share_is_written_to_and_left_as_it_was(
    steeple: Steeple, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "shared"
    monkeypatch.setenv("STEEPLE_FILES_URL", str(shared))
    arguments = ("doctor", "--data-dir", tmp_path / "data", "--server", address, "--json")
    assert checks(steeple(*arguments).json)["files storage"] == "ok"
    assert not [path for path in shared.rglob("*") if path.is_file()]
    shared.rename(tmp_path / "other")
    shared.write_text("in the way")
    ran = steeple(*arguments)
    (found,) = [one for one in ran.json["checks"] if one["check"] == "files storage"]
    assert (ran.code, found["status"]) == (1, "failed")
    assert f"{shared} (files_url) cannot be written" in found["found"]
    monkeypatch.setenv("STEEPLE_FILES_URL", "s3://key:secret@bucket")
    refused = steeple(*arguments)
    assert (refused.code, "has credentials in it" in refused.error["message"]) == (2, True)
    assert "secret@" not in refused.err
