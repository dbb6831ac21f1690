"""kill -9 before every change that the making of a snapshot makes to S3."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.engines

ROOT = Path(__file__).resolve().parents[3]


def test_a_kill_leaves_all_or_nothing_and_the_next_one_works(tmp_path: Path, bucket_url: str) -> None:
    command = [sys.executable, "-W", "ignore", "-m", "tests.server.snapshots.kill_in_s3_worker"]
    arguments = [str(tmp_path), bucket_url]
    run = subprocess.run([*command, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    found = [json.loads(line) for line in run.stdout.splitlines()]
    assert [one["killed"] for one in found] == [True] * (len(found) - 1) + [False]
    assert len(found) >= 7, "a flag, two photos, the catalogue, the list, the manifest, the flag"
    lefts = [one["left"] for one in found]
    assert set(map(tuple, lefts)) == {(), ("one",)}, "no snapshot, or one whose files are all as they should be"
    assert lefts == sorted(lefts), "it is there from its manifest on"
    assert found[-1]["sent"] < found[0]["sent"], "what a dead one has stored is not sent again"
