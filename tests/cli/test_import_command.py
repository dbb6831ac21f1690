"""``steeple import``, against a server in a process of its own."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tests.scenes import encoded, scene

from .support import Steeple


@pytest.fixture(autouse=True)
def server(address: str, steeple: Steeple, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEEPLE_SERVER", address)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two photos of a landmark, a bad one, and a file that is passed over."""
    made = tmp_path / "in" / "Old Mill"
    made.mkdir(parents=True)
    for number in (400, 401):
        (made / f"{number}.jpg").write_bytes(encoded(scene(number, 96, 72)))
    (made / "bad.jpg").write_bytes(b"no photo")
    (made / ".hidden.jpg").write_bytes(b"x")
    return made.parent


def test_a_folder_is_tried_imported_and_imported_again(steeple: Steeple, folder: Path) -> None:
    before = steeple("uploads", "list", "--json").json
    tried = steeple("import", folder, "--dry-run", "--json")
    assert (tried.code, tried.json["results"]["photos_to_add"], tried.json["results"]["failed"]) == (1, "2", "1")
    assert steeple("landmarks", "show", "old-mill").code == 4
    ran = steeple("import", folder)
    assert ran.code == 1
    assert "1 landmarks created, 2 photos added, 1 failed" in ran.out
    assert "Old Mill/bad.jpg" in ran.out
    assert "not an image of a known format" in ran.out
    again = steeple("import", folder, "--json")
    assert (again.code, again.json["results"]["photos_there_already"]) == (1, "2")
    assert [problem["item"] for problem in again.json["problems"]] == ["Old Mill/bad.jpg"]
    assert len(steeple("images", "list", "old-mill", "--json").json) == 2
    assert steeple("uploads", "list", "--json").json == before, "what was uploaded is not left behind"


def test_a_manifest_takes_its_photos_with_it(steeple: Steeple, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "1.jpg").write_bytes(encoded(scene(410, 96, 72)))
    (tmp_path / "stranger.jpg").write_bytes(b"not named, so not sent")
    text = "photo;landmark;display_name;labels\nphotos/1.jpg;Windmill;The Windmill;mill\n;lonely;;\n"
    (tmp_path / "list.csv").write_text(text, encoding="utf-8-sig")
    assert steeple("import", tmp_path / "list.csv").code == 0
    shown = steeple("landmarks", "show", "windmill", "--json").json
    assert (shown["display_name"], shown["labels"], shown["reference_image_count"]) == ("The Windmill", ["mill"], 1)
    (tmp_path / "list.jsonl").write_text(json.dumps({"landmark": "lonely", "description": "No photo yet."}))
    ran = steeple("import", tmp_path / "list.jsonl", "--on-existing", "update")
    assert (ran.code, ran.out) == (0, "1 landmarks updated, 0 failed\n")
    assert steeple("landmarks", "show", "lonely", "--json").json["description"] == "No photo yet."
    failed = steeple("import", tmp_path / "list.csv", "--on-existing", "fail", "--json")
    assert (failed.code, failed.error["status"]) == (5, "ALREADY_EXISTS")


def test_an_archive_can_be_sent_without_waiting(steeple: Steeple, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("photos/Mill Pond/1.jpg", encoded(scene(420, 96, 72)))
    ran = steeple("import", tmp_path / "photos.zip", "--no-wait", "--json")
    assert ran.code == 0
    waited = steeple("operations", "wait", ran.json["id"], "--json").json
    assert (waited["state"], waited["results"]["photos_added"]) == ("succeeded", "1")


def test_the_archive_of_a_catalogue_is_known_by_what_is_in_it(steeple: Steeple, tmp_path: Path) -> None:
    assert steeple("landmarks", "create", "Water Mill", "--id", "water-mill").code == 0
    assert steeple("export", tmp_path / "all.zip").code == 0
    ran = steeple("import", tmp_path / "all.zip", "--json")
    assert (ran.code, ran.json["method"]) == (0, "steeple.v1.TransferService/ImportCatalogue")
    refused = steeple("import", tmp_path / "all.zip", "--dry-run", "--json")
    assert (refused.code, "archive of a catalogue" in refused.error["message"]) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give a PATH"),
        (("x", "--server-folder", "y"), "give a PATH"),
        (("nothing.zip",), "there is no file nothing.zip"),
        (("nothing.txt",), "give one of these"),
        (("empty",), "no photo"),
        (("list.csv",), "no column 'colour'"),
        (("good.jsonl", "--duplicates", "maybe"), "--duplicates is one of none, report, refuse"),
        (("good.jsonl", "--on-existing", "maybe"), "--on-existing is one of skip, update, fail"),
        (("good.jsonl", "--manifest", "other.csv"), "PATH is one already"),
        ((".", "--manifest", "../x"), "such as manifest.csv"),
    ],
)
def test_what_cannot_be_imported_is_told(
    steeple: Steeple, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "list.csv").write_text("photo,landmark,colour\n")
    (tmp_path / "good.jsonl").write_text('{"landmark": "good"}')
    before = steeple("uploads", "list", "--json").json
    ran = steeple("import", *arguments, "--json")
    assert ran.code == 2
    assert said in ran.error["message"]
    assert steeple("uploads", "list", "--json").json == before


def test_a_folder_of_the_server_needs_its_leave(steeple: Steeple) -> None:
    ran = steeple("import", "--server-folder", "europe", "--json")
    assert (ran.code, ran.error["status"]) == (6, "FAILED_PRECONDITION")
    assert "set import_dir" in ran.error["message"]
