"""kill -9 in the middle of an import, again and again, and cancellations: nothing is lost, nothing is there twice."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from steeple.client import Client, OperationState
from tests.scenes import encoded, scene

PHOTOS = 40
KILLS = 3


@contextmanager
def serving(data_dir: Path, photos: Path) -> Iterator[tuple[subprocess.Popen[str], Client]]:
    flags = ["--json", "--address", "127.0.0.1:0", "--data-dir", data_dir, "--import-dir", photos, "--workers", "2"]
    command = [sys.executable, "-m", "steeple.cli", "serve", *map(str, flags), "--model", "delf-lite0-v1"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("STEEPLE_")}
    with (data_dir.parent / "server.log").open("a", encoding="utf-8") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environment, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, (data_dir.parent / "server.log").read_text(encoding="utf-8")
        with Client(f"127.0.0.1:{json.loads(line)['port']}", max_attempts=1) as client:
            yield process, client
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def cancelled_and_resumed(client: Client) -> str:
    """Name of an import that goes on after it was told to stop."""
    operation = client.cancel_operation(client.import_reference_images(folder="."))
    while not operation.finished:
        time.sleep(0.01)
        operation = client.get_operation(operation)
    assert operation.state is OperationState.CANCELLED
    return client.resume_operation(operation).name


def test_an_import_that_is_killed_and_cancelled_anywhere_loses_and_repeats_nothing(tmp_path: Path) -> None:
    chance = random.Random(7)  # noqa: S311 - no secret
    data_dir, photos = tmp_path / "data", tmp_path / "photos"
    digests = {}
    for number in range(PHOTOS):
        path = photos / f"landmark-{number % 3}" / f"{number:02}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        data = encoded(scene(number, 96, 72))
        path.write_bytes(data)
        digests[hashlib.sha256(data).hexdigest()] = path
    for bad in ("landmark-0/05_bad.jpg", "landmark-2/00_bad.jpg", "landmark-2/99_bad.jpg"):
        (photos / bad).write_bytes(b"no photo")

    operation, in_the_middle = "", 0
    for number in range(KILLS):
        with serving(data_dir, photos) as (process, client):
            if not operation:
                operation = cancelled_and_resumed(client)
            done_before = client.get_operation(operation).done_count
            # Once after something more is done; else before, in the plan, the landmarks or the first photos.
            while number == 1 and client.get_operation(operation).done_count <= done_before:
                time.sleep(0.01)
            time.sleep(chance.uniform(0.0, 0.4))
            in_the_middle += not client.get_operation(operation).finished
            process.kill()
            process.wait()
    with serving(data_dir, photos) as (_, client):
        done = client.wait_operation(operation, timeout=60.0)
        assert in_the_middle >= 2
        counts = {name: value for name, value in done.results.items() if not name.endswith("seconds")}
        assert counts == {"landmarks_created": "3", "photos_added": str(PHOTOS), "failed": "3"}
        assert (done.done_count, done.total_count, done.problem_count) == (PHOTOS + 3, PHOTOS + 3, 3)
        problems = [problem.item for problem in client.list_operation_problems(operation)]
        assert problems == ["landmark-0/05_bad.jpg", "landmark-2/00_bad.jpg", "landmark-2/99_bad.jpg"]
        there = [
            (image.sha256, landmark.id)
            for landmark in client.list_landmarks()
            for image in client.list_reference_images(landmark)
        ]
        assert sorted(there) == sorted((digest, path.parent.name) for digest, path in digests.items())
        events = [event.method.rpartition("/")[2] for event in client.list_audit_events()]
        assert events.count("CreateReferenceImage") == PHOTOS
        assert events.count("BatchCreateLandmarks") == 3
        assert client.server_info().index.images == PHOTOS
        stored = [path for path in (data_dir / "images").rglob("*") if path.is_file()]
        assert {path.name for path in stored} >= set(digests)
        answer = client.identify(encoded(scene(0, 96, 72)), upload=True)
        assert answer.candidates[0].landmark.id == "landmark-0"
