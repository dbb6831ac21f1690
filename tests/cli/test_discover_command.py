from __future__ import annotations

import zipfile
from pathlib import Path

import cv2
import pytest

from tests.known_photos import seen_from
from tests.scenes import encoded, scene

from .support import Steeple


@pytest.fixture
def online(address: str, monkeypatch: pytest.MonkeyPatch, steeple: Steeple) -> Steeple:
    monkeypatch.setenv("STEEPLE_SERVER", address)
    return steeple


def test_a_folder_becomes_a_proposal_a_picture_and_a_landmark(online: Steeple, tmp_path: Path) -> None:
    heap = tmp_path / "heap"
    (heap / "more").mkdir(parents=True)
    for view, name in {0: "one.jpg", 2: "more/two.jpg"}.items():
        (heap / name).write_bytes(encoded(seen_from(scene(740, 400, 300), view)))
    before = online("uploads", "list", "--json").json
    ran = online("discover", heap, "--json")
    assert ran.code == 0, ran.err
    assert (ran.json["photo_count"], ran.json["proposal_count"], ran.json["leftover_count"]) == (2, 1, 0)
    discovery = ran.json["id"]
    assert online("uploads", "list", "--json").json == before
    assert discovery in online("discover", "list").out

    shown = online("discover", "show", discovery, 1, "--json").json
    assert {photo["item"] for photo in shown["photos"]} == {"one.jpg", "more/two.jpg"}
    text = online("discover", "show", discovery, 1).out
    assert "more/two.jpg" in text

    picture = tmp_path / "proposals.png"
    assert online("discover", "picture", discovery, "-o", picture).code == 0
    drawn = cv2.imread(str(picture))
    assert drawn is not None
    assert (drawn.shape[1], drawn.shape[0] > 300) == (1510, True)
    assert online("discover", "picture", discovery, "--proposal", 1, "-o", tmp_path / "one.jpg").code == 0

    split = online("discover", "split", discovery, 1, "--photo", shown["photos"][0]["id"], "--json").json
    assert split["split_proposal"]["photo_count"] == 1
    number = split["split_proposal"]["id"]
    assert online("discover", "discard", discovery, number, "--json").json[0]["state"] == "discarded"
    assert online("discover", "restore", discovery, number, "--json").json[0]["state"] == "proposed"
    merged = online("discover", "merge", discovery, 1, number, "--json").json
    assert merged["photo_count"] == 2
    accepted = online("discover", "accept", discovery, 1, "--name", "Scene 740", "--id", "scene-740", "--json")
    assert accepted.code == 0, accepted.err
    assert len(accepted.json["reference_images"]) == 2
    answer = online("identify", heap / "one.jpg", "--json").json
    assert (answer["identified"], answer["candidates"][0]["landmark"]["id"]) == (True, "scene-740")
    refused = online("discover", "discard", discovery, 1, "--json")
    assert (refused.code, "ACCEPTED" in refused.error["message"]) == (6, True)
    assert online("discover", "show", discovery, "--leftovers", "--json").json == []
    assert online("discover", "delete", discovery).code == 0
    assert online("discover", "show", discovery).code == 4


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["start"], "one of the two"),
        (["photos/", "--on-server", "x"], "one of the two"),
        (["/nowhere/photos"], "no folder or archive"),
        (["show", "x", "1", "--leftovers"], "--leftovers"),
        (["accept", "x", "1"], "--name"),
        (["accept", "x", "1", "--landmark", "a", "--id", "b"], "--id"),
        (["picture", "x", "-o", "x.gif"], "--output"),
    ],
)
def test_wrong_arguments_say_what_is_wrong(args: list[str], says: str, online: Steeple) -> None:
    ran = online("discover", *args, "--json")
    assert (ran.code, ran.out) == (2, "")
    assert says in ran.error["message"]


def test_a_file_that_is_no_archive_is_not_sent(online: Steeple, tmp_path: Path) -> None:
    (tmp_path / "photos.zip").write_bytes(b"not one")
    assert "neither a folder nor a ZIP" in online("discover", tmp_path / "photos.zip", "--json").error["message"]


def test_without_a_folder_of_the_servers_none_may_be_named(online: Steeple) -> None:
    ran = online("discover", "--on-server", "photos", "--json")
    assert (ran.code, "import_dir" in ran.error["message"]) == (6, True)


def test_an_archive_without_photos(online: Steeple, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "notes.zip", "w") as archive:
        archive.writestr("notes.txt", "nothing")
    ran = online("discover", tmp_path / "notes.zip", "--json")
    assert (ran.code, "no photo" in ran.error["message"]) == (2, True)
