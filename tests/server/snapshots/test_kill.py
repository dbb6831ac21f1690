"""kill -9 at every change that making and restoring a snapshot make to the disk."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_a_kill_leaves_all_or_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-m", "tests.server.snapshots.kill_worker", str(tmp_path)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    found = [json.loads(line) for line in run.stdout.splitlines()]
    making = [one for one in found if one["what"] == "making"]
    assert len(making) > 15
    lefts = [one["left"] for one in making]
    assert set(map(tuple, lefts)) == {(), ("one",)}, "no snapshot, or one whose files are all as they should be"
    assert lefts == sorted(lefts), "it is there from its last change on"
    restoring = [one for one in found if one["what"] == "restoring"]
    assert len(restoring) > 30
    lefts = [one["left"] for one in restoring]
    assert set(lefts) == {"old", "new"}
    assert lefts == sorted(lefts, reverse=True), "from one change on, it is the new data"
    assert sum(one["again"] for one in restoring if one["left"] == "new") > 3, "and a start that is killed goes on"
