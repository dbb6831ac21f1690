"""What a server does by itself now and then."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from steeple.server import upkeep
from steeple.server.data_dir import DataDir
from steeple.server.engine import Engine
from steeple.server.identify_counts import IdentifyCounts
from steeple.server.ingest import Ingest
from steeple.server.memory import FreedMemory
from steeple.server.operations import OperationRunner
from steeple.server.review import Review
from steeple.server.settings import Settings
from steeple.server.uploads import Uploads
from steeple.server.usage import UsageCounts

CHORES: dict[str, tuple[type, str]] = {
    "answers by image are saved": (IdentifyCounts, "save"),
    "answers by month are saved": (UsageCounts, "save"),
    "deleted images go": (Ingest, "purge"),
    "old operations go": (OperationRunner, "purge"),
    "kept queries go": (Review, "purge"),
    "old uploads go": (Uploads, "purge"),
    "data from before a restore goes": (DataDir, "forget_previous"),
    "freed memory is given back": (FreedMemory, "give_back"),
}


def test_every_chore_is_done_while_a_server_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "_EVERY_SECONDS", 0.01)
    done = {name: threading.Event() for name in CHORES}
    for name, (owner, method) in CHORES.items():

        def chore(*_: object, name: str = name, real: object = getattr(owner, method)) -> None:
            real(*_)  # type: ignore[operator]
            done[name].set()

        monkeypatch.setattr(owner, method, chore)
    engine = Engine(Settings.load(data_dir=tmp_path / "data"))
    try:
        assert {name for name, event in done.items() if not event.wait(20.0)} == set()
    finally:
        engine.close()
