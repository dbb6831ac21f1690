"""A server with folders of its own that is killed while it takes an upload."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np

from steeple.server.catalogue import Catalogue
from steeple.server.files import SharedFiles
from steeple.server.uploads import Uploads

ROOT = Path(__file__).resolve().parents[3]
DATA = np.random.default_rng(1).bytes(25 << 20)


def test_a_kill_costs_what_was_not_committed(tmp_path: Path) -> None:
    (tmp_path / "content").write_bytes(DATA)
    url = f"sqlite:///{tmp_path}/catalogue.db"
    with Catalogue.open(url) as catalogue:

        def start() -> Uploads:
            return Uploads(catalogue.database, SharedFiles("", tmp_path).of("uploads"), tmp_path / "copies", 1 << 40)

        upload = start().create("a.zip", len(DATA), hashlib.sha256(DATA).hexdigest())
        for committed in (8 << 20, 16 << 20):
            arguments = [url, "", str(tmp_path), upload.id, str(tmp_path / "content")]
            worker = [sys.executable, "-m", "tests.server.files.kill_worker"]
            assert subprocess.run([*worker, *arguments], cwd=ROOT, check=False).returncode == -9
            assert (tmp_path / "uploads" / upload.id / "content").stat().st_size == committed + (2 << 20)
            assert start().get(upload.id).committed_bytes == committed
        uploads = start()
        writer = uploads.begin(upload.id)
        writer.write(16 << 20, DATA[16 << 20 :])
        assert writer.end().complete
        with uploads.local(upload.id) as path:
            assert path.read_bytes() == DATA
