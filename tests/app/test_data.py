from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from steeple.app.data import AppData
from steeple.app.found import Origin
from steeple.app.history import HistoryEntry
from steeple.app.secrets import FileSecrets
from steeple.app.settings import AppSettings
from steeple.app.thumbnails import thumbnail_of
from steeple.errors import FailedPreconditionError, ImageError
from tests.scenes import scene

from .known import answer_of, features_of

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def filled(folder: Path, packs: Path) -> None:
    with AppData.open(folder, secrets=FileSecrets(folder / "secrets.json")) as data:
        data.settings.change(server="h:1", language="ko")
        data.keys.set("h:1", "stp_1_hidden")
        data.history.add(HistoryEntry(answer_of("Hidden gate"), Origin.SERVER, NOON, b"hidden photo"))
        data.waiting.add(features_of(20), time=NOON, thumbnail=b"hidden photo")
        data.proposals.photo("h:1", b"hidden photo", "Hidden gate")
        data.packs.add(packs / "gate-50.pack")


def test_all_is_there_again(tmp_path: Path, packs: Path) -> None:
    filled(tmp_path / "app", packs)
    with AppData.open(tmp_path / "app", secrets=FileSecrets(tmp_path / "app" / "secrets.json")) as data:
        assert data.settings.current == AppSettings(server="h:1", language="ko")
        assert data.keys.get("h:1") == "stp_1_hidden"
        assert (data.history.count(), data.waiting.count(), data.proposals.count()) == (1, 1, 1)
        assert [pack.id for pack in data.packs.list()] == ["gate-50"]
        assert data.problems == ()
        assert data.size_bytes() > data.packs.list()[0].size_bytes > 1000


def test_nobody_else_may_look_into_the_folder(tmp_path: Path, packs: Path) -> None:
    filled(tmp_path / "app", packs)
    assert stat.S_IMODE((tmp_path / "app").stat().st_mode) == 0o700


def test_the_key_is_in_the_secrets_and_nowhere_else(tmp_path: Path, packs: Path) -> None:
    filled(tmp_path / "app", packs)
    holding = [path.name for path in (tmp_path / "app").rglob("*") if path.is_file() and b"hidden" in path.read_bytes()]
    assert sorted(holding) == ["app.db", "secrets.json"]
    assert b"stp_" not in (tmp_path / "app" / "app.db").read_bytes()


def test_erasing_leaves_nothing(tmp_path: Path, packs: Path) -> None:
    folder = tmp_path / "app"
    filled(folder, packs)
    (folder / "settings.json").write_text("{", "utf-8")
    (folder / "packs" / ".hall-50.pack.coming.0123.part").write_bytes(b"hidden")  # of a download that was interrupted
    with AppData.open(folder, secrets=FileSecrets(folder / "secrets.json")) as data:
        assert len(data.problems) == 1
        data.erase()
        assert data.settings.current == AppSettings()
        assert (data.history.count(), data.waiting.count(), data.proposals.count(), data.packs.list()) == (0, 0, 0, ())
        left = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
        assert b"idden" not in left
        assert b"stp_" not in left
    assert {path.name for path in folder.iterdir()} == {"settings.json", "secrets.json", "app.db", "packs"}
    assert list((folder / "packs").iterdir()) == []


def test_a_damaged_database_is_told_and_its_readable_entries_are_there(tmp_path: Path, packs: Path) -> None:
    folder = tmp_path / "app"
    filled(folder, packs)
    (folder / "app.db").write_bytes(b"this was a database once" * 500)
    with AppData.open(folder, secrets=FileSecrets(folder / "secrets.json")) as data:
        assert "app.db.damaged-1" in data.problems[0]
        assert data.history.count() == 0
        assert data.settings.current.language == "ko"  # what is not damaged stays


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FailedPreconditionError, match="choose another folder"):
        AppData.open(tmp_path / "file" / "app")


@pytest.mark.parametrize(
    ("width", "height", "size"), [(640, 480, (480, 360)), (300, 900, (160, 480)), (50, 20, (50, 20))]
)
def test_photos_are_made_small(width: int, height: int, size: tuple[int, int]) -> None:
    pixels = scene(1, width, height)
    data = thumbnail_of(pixels)
    small = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert small is not None
    assert small.shape[1::-1] == size
    reference = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    grey, other = (cv2.cvtColor(each, cv2.COLOR_BGR2GRAY).astype(int) for each in (small, reference[:, :, ::-1]))
    assert np.abs(grey - other).mean() < 8
    assert len(data) < 80_000


@pytest.mark.parametrize("pixels", [np.zeros((0, 5, 3), np.uint8), np.zeros((5, 5), np.uint8), np.zeros((5, 5, 3))])
def test_what_is_no_photo_is_told(pixels: np.ndarray) -> None:
    with pytest.raises(ImageError, match=r"uint8\[H, W, 3\]"):
        thumbnail_of(pixels)
