"""kill -9 in the middle of adds, removes, snapshots, merges and rebuilds."""

from __future__ import annotations

import multiprocessing
import random
import time
from pathlib import Path

from steeple.server.engine import Engine
from steeple.server.settings import Settings
from tests.server import crash_worker

KILLS = 50


def test_fifty_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    """Each process begins by checking what the ones before it acknowledged."""
    chance = random.Random(4)  # noqa: S311 - no secret
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.server.crash_worker"])
    expected: dict[int, bool | None] = {}
    kinds, changes = set(), 0
    for number in range(KILLS):
        journal = tmp_path / f"journal-{number}"
        arguments = (tmp_path / "data", journal, number, expected)
        process = context.Process(target=crash_worker.work, args=arguments)
        process.start()
        # Now and then in the start itself; else some time after it, and sometimes as long as a rebuild takes.
        if chance.random() < 0.15:
            process.join(chance.uniform(0.0, 0.4))
        else:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and process.is_alive() and "ready" not in said(journal):
                process.join(0.01)
            process.join(chance.uniform(0.0, 6.0 if number % 10 == 9 else 0.8))
        process.kill()
        process.join()
        assert "failed" not in said(journal), said(journal)[-2000:]
        for line in said(journal).splitlines():
            what, image, adds = line.split(" ")
            if what == "ready":
                kinds.add(image)
            elif what == "begin":
                expected[int(image)] = None
            else:
                expected[int(image)] = adds == "True"
                changes += 1
    engine = Engine(Settings.load(data_dir=tmp_path / "data"))
    crash_worker.check(engine, expected)
    engine.close()
    assert changes > KILLS
    assert len(kinds) > 1, "the index was made anew with more lists"


def said(journal: Path) -> str:
    """Whole lines of a journal."""
    text = journal.read_text(encoding="utf-8") if journal.exists() else ""
    return text[: text.rfind("\n") + 1]
