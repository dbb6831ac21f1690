from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from steeple.delf import DEFAULT_RELEASE, ModelRelease, available_releases
from steeple.delf.release import CODEBOOK, MANIFEST, MODEL_CARD, NETWORK
from steeple.errors import NotFoundError, ReleaseError


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the default release, to be damaged."""
    return Path(shutil.copytree(ModelRelease.load().path, tmp_path / "copy"))


@pytest.mark.parametrize("name", available_releases())
def test_every_release_that_ships_is_whole(name: str) -> None:
    release = ModelRelease.load(name)
    assert release.name == release.path.name == name
    assert release.network_path.stat().st_size < 3 << 20
    assert (release.path / MODEL_CARD).read_text(encoding="utf-8").startswith(f"# {name}")
    assert 0.5 <= release.calibration.threshold < 1


def test_the_default_release_ships() -> None:
    assert DEFAULT_RELEASE in available_releases()


def test_a_release_loads_from_its_folder(copy: Path) -> None:
    assert ModelRelease.load(copy).tflite_sha256 == ModelRelease.load().tflite_sha256


@pytest.mark.parametrize("name", ["delf-nonesuch", "", ".", "../delf", "/"])
def test_an_unknown_release_is_named_with_those_there_are(name: str) -> None:
    with pytest.raises(NotFoundError, match=DEFAULT_RELEASE):
        ModelRelease.load(name)


@pytest.mark.parametrize("name", ["x" * 300, "x/" * 3000, "a\0b"])
def test_a_name_that_no_file_system_has_is_no_release(name: str) -> None:
    with pytest.raises(NotFoundError, match="no model release"):
        ModelRelease.load(name)


@pytest.mark.parametrize("name", [NETWORK, CODEBOOK])
def test_an_altered_file_is_found(copy: Path, name: str) -> None:
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(ReleaseError, match=f"{name} was altered"):
        ModelRelease.load(copy)


@pytest.mark.parametrize("name", [NETWORK, CODEBOOK])
def test_a_missing_file_is_found(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(ReleaseError, match=f"{name} cannot be read"):
        ModelRelease.load(copy)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("format", 2, "format 1"),
        ("files", {}, "does not list"),
        ("calibration", {}, "lacks or misstates"),
        ("index", {"factory": "Flat"}, "lacks or misstates"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(copy: Path, key: str, value: object, reason: str) -> None:
    manifest = json.loads((copy / MANIFEST).read_text(encoding="utf-8")) | {key: value}
    (copy / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(ReleaseError, match=reason):
        ModelRelease.load(copy)


def test_a_manifest_that_is_not_json_is_refused(copy: Path) -> None:
    (copy / MANIFEST).write_text("{", encoding="utf-8")
    with pytest.raises(ReleaseError, match="not JSON"):
        ModelRelease.load(copy)
