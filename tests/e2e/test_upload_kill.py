"""An upload to a real server that is killed in the middle of it."""

from __future__ import annotations

import signal
import threading
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from steeple.client import Client, Upload
from tests.client.proxy import CuttingProxy, cutting
from tests.e2e.test_restart import Served, serving

MIB = 1 << 20
DATA = np.random.default_rng(5).bytes(20 * MIB)


def kill_at(proxy: CuttingProxy, server: Served, forwarded: int, uploading: threading.Thread) -> None:
    while proxy.forwarded < forwarded and uploading.is_alive():
        uploading.join(0.002)
    server.end(signal.SIGKILL)


def test_kill_9_in_the_middle_costs_only_what_was_under_way(tmp_path: Path) -> None:
    """Within a chunk; the client waits for the server to come back, and goes on by itself."""
    file, done = tmp_path / "photos.zip", list[Upload]()
    file.write_bytes(DATA)
    with ExitStack() as running:
        server = running.enter_context(serving(tmp_path / "data"))
        proxy = running.enter_context(cutting(server.port))
        client = running.enter_context(Client(f"127.0.0.1:{proxy.port}"))
        told: list[int] = []
        uploading = threading.Thread(
            target=lambda: done.append(client.upload_file(file, progress=lambda committed, _: told.append(committed)))
        )
        uploading.start()
        kill_at(proxy, server, 12 * MIB, uploading)
        proxy.target = running.enter_context(serving(tmp_path / "data")).port
        uploading.join(60)
        (upload,) = done
        assert upload.complete
        assert (tmp_path / "data" / upload.name / "content").read_bytes() == DATA
        assert told == sorted(told)
        assert 8 * MIB in told
