"""``steeple export``, ``steeple uploads``, and the function that imports an archive."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import pytest

from steeple.cli.import_archive import import_archive, is_archive
from steeple.cli.local_server import local_server
from steeple.cli.output import Output
from steeple.client import Client
from steeple.errors import AlreadyExistsError

from .support import Steeple


def test_a_catalogue_is_exported_and_imported_elsewhere(
    catalogue: Steeple, address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "out" / "catalogue.zip"
    ran = catalogue("export", file, "--json")
    assert ran.code == 0, ran.err
    told = ran.json
    assert told["file"] == str(file)
    assert told["file_sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert int(told["images"]) >= 2
    assert is_archive(file)
    with Client(address) as client:
        assert told["operation"] not in [operation.name for operation in client.list_operations()], "is cleared up"
    with local_server(tmp_path / "data", tmp_path / "server.log") as other, Client(other) as client:
        done = import_archive(Output(as_json=True), client, file)
        shown = json.loads(capsys.readouterr().out)
        assert (shown["state"], shown["problems"]) == ("succeeded", [])
        assert done.results["images"] == told["images"]
        assert list(client.list_uploads()) == []
        again = tmp_path / "again.zip"
        ran = catalogue("export", again, "--server", other, "--keep")
        assert ran.code == 0
        assert f"{again}: {told['landmarks']} landmarks, {told['images']} images" in ran.out
        with zipfile.ZipFile(file) as first, zipfile.ZipFile(again) as second:
            assert first.read("images.jsonl") == second.read("images.jsonl")
        operation = next(iter(client.list_operations()))
        ran = catalogue("export", tmp_path / "third.zip", "--server", other, "--operation", operation.id)
        assert (tmp_path / "third.zip").read_bytes() == again.read_bytes()
        client.update_landmark("scene-200", display_name="Renamed")
        with pytest.raises(AlreadyExistsError, match="1 ids of the archive are taken"):
            import_archive(Output(as_json=True), client, file)
        (left,) = json.loads(catalogue("uploads", "list", "--server", other, "--json").out)
        assert (left["file_name"], left["complete"]) == ("catalogue.zip", True)
        assert "catalogue.zip" in catalogue("uploads", "list", "--server", other).out
        done = import_archive(Output(as_json=False), client, file, existing="replace", upload=left["id"])
        assert "images" in capsys.readouterr().out
        assert client.get_landmark("scene-200").display_name == "Scene 200"
        client.upload_file(file)
        (left,) = client.list_uploads()
        assert catalogue("uploads", "delete", left.id, "--server", other, "--json").json == {"deleted": left.name}
        assert catalogue("uploads", "delete", left.id, "--server", other).code == 4


def test_what_cannot_be_written_is_told_before_anything_is_begun(steeple: Steeple, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "catalogue.tar", tmp_path / "file" / "catalogue.zip"):
        ran = steeple("export", path, "--server", "127.0.0.1:1", "--json")
        assert ran.code == 2
        assert ran.error["status"] == "INVALID_ARGUMENT"


def test_only_archives_of_catalogues_are_taken_for_them(tmp_path: Path) -> None:
    photos = tmp_path / "photos.zip"
    with zipfile.ZipFile(photos, "w") as archive:
        archive.writestr("a/b.jpg", b"x")
    (tmp_path / "text.zip").write_text("steeple.json")
    for path in (photos, tmp_path / "text.zip", tmp_path / "nothing.zip", tmp_path):
        assert not is_archive(path)
