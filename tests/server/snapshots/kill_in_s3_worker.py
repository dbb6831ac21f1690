"""Kills itself with SIGKILL before each of its changes to S3 in turn, and says what is left.

    python -m tests.server.snapshots.kill_in_s3_worker FOLDER URL

As :mod:`tests.server.snapshots.kill_worker`, of snapshots in object storage.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from steeple.server.snapshots.making import make
from steeple.server.snapshots.objects import SnapshotBucket
from steeple.server.snapshots.restoring import check

from .kill_worker import Silent, fill, in_process_of_its_own, source_of


def dies_at(change: int, place: SnapshotBucket) -> None:
    """Has this process killed before its change of that number."""
    left = itertools.count(change, -1)
    place.storage.check()  # so that there is a client

    def watch(request: Any, **_: object) -> None:
        if request.method not in ("GET", "HEAD") and next(left) == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    place.storage._files.s3.meta.events.register("before-send.s3", watch)


def main(folder: Path, url: str) -> None:
    """Prints what is left after each kill, and whether the next snapshot can be made."""
    fill(folder / "data", "old")

    def made(change: int | None, number: int) -> None:
        place = SnapshotBucket(f"{url}/{number}", folder / "workspace")
        with source_of(folder / "data") as source:
            if change is not None:
                dies_at(change, place)
            make(source, place, "one", Silent())

    def told(number: int, killed: bool) -> None:
        place = SnapshotBucket(f"{url}/{number}", folder / "workspace")
        found = [snapshot.id for snapshot in place.all()]
        for snapshot_id in found:
            check(place.kept(snapshot_id))
        with source_of(folder / "data") as source:
            sent = make(source, place, "two", Silent()).copied_bytes
        check(place.kept("two"))
        sys.stdout.write(json.dumps({"killed": killed, "left": found, "sent": sent}) + "\n")
        sys.stdout.flush()

    for change in itertools.count():
        killed = in_process_of_its_own(lambda: made(change, change))  # noqa: B023 - done within the round
        in_process_of_its_own(lambda: told(change, killed))  # noqa: B023
        if not killed:
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
