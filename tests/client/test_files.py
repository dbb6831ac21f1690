"""Whole files up and down, over connections that break."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steeple.client import Upload
from steeple.errors import (
    AlreadyExistsError,
    DataLossError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    UnavailableError,
)
from steeple.server.api.lifecycle import Server
from steeple.server.engine import Engine
from steeple.server.operations import Run, result_files
from steeple.server.settings import Settings

from .harness import Harness
from .proxy import cutting

MIB = 1 << 20
DATA = np.random.default_rng(3).bytes(20 * MIB + 12_345)
METHOD = "steeple.v1.CatalogService/Something"


class Served:
    """A server on a loop of its own, that can be stopped and started again."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()
        self.start()

    def start(self) -> None:
        async def start() -> tuple[Server, int, Engine]:
            server = Server(Settings.load(None, address="127.0.0.1:0", data_dir=self.data_dir))
            port = await server.start()
            return server, port, await server.ready()

        self.server, self.port, self.engine = self._run(start())

    def stop(self) -> None:
        self._run(self.server.stop(0.0))

    def close(self) -> None:
        self.stop()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path / "data")
    yield made
    made.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "photos.zip"
    path.write_bytes(DATA)
    return path


def through(harness: Harness, port: int, **options: Any) -> Any:
    return harness.client(f"127.0.0.1:{port}", **options)


def content(served: Served, upload_id: str) -> bytes:
    """All of an upload that is complete."""
    with served.engine.uploads.local(upload_id) as path:
        return bytes(path.read_bytes())


def test_connections_that_break_cost_only_what_was_under_way(harness: Harness, served: Served, file: Path) -> None:
    told: list[tuple[int, int]] = []
    with cutting(served.port, [3 * MIB, 9 * MIB, 1000, 2 * MIB]) as proxy:
        client = through(harness, proxy.port)
        upload = client.upload_file(file, progress=lambda done, total: told.append((done, total)))
        assert proxy.connections >= 5
    assert content(served, upload.id) == DATA
    assert (upload.complete, upload.size_bytes, upload.file_name) == (True, len(DATA), "photos.zip")
    assert upload.sha256 == hashlib.sha256(DATA).hexdigest()
    assert told[0] == (0, len(DATA))
    assert told[-1] == (len(DATA), len(DATA))
    assert told == sorted(told)


def test_a_server_that_restarts_in_between_goes_on(harness: Harness, served: Served, file: Path) -> None:
    with cutting(served.port) as proxy:
        client = through(harness, proxy.port)
        restarts: list[int] = []

        def restart(done: int, total: int) -> None:
            if len(restarts) < 2 and done >= (len(restarts) + 1) * 8 * MIB:
                restarts.append(done)
                served.stop()
                served.start()
                proxy.target = served.port
                proxy.cut()

        upload = client.upload_file(file, progress=restart)
    assert len(restarts) == 2
    assert content(served, upload.id) == DATA


def test_another_process_goes_on_with_what_one_left(harness: Harness, served: Served, file: Path) -> None:
    with cutting(served.port, [12 * MIB, *[0] * 100_000]) as proxy:
        client = through(harness, proxy.port, timeout=0.5, long_timeout=1.0)
        with pytest.raises(UnavailableError) as caught:
            client.upload_file(file)
    name = caught.value.metadata["upload"]
    client = through(harness, served.port)
    left = client.get_upload(name)
    assert 8 * MIB <= left.committed_size < 12 * MIB
    (listed,) = list(client.list_uploads())
    assert listed == left
    told: list[int] = []
    assert client.upload_file(file, resume=name, progress=lambda done, _: told.append(done)).complete
    assert told[0] == left.committed_size
    assert content(served, left.id) == DATA
    file.write_bytes(DATA[:-1])
    with pytest.raises(FailedPreconditionError, match="of another file"):
        client.upload_file(file, resume=left)
    client.delete_upload(left)
    with pytest.raises(NotFoundError):
        client.get_upload(left)
    with pytest.raises(NotFoundError):
        client.upload_file(file, resume=left.id)


def test_a_file_that_changes_meanwhile_is_not_taken(harness: Harness, served: Served, file: Path) -> None:
    client = through(harness, served.port)

    def change(done: int, total: int) -> None:
        file.write_bytes(bytes(total) if done == 0 else DATA)

    with pytest.raises(DataLossError, match="SHA-256"):
        client.upload_file(file, progress=change)

    def shorten(done: int, total: int) -> None:
        file.write_bytes(DATA[:MIB])

    file.write_bytes(DATA)
    with pytest.raises(FailedPreconditionError, match="has changed"):
        client.upload_file(file, progress=shorten)


