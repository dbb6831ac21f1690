"""Processes that are killed while they save; whatever they said to be saved must be there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from steeple.app.data import AppData
from steeple.app.secrets import FileSecrets

from .known import features_of
from .saver import TIME

ROOT = Path(__file__).resolve().parents[2]


def killed_after(lines: int, *arguments: str) -> list[dict[str, Any]]:
    """What the process said until it was killed, which was not before it had said so many lines."""
    command = [sys.executable, "-m", "tests.app.saver", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(lines)]
        os.kill(process.pid, signal.SIGKILL)
        said += process.stdout.readlines()
        assert process.wait() == -signal.SIGKILL
    return [json.loads(line) for line in said if line.endswith("\n")]


def opened(folder: Path) -> AppData:
    return AppData.open(folder, secrets=FileSecrets(folder / "secrets.json"))


@pytest.mark.parametrize("lines", [1, 17, 40, 83])
def test_what_was_saved_outlives_the_process(lines: int, tmp_path: Path) -> None:
    said = killed_after(lines, str(tmp_path))
    last = {name: value for line in said for name, value in line.items()}
    with opened(tmp_path) as data:
        assert data.problems == ()
        entries = {entry.id: entry for entry in data.history.list(limit=1000)}
        assert set(last["history"]) - set(entries) <= set(last["history"][:1])  # being deleted
        assert all(entries[number].thumbnail == b"\xff" * 30_000 for number in set(last["history"]) & set(entries))
        waiting = [query.id for query in data.waiting.list()]
        assert waiting == list(range(1, len(waiting) + 1))
        assert last.get("waiting", 0) <= len(waiting) <= last.get("waiting", 0) + 1
        proposals = [item.id for item in data.proposals.list()]
        assert last.get("proposal", 0) <= len(proposals) <= last.get("proposal", 0) + 1
        language = int(data.settings.current.language.removeprefix("x") or 0)
        assert 0 <= language - int(last.get("max_bytes", "x0").removeprefix("x")) <= 1
        assert data.settings.current.max_bytes == ((1024, 4096)[language % 2] if language else 4096)
        key = int((data.keys.get("localhost:1") or "stp_0").removeprefix("stp_"))
        assert 0 <= key - int(last.get("key", "stp_0").removeprefix("stp_")) <= 1


@pytest.mark.parametrize("lines", [1, 7])
def test_each_answer_of_what_waited_is_there_once(lines: int, tmp_path: Path) -> None:
    with opened(tmp_path) as data:
        for number in range(1, 41):
            data.waiting.add(features_of(number), time=TIME)
    answered = [line["answered"] for line in killed_after(lines, str(tmp_path), "answer")]
    with opened(tmp_path) as data:
        names = [entry.answer.candidates[0].landmark.display_name for entry in data.history.list(limit=100)]
        left = [f"L{len(query.features)}" for query in data.waiting.list()]
        assert sorted(names + left, key=lambda name: int(name[1:])) == [f"L{number}" for number in range(1, 41)]
        assert lines <= len(answered) <= len(names)
