"""``steeple snapshots``, from a server to another data folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from steeple.server.engine import Engine
from steeple.server.settings import Settings

from .support import Steeple


def test_a_server_comes_back_elsewhere(
    catalogue: Steeple, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    made = catalogue("snapshots", "create", "--keep", 3, "--json").json
    assert (made["state"], made["results"]["missing_photos"]) == ("succeeded", "0")
    name = made["results"]["snapshot"]
    (snapshot_id,) = (each["id"] for each in catalogue("snapshots", "list", "--json").json if each["name"] == name)
    assert snapshot_id in catalogue("snapshots", "list").out
    shown = catalogue("snapshots", "show", snapshot_id).out
    assert name in shown
    assert "models/delf-lite2-v1" in shown
    assert catalogue("snapshots", "verify", snapshot_id).out.startswith(f"{name} is whole: ")

    (folder,) = tmp_path_factory.getbasetemp().glob(f"server[0-9]*/data/snapshots/{snapshot_id}")
    assert catalogue("snapshots", "verify", folder, "--json").json["snapshot"] == name
    restored = catalogue("snapshots", "restore", folder, "--data-dir", tmp_path / "other", "--json").json
    assert restored["restored"]["reference_image_count"] >= 2
    engine = Engine(Settings.load(data_dir=tmp_path / "other"))
    assert {"scene-200", "scene-201"} <= {landmark.id for landmark in engine.catalogue.list_landmarks().items}
    engine.close()
    assert catalogue("snapshots", "list", "--data-dir", tmp_path / "other", "--json").json == []
    assert catalogue("snapshots", "delete", snapshot_id).code == 0
    assert catalogue("snapshots", "show", snapshot_id).code == 4


def test_what_cannot_be_restored_is_told(steeple: Steeple, tmp_path: Path) -> None:
    missing = steeple("snapshots", "restore", tmp_path / "nothing", "--data-dir", tmp_path / "data", "--json")
    assert (missing.code, "it has no snapshot.json" in missing.error["message"]) == (4, True)
    config = tmp_path / "steeple.toml"
    config.write_text('images_url = "s3://key:secret@bucket"\n')
    elsewhere = steeple("snapshots", "restore", "x", "--data-dir", tmp_path / "data", "--config", config, "--json")
    assert (elsewhere.code, "has credentials in it" in elsewhere.error["message"]) == (2, True)
    assert "secret@" not in elsewhere.err
    assert steeple("snapshots", "list", "--config", config).code == 2
    assert not (tmp_path / "data").exists()