def test_bytes_without_a_file_are_brought_in_pieces(harness: Harness, served: Served) -> None:
    client = through(harness, served.port)
    begun = client.create_upload("pieces.zip", len(DATA))
    assert (begun.committed_size, begun.complete, begun.file_name) == (0, False, "pieces.zip")
    half = client.write_upload(begun, 0, DATA[: 2 * MIB + 5])
    assert half.committed_size == 2 * MIB + 5
    with pytest.raises(FailedPreconditionError):
        client.write_upload(begun, 0, DATA[:MIB])
    assert client.get_upload(begun).committed_size == half.committed_size, "nothing of that is kept"
    with pytest.raises(InvalidArgumentError):
        client.write_upload(begun.id, half.committed_size, DATA[half.committed_size :] + b"x")
    reached = client.get_upload(begun).committed_size
    assert client.write_upload(begun.id, reached, DATA[reached:]).complete
    assert content(served, begun.id) == DATA


def test_what_cannot_be_sent_is_told(harness: Harness, served: Served, tmp_path: Path) -> None:
    client = through(harness, served.port)
    with pytest.raises(NotFoundError, match=r"there is no .*nothing"):
        client.upload_file(tmp_path / "nothing.zip")
    (tmp_path / "empty.zip").touch()
    with pytest.raises(InvalidArgumentError, match="empty"):
        client.upload_file(tmp_path / "empty.zip")
    with pytest.raises(FailedPreconditionError):
        client.upload_file(tmp_path)


@pytest.fixture
def operation(served: Served) -> str:
    """Name of an operation that has made a file."""

    def job(run: Run) -> Mapping[str, str]:
        (run.folder / "made.zip").write_bytes(DATA)
        return result_files.results(run, run.folder / "made.zip")

    served.engine.operations.register(METHOD, job)
    begun = served.engine.operations.begin(METHOD, {})
    served.engine.operations.wait(begun.id, 20.0)
    return str(begun.name)


def test_a_download_goes_on_where_it_broke_off(
    harness: Harness, served: Served, operation: str, tmp_path: Path
) -> None:
    target, told = tmp_path / "here.zip", list[int]()
    target.write_bytes(b"what was there")
    with cutting(served.port, [2 * MIB, 5 * MIB, 100_000]) as proxy:
        client = through(harness, proxy.port)
        client.download_operation_file(operation, "made.zip", target, progress=lambda done, total: told.append(done))
        assert proxy.connections >= 4
    assert target.read_bytes() == DATA
    assert told == sorted(told)
    assert told[-1] == len(DATA)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["here.zip"]


def test_a_download_that_gave_up_is_gone_on_with(
    harness: Harness, served: Served, operation: str, tmp_path: Path
) -> None:
    target = tmp_path / "here.zip"
    with cutting(served.port, [9 * MIB, *[0] * 100_000]) as proxy:
        client = through(harness, proxy.port, timeout=0.5, long_timeout=1.0)
        with pytest.raises(UnavailableError):
            client.download_operation_file(operation, "made.zip", target)
    assert not target.exists()
    told: list[int] = []
    client = through(harness, served.port)
    client.download_operation_file(operation, "made.zip", target, progress=lambda done, _: told.append(done))
    assert MIB <= told[0] < 9 * MIB
    assert target.read_bytes() == DATA


def test_a_download_that_is_not_what_was_made_is_deleted(
    harness: Harness, served: Served, operation: str, tmp_path: Path
) -> None:
    made = served.engine.operations.folder(operation.removeprefix("operations/")) / "made.zip"
    made.write_bytes(DATA[:-1] + bytes([DATA[-1] ^ 1]))
    client = through(harness, served.port)
    with pytest.raises(DataLossError, match="SHA-256"):
        client.download_operation_file(operation, "made.zip", tmp_path / "here.zip")
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == []
    for file in ("other.zip", ""):
        with pytest.raises(NotFoundError, match=r"has made made\.zip"):
            client.download_operation_file(operation, file, tmp_path / "here.zip")


def test_an_upload_is_fit_for_json(harness: Harness, served: Served, file: Path) -> None:
    upload: Upload = through(harness, served.port).upload_file(file)
    told = upload.to_dict()
    assert told["id"] == upload.id
    assert told["name"] == f"uploads/{upload.id}"
    assert isinstance(told["expire_time"], str)


def test_a_catalogue_goes_down_and_up(harness: Harness, served: Served, tmp_path: Path) -> None:
    client = through(harness, served.port)
    client.create_landmark("A", landmark_id="a")
    done = client.wait_operation(client.export_catalogue(photos=False))
    client.download_operation_file(done, done.results["file"], tmp_path / "a.zip")
    upload = client.upload_file(tmp_path / "a.zip")
    done = client.wait_operation(client.import_catalogue(upload, existing="skip"))
    assert (done.results["landmarks"], done.results["skipped"]) == ("1", "0"), "it is there as it was"
    client.update_landmark("a", display_name="B")
    with pytest.raises(AlreadyExistsError, match="landmarks/a; nothing was changed"):
        client.wait_operation(client.import_catalogue(upload.id))
    client.wait_operation(client.import_catalogue(upload.name, existing="replace"))
    assert client.get_landmark("a").display_name == "A"
    with pytest.raises(InvalidArgumentError, match="one of fail, skip, replace"):
        client.import_catalogue(upload, existing="merge")
