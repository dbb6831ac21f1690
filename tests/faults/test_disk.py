"""Disks that are full or read-only, and servers that go on without."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest

from tests.scenes import encoded, scene

from .calls import add, complete, features, found, image_request, landmark_request, refusal
from .serving import Served, obeys_permissions, own_mounts, serve_command, serving

SMALL_DISK = 'mount -t tmpfs -o size=3m tmpfs "$0" && exec "$@"'


def photo(number: int) -> bytes:
    return encoded(scene(number, 320, 240))


@contextmanager
def full(server: Served, by: str) -> Iterator[None]:
    """Nothing more can be written: the file may not grow (EFBIG), or the disk has no space left (ENOSPC)."""
    if by == "limits":
        before = server.limit(resource.RLIMIT_FSIZE, 0)
        yield
        if server.process.poll() is None:
            server.limit(resource.RLIMIT_FSIZE, before)
        return
    filler = server.seen(server.data_dir / "filler")
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        for size in (1 << 16, 1 << 12):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))
    try:
        yield
    finally:
        filler.unlink(missing_ok=True)


@contextmanager
def read_only(server: Served, by: str) -> Iterator[None]:
    """Nothing can be created: the folders forbid it (EACCES), or the disk is read-only (EROFS)."""
    folders = [server.data_dir, *(path for path in server.data_dir.rglob("*") if path.is_dir())]
    if by == "mounts":
        server.mount(f'mount --bind "{server.data_dir}" "{server.data_dir}"')
        server.mount(f'mount -o remount,bind,ro "{server.data_dir}"')
        yield
        server.mount(f'umount "{server.data_dir}"')
        return
    for folder in folders:
        folder.chmod(0o555)
    yield
    for folder in folders:
        folder.chmod(0o755)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, by: str) -> Iterator[Served]:
    """On a disk that :func:`full` and :func:`read_only` work on."""
    data_dir = tmp_path_factory.mktemp("disk") / "data"
    data_dir.mkdir()
    command = serve_command(data_dir)
    if by == "mounts":
        command = own_mounts("sh", "-c", SMALL_DISK, str(data_dir), *command)
    with serving(data_dir, obeys_permissions(*command) if by == "limits" else command) as server:
        add(server, "a", photo(0))
        add(server, "b", features(1))
        yield server


def test_a_full_disk_refuses_changes_and_nothing_else(server: Served, by: str) -> None:
    # SQLite tells a full disk from any other failure to write; a limit on files is such another.
    told = grpc.StatusCode.RESOURCE_EXHAUSTED if by == "mounts" else grpc.StatusCode.UNAVAILABLE
    before = complete(server)
    with full(server, by):
        code, text = refusal(server.catalog.CreateLandmark, landmark_request("full"))
        assert code is told
        assert "disk that holds the catalogue" in text
        code, text = refusal(server.catalog.CreateReferenceImage, image_request("a", photo(4)))
        assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "disk that holds the photos is full" in text
        code, _ = refusal(server.catalog.CreateReferenceImage, image_request("b", features(2)))
        assert code is told
        assert (found(server, photo(0)), found(server, features(1))) == ("a", "b")
        assert complete(server) == before
    add(server, "full", photo(4))
    assert found(server, photo(4)) == "full"
    assert complete(server) == {**before, "full": 1}


def test_a_read_only_disk_refuses_what_it_cannot_take_and_nothing_else(server: Served, by: str) -> None:
    before = complete(server)
    with read_only(server, by):
        code, text = refusal(server.catalog.CreateReferenceImage, image_request("a", photo(8)))
        assert code is grpc.StatusCode.FAILED_PRECONDITION
        assert "the folder of the photos is not accessible" in text
        assert found(server, photo(0)) == "a"
        assert complete(server) == before
    add(server, "read-only", photo(8))
    assert found(server, photo(8)) == "read-only"
    assert complete(server) == {**before, "read-only": 1}


def test_a_server_that_cannot_save_its_index_stops_and_starts_without_loss(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    command = obeys_permissions(*serve_command(data_dir))
    with serving(data_dir, command) as server:
        add(server, "a", photo(0))
        add(server, "b", features(1))
        with full(server, "limits"):
            assert server.end() == 0
    with serving(data_dir, command) as server:
        assert server.log.read_text("utf-8", "replace").count("the index was built") == 2  # it could not be saved
        assert (found(server, photo(0)), found(server, features(1))) == ("a", "b")
        with read_only(server, "limits"):
            assert server.end() == 0
