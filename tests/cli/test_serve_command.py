"""``steeple serve``, by itself and as the server of another command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from steeple.cli.local_server import local_server
from steeple.client import Client
from steeple.errors import UnavailableError

from .support import Steeple


def test_serve_says_when_it_is_ready_and_stops_on_sigterm(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "steeple.cli", "serve", "--address", "127.0.0.1:0", "--data-dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert line.startswith("Steeple serves delf-lite2-v1 on 127.0.0.1:")
    assert str(tmp_path) in line
    assert process.returncode == 0


def test_an_index_that_cannot_be_is_refused_before_anything_starts(steeple: Steeple, tmp_path: Path) -> None:
    ran = steeple("serve", "--index", "IVF64,PQ20x4fs", "--data-dir", tmp_path / "data")
    assert ran.code == 2
    assert "FAISS cannot map from a file" in ran.err
    assert "an example: OPQ20,IVF4096_HNSW32,PQ20" in ran.err
    assert not (tmp_path / "data").exists()


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way", encoding="utf-8")
    with (
        pytest.raises(UnavailableError, match=r"did not start, it exited with \d+; it wrote: .*data"),
        local_server(tmp_path / "data", tmp_path / "log"),
    ):
        pytest.fail("it must not be used")


def test_the_users_own_settings_do_not_reach_a_local_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = tmp_path / "mine.db"
    monkeypatch.setenv("STEEPLE_DATABASE_URL", f"sqlite:///{database}")
    with local_server(tmp_path / "data", tmp_path / "log") as address, Client(address) as client:
        client.create_landmark("Mine?")
    assert not database.exists()


def test_a_terminated_command_takes_its_server_along(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib\n"
        "from steeple.cli.local_server import local_server\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "with local_server(folder / 'data', folder / 'log') as address:\n"
        "    print(address, flush=True)\n"
        "    sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        os.kill(process.pid, signal.SIGTERM)
        process.wait(30)
    assert process.returncode == 143
    with Client(address) as client, pytest.raises(UnavailableError):
        client.list_models()
