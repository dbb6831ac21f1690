from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from steeple.app.data import AppData
from steeple.app.found import Origin
from steeple.app.history import HistoryEntry
from steeple.app.secrets import FileSecrets
from steeple.app.settings import AppSettings
from steeple.app.thumbnails import thumbnail_of
from steeple.client import Client
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


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with much in it."""
    folder = tmp_path_factory.mktemp("kept")
    with AppData.open(folder, secrets=FileSecrets(folder / "secrets.json")) as data:
        for number in range(12):
            data.history.add(HistoryEntry(answer_of(f"Gate {number}"), Origin.SERVER, NOON, b"\xff" * 5000))
            data.waiting.add(features_of(30), time=NOON)
            data.proposals.photo("h:1", b"\xff" * 5000, f"Gate {number}")
    return folder / "app.db"


@settings(max_examples=40, deadline=None)
@example(damage=[(0.296875, b"\x80")], share=1.0)  # within a text, which SQLite takes for whole
@given(
    damage=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=3000)), max_size=4),
    share=st.floats(0.02, 1),
)
def test_the_app_starts_whatever_happened_to_its_database(
    damage: list[tuple[float, bytes]], share: float, kept: Path
) -> None:
    whole = kept.read_bytes()
    content = bytearray(whole[: int(len(whole) * share)])
    for place, scribble in damage:
        at = int(place * len(content))
        content[at : at + len(scribble)] = scribble
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "app.db").write_bytes(content)
        try:
            data = AppData.open(folder, secrets=FileSecrets(folder / "secrets.json"))
        except FailedPreconditionError as error:
            # The number that says so was scribbled on, and nothing else.
            assert "newer version" in error.message  # noqa: PT017
            assert (folder / "app.db").read_bytes() == content
            return
        with data:
            if data.problems:
                assert (folder / "app.db.damaged-1").read_bytes() == content
            names = {entry.answer.candidates[0].landmark.display_name for entry in data.history.list(limit=99)}
            assert len(names) <= data.history.count() <= 12
            assert len(data.waiting.list()) <= data.waiting.count() <= 12
            assert len(data.proposals.list()) <= data.proposals.count() <= 12
            number = data.history.add(HistoryEntry(answer_of("New gate"), Origin.SERVER, NOON))
            assert data.history.get(number).answer.landmark is not None


@pytest.mark.parametrize(
    "change",
    [
        "history SET answer = CAST(X'7b80' AS TEXT)",
        "history SET origin = 'nobody'",
        "history SET time = 'noon'",
        "waiting SET features = X'ff'",
        "waiting SET time = 1e300",
        "outbox SET facts = '{'",
        'outbox SET facts = \'{"name": "a"}\'',
        "outbox SET kind = 'rumour'",
    ],
)
def test_one_thing_that_is_damaged_hides_no_other(change: str, kept: Path, tmp_path: Path) -> None:
    (tmp_path / "app.db").write_bytes(kept.read_bytes())
    with closing(sqlite3.connect(tmp_path / "app.db")) as connection, connection:
        connection.execute(f"UPDATE {change} WHERE id = 1")
    with AppData.open(tmp_path, secrets=FileSecrets(tmp_path / "secrets.json")) as data:
        listed = {
            "history": [entry.id or 0 for entry in data.history.list()],
            "waiting": [query.id for query in data.waiting.list()],
            "outbox": [proposal.id for proposal in data.proposals.list()],
        }
        assert sorted(listed.pop(change.split(maxsplit=1)[0])) == list(range(2, 13))
        assert all(sorted(numbers) == list(range(1, 13)) for numbers in listed.values())
        with Client("localhost:1", max_attempts=1) as nobody:
            assert list(data.proposals.send(nobody, "h:1")) == []


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


def test_a_phone_has_all_that_it_needs() -> None:
    modules = "data, searcher, connection, connection_check, thumbnails"
    program = f"from steeple.app import {modules}; import sys; print(*{{name.split('.')[0] for name in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    loaded = set(run.stdout.split())
    assert {"numpy", "cv2", "grpc", "sqlite3"} <= loaded
    unwanted = {"kivy", "jnius", "faiss", "sqlalchemy", "pydantic", "rich", "typer", "keyring", "ai_edge_litert"}
    assert loaded & unwanted == set()
