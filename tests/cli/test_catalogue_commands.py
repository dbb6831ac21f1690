"""``steeple landmarks``, ``images`` and ``model`` against a real server."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from .support import Steeple

Photos = Callable[..., list[Path]]


@pytest.fixture(autouse=True)
def _server(address: str, monkeypatch: pytest.MonkeyPatch, steeple: Steeple) -> None:
    monkeypatch.setenv("STEEPLE_SERVER", address)


def test_a_landmark_from_creation_to_deletion(steeple: Steeple) -> None:
    args = ["Basilique Saint-Denis", "--id", "saint-denis", "--location", "48.9355,2.3598", "-m", "country=FR"]
    created = steeple("landmarks", "create", *args, "--json")
    assert created.code == 0
    assert created.json["name"] == "landmarks/saint-denis"
    assert created.json["location"] == {"latitude": 48.9355, "longitude": 2.3598}
    assert created.json["metadata"] == {"country": "FR"}

    again = steeple("landmarks", "create", "Another", "--id", "saint-denis", "--json")
    assert (again.code, again.error["reason"]) == (5, "ALREADY_EXISTS")

    updated = steeple(
        "landmarks", "update", "landmarks/saint-denis", "--name", "Saint-Denis", "--no-location", "--json"
    )
    assert updated.json["display_name"] == "Saint-Denis"
    assert updated.json["location"] is None
    assert updated.json["metadata"] == {"country": "FR"}, "what was not given is left"
    stale = steeple("landmarks", "update", "saint-denis", "--name", "X", "--etag", created.json["etag"], "--json")
    assert (stale.code, stale.error["reason"]) == (7, "ETAG_MISMATCH")
    assert steeple("landmarks", "show", "saint-denis", "--json").json == updated.json

    text = steeple("landmarks", "show", "saint-denis")
    assert "Saint-Denis" in text.out
    assert "country=FR" in text.out
    assert steeple("landmarks", "delete", "saint-denis", "--json").json == {"deleted": ["landmarks/saint-denis"]}
    assert "deleted until" in steeple("landmarks", "show", "saint-denis").out
    gone = steeple("landmarks", "delete", "saint-denis")
    assert gone.code == 4
    assert gone.err.startswith("error: ")
    assert steeple("landmarks", "undelete", "saint-denis", "--json").json["delete_time"] is None


def test_landmarks_are_found_by_aliases_and_labels(steeple: Steeple) -> None:
    args = ["Tour Eiffel", "--id", "eiffel", "--alias", "de=Eiffelturm", "--alias", "de=Der Turm", "--label", "iron"]
    created = steeple("landmarks", "create", *args, "--label", "tower", "--inactive", "--json")
    assert created.json["aliases"] == {"de": ["Eiffelturm", "Der Turm"]}
    assert created.json["labels"] == ["iron", "tower"]
    assert created.json["active"] is False
    (found,) = steeple("landmarks", "list", "--filter", "eiffelturm AND labels:iron", "--json").json
    assert found["id"] == "eiffel"
    updated = steeple("landmarks", "update", "eiffel", "--active", "--no-labels", "--json").json
    assert (updated["active"], updated["labels"], updated["aliases"]) == (True, [], created.json["aliases"])
    assert steeple("landmarks", "list", "--filter", "labels:iron", "--json").json == []
    wrong = steeple("landmarks", "list", "--filter", "labels: (", "--json")
    assert wrong.code == 2
    assert "character 9: a value is expected here" in wrong.error["message"]
    assert steeple("landmarks", "create", "X", "--alias", "fr").code == 2
    both = steeple("landmarks", "update", "eiffel", "--label", "a", "--no-labels")
    assert both.code == 2


def test_listing_goes_over_pages_and_stops_at_the_limit(steeple: Steeple) -> None:
    for number in range(3):
        assert steeple("landmarks", "create", f"Tower {number}", "--id", f"list-tower-{number}").code == 0
    ids = [landmark["id"] for landmark in steeple("landmarks", "list", "--json").json]
    assert [one for one in ids if one.startswith("list-tower-")] == ["list-tower-0", "list-tower-1", "list-tower-2"]
    assert [landmark["id"] for landmark in steeple("landmarks", "list", "--limit", 2, "--json").json] == ids[:2]
    assert "list-tower-2" in steeple("landmarks", "list").out


def test_adding_goes_on_past_bad_photos_and_resumes(steeple: Steeple, photos: Photos, tmp_path: Path) -> None:
    steeple("landmarks", "create", "Fort", "--id", "fort")
    first, second = photos(100, 101)
    (tmp_path / "photos" / "050-broken.jpg").write_bytes(first.read_bytes()[:2000])
    (tmp_path / "photos" / "notes.txt").write_text("not a photo", encoding="utf-8")

    ran = steeple("images", "add", "fort", tmp_path / "photos", "-m", "by=Ada", "--json")
    assert ran.code == 1
    assert [added["photo"] for added in ran.json["added"]] == [str(first), str(second)]
    (failed,) = ran.json["failed"]
    assert failed["photo"].endswith("050-broken.jpg")
    assert failed["error"]["reason"] == "IMAGE_INVALID"
    for added, path in zip(ran.json["added"], (first, second), strict=True):
        assert added["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert added["metadata"] == {"by": "Ada"}
        assert added["feature_count"] > 100

    (third,) = photos(102)
    copy = tmp_path / "copy.jpg"
    copy.write_bytes(first.read_bytes())
    resumed = steeple("images", "add", "landmarks/fort", first, second, third, copy, "--json")
    assert resumed.code == 0
    assert [added["photo"] for added in resumed.json["added"]] == [str(third)]
    assert resumed.json["skipped"] == [str(first), str(second), str(copy)]
    assert len(steeple("images", "list", "fort", "--json").json) == 3

    text = steeple("images", "add", "fort", tmp_path / "photos")
    assert text.code == 1
    assert text.out.strip() == "0 added, 3 there already, 1 failed"
    assert "050-broken.jpg" in text.err


def test_images_are_listed_downloaded_and_deleted(
    steeple: Steeple, photos: Photos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    steeple("landmarks", "create", "Mill", "--id", "mill")
    (photo,) = photos(110)
    added = steeple("images", "add", "mill", photo, "--json").json["added"][0]
    (listed,) = steeple("images", "list", "mill", "--json").json
    assert listed["name"] == added["name"]
    assert (listed["width"], listed["height"], listed["size_bytes"]) == (480, 360, photo.stat().st_size)
    assert listed["name"] in steeple("images", "list", "mill").out

    saved = steeple("images", "download", listed["name"], "--json").json
    assert saved["file"] == f"{listed['id']}.jpg"
    assert (tmp_path / saved["file"]).read_bytes() == photo.read_bytes()
    original = steeple("images", "download", listed["name"], "--original", "-o", "original.jpg", "--json").json
    assert original["bytes"] == photo.stat().st_size
    both = steeple("images", "download", listed["name"], "--original", "--thumbnail", "--json")
    assert (both.code, "exclude each other" in both.error["message"]) == (2, True)
    again = steeple("images", "download", listed["name"], "--json")
    assert again.code == 2
    assert "exists" in again.error["message"]

    refused = steeple("landmarks", "delete", "mill", "--json")
    assert (refused.code, refused.error["status"]) == (6, "FAILED_PRECONDITION")
    assert steeple("images", "delete", listed["name"]).code == 0
    assert steeple("images", "list", "mill", "--json").json == []
    assert steeple("images", "delete", listed["name"]).code == 4
    (kept,) = steeple("images", "list", "mill", "--deleted", "--json").json
    assert kept["expire_time"] is not None
    back = steeple("images", "undelete", listed["name"], "--json").json
    assert (back["name"], back["delete_time"]) == (listed["name"], None)
    assert "of 5" in steeple("images", "show", listed["name"]).out
    updated = steeple("images", "update", listed["name"], "--location", "51.5,-0.1", "-m", "by=Ada", "--json").json
    assert (updated["capture_location"], updated["metadata"]) == ({"latitude": 51.5, "longitude": -0.1}, {"by": "Ada"})
    assert steeple("images", "update", listed["name"]).code == 2
    small = steeple("images", "download", listed["name"], "--thumbnail", "-o", "small.jpg", "--json").json
    assert small["media_type"] == "image/jpeg"
    assert small["bytes"] < photo.stat().st_size


def test_duplicates_are_named_or_refused(steeple: Steeple, photos: Photos) -> None:
    for landmark in ("twin-a", "twin-b"):
        steeple("landmarks", "create", landmark, "--id", landmark)
    (photo,) = photos(130)
    first = steeple("images", "add", "twin-a", photo, "--json").json["added"][0]
    refused = steeple("images", "add", "twin-b", photo, "--refuse-duplicates", "--json")
    assert refused.code == 1
    assert first["name"] in refused.json["failed"][0]["error"]["message"]
    assert f"same photo, 0 inliers: {first['name']}" in steeple("images", "add", "twin-b", photo).out


def test_photos_for_a_landmark_that_is_not_there(steeple: Steeple, photos: Photos) -> None:
    ran = steeple("images", "add", "atlantis", *photos(120), "--json")
    assert (ran.code, ran.error["status"]) == (4, "NOT_FOUND")


def test_models_are_listed_and_shown(steeple: Steeple) -> None:
    (model,) = steeple("model", "list", "--json").json
    assert (model["id"], model["default"], model["descriptor_dimensions"]) == ("delf-lite2-v1", True, 40)
    assert steeple("model", "show", "delf-lite2-v1", "--json").json == model
    assert "delf-lite2-v1" in steeple("model", "list").out
    assert model["tflite_sha256"] in steeple("model", "show").out
    assert steeple("model", "show", "delf-none").code == 4
