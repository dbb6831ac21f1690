"""Two real servers on one PostgreSQL, of which one is killed in the middle of an import."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from steeple.client import Client, OperationState
from tests.e2e.test_restart import environment
from tests.scenes import encoded, scene

pytestmark = pytest.mark.engines

PHOTOS, LANDMARKS = 64, 2
WORKER = Path(__file__).with_name("replica_worker.py")


@dataclass(frozen=True)
class Replica:
    """A server's process, and a client of it."""

    process: subprocess.Popen[str]
    client: Client
    log: Path

    @property
    def name(self) -> str:
        """As it says when it is ready."""
        lines = map(json.loads, self.log.read_text(encoding="utf-8").splitlines())
        return next(str(line["replica"]) for line in lines if "replica" in line)


@contextmanager
def serving(data_dir: Path, database_url: str, photos: Path) -> Iterator[Replica]:
    flags = ["--json", "--address", "127.0.0.1:0", "--data-dir", data_dir, "--import-dir", photos, "--workers", "1"]
    flags += ["--log-format", "json", "--model", "delf-lite0-v1"]
    shared = {name: str(data_dir.parent / name) for name in ("images", "files")}
    where = {
        "STEEPLE_DATABASE_URL": database_url,
        **{f"STEEPLE_{name.upper()}_URL": url for name, url in shared.items()},
    }
    command = [sys.executable, str(WORKER), "serve", *map(str, flags)]
    path = data_dir.with_suffix(".log")
    with path.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environment() | where, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, path.read_text(encoding="utf-8")
        with Client(f"127.0.0.1:{json.loads(line)['port']}", max_attempts=1) as client:
            yield Replica(process, client, path)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def owner_of(database_url: str, operation: str) -> str:
    """Name of the replica that runs an operation, or ran it last."""
    import psycopg  # noqa: PLC0415 - it is not installed everywhere

    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        query = "SELECT owner FROM operation WHERE id = %s"
        row = connection.execute(query, [operation.rpartition("/")[2]]).fetchone()
    return str(row[0]).rpartition("/")[0] if row else ""


def test_an_import_whose_replica_is_killed_goes_on_through_another_and_loses_and_repeats_nothing(
    tmp_path: Path, postgres_url: str
) -> None:
    photos = tmp_path / "photos"
    for number in range(PHOTOS):
        path = photos / f"landmark-{number % LANDMARKS}" / f"{number:02}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(scene(number, 96, 72)))
    with ExitStack() as opened:
        replicas = {
            replica.name: replica
            for replica in (
                opened.enter_context(serving(tmp_path / name, postgres_url, photos)) for name in ("one", "two")
            )
        }
        first, _ = replicas.values()
        operation = first.client.import_reference_images(folder=".")
        while not first.client.get_operation(operation).done_count:
            time.sleep(0.005)
        owner = owner_of(postgres_url, operation.name)
        killed = replicas.pop(owner)
        (survivor,) = replicas.values()
        killed.process.kill()
        interrupted = survivor.client.get_operation(operation).state is OperationState.RUNNING
        finished = survivor.client.wait_operation(operation)
        assert finished.state is OperationState.SUCCEEDED, finished
        assert finished.results["photos_added"] == str(PHOTOS)
        assert finished.results["failed"] == "0"
        if interrupted:
            assert owner_of(postgres_url, operation.name) == survivor.name
        images = [
            image
            for number in range(LANDMARKS)
            for image in survivor.client.list_reference_images(f"landmark-{number}")
        ]
        assert len(images) == len({image.sha256 for image in images}) == PHOTOS
