"""``steeple catalogue migrate`` and ``steeple images migrate``."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from steeple.server.catalogue import Catalogue, LandmarkDraft
from steeple.server.images import ImageStore

from .support import Steeple


@pytest.fixture
def source(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/catalogue.db"
    with Catalogue.open(url) as catalogue:
        for number in range(3):
            catalogue.create_landmark(LandmarkDraft(f"Tower {number}"), landmark_id=f"t{number}")
    return url


def test_a_catalogue_is_copied_and_what_to_do_next_is_said(steeple: Steeple, source: str, tmp_path: Path) -> None:
    target = f"sqlite:///{tmp_path}/other.db"
    ran = steeple("catalogue", "migrate", "--from", source, "--to", target)
    assert ran.code == 0, ran.err
    assert "landmark" in ran.out
    assert "set database_url (STEEPLE_DATABASE_URL)" in ran.err
    again = steeple("catalogue", "migrate", "--from", source, "--to", target)
    assert (again.code, "the target is not empty" in again.err) == (6, True)
    with Catalogue.open(target) as catalogue:
        assert [landmark.id for landmark in catalogue.list_landmarks().items] == ["t0", "t1", "t2"]


@pytest.mark.engines
def test_a_catalogue_goes_to_postgresql(
    steeple: Steeple, source: str, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_password = postgres_url.replace("://steeple@", "://steeple:s3cret@")
    monkeypatch.setenv("STEEPLE_MIGRATE_TO", with_password)
    ran = steeple("catalogue", "migrate", "--from", source, "--json")
    assert ran.code == 0, ran.err
    assert "s3cret" not in ran.out + ran.err
    assert ran.json["to"] == postgres_url.replace("://steeple@", "://steeple:***@")
    assert (ran.json["changed_meanwhile"], ran.json["replaced_characters"]) == (False, 0)
    assert {one["name"]: one["rows"] for one in ran.json["tables"]}["landmark"] == 3
    with Catalogue.open(postgres_url) as catalogue:
        assert [landmark.id for landmark in catalogue.list_landmarks().items] == ["t0", "t1", "t2"]


def test_what_cannot_be_copied_is_said_and_nothing_is_made(steeple: Steeple, source: str, tmp_path: Path) -> None:
    missing = steeple("catalogue", "migrate", "--from", f"sqlite:///{tmp_path}/typo.db", "--to", source, "--json")
    assert (missing.code, "there is no catalogue" in missing.error["message"]) == (6, True)
    same = steeple("catalogue", "migrate", "--from", source, "--to", source, "--json")
    assert (same.code, "the same database" in same.error["message"]) == (6, True)
    photos = steeple("images", "migrate", "--from", tmp_path / "typo", "--to", tmp_path / "other", "--json")
    assert (photos.code, "there is no folder" in photos.error["message"]) == (6, True)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(("typo", "other"))] == []


def test_photos_are_copied_and_lost_ones_are_told(steeple: Steeple, tmp_path: Path) -> None:
    source = ImageStore(str(tmp_path / "images"))
    digests = [source.put(photo) for photo in (b"one", b"two", b"three")]
    ran = steeple("images", "migrate", "--from", tmp_path / "images", "--to", tmp_path / "other", "--json")
    assert (ran.code, ran.json) == (0, {"copied_count": 3, "copied_bytes": 11, "present_count": 0, "lost": []})
    lost = digests[0]
    (tmp_path / "images" / lost[:2] / lost[2:4] / lost).write_bytes(b"damaged")
    (tmp_path / "other" / lost[:2] / lost[2:4] / lost).unlink()
    ran = steeple("images", "migrate", "--from", tmp_path / "images", "--to", tmp_path / "other")
    assert (ran.code, lost in ran.out, "2 were there already" in ran.out) == (1, True, True)
    assert hashlib.sha256(ImageStore(str(tmp_path / "other")).get(digests[1])).hexdigest() == digests[1]
