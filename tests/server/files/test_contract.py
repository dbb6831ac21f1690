"""What every place for files does: a folder of one server's own, a folder that several see, a bucket."""

from __future__ import annotations

import hashlib
import io
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steeple.errors import SteepleError
from steeple.server.catalogue import Catalogue
from steeple.server.files import FileStore, Part, SharedFiles, read_all
from steeple.server.uploads import Uploads

DATA = np.random.default_rng(1).bytes(20 << 20)

PLACES = ["own folder", "shared folder", "memory", pytest.param("bucket", marks=pytest.mark.engines)]

Opened = Callable[[Path], SharedFiles]


@pytest.fixture(params=PLACES)
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Opened:
    """Opens the places of a kind; each call is another server."""
    if request.param == "bucket":
        url = f"{request.getfixturevalue('bucket_url')}/some/prefix"
    elif request.param == "memory":  # of fsspec: what other drivers than that of S3 are like
        url = f"memory://{secrets.token_hex(8)}/some/prefix"
    else:
        url = str(tmp_path / "shared") if request.param == "shared folder" else ""
    return lambda data_dir: SharedFiles(url, data_dir)


@pytest.fixture
def files(opened: Opened, tmp_path: Path) -> FileStore:
    return opened(tmp_path).of("some")


def names(files: FileStore, folder: str = "") -> list[str]:
    return [file.name for file in files.listed(folder)]


def test_a_file_is_there_whole_until_it_is_deleted(files: FileStore) -> None:
    assert files.size("a") is None
    with pytest.raises(FileNotFoundError):
        files.open("a")
    for data in (b"first", b"", b"second"):
        files.put("a", data)
        assert read_all(files.open("a")) == data
        assert files.size("a") == len(data)
    files.put("b", b"1", lasting=False)
    assert names(files) == ["a", "b"]
    files.delete(["a", "never there"])
    files.delete(["a"])
    assert files.size("a") is None
    assert names(files) == ["b"]
    files.delete(["b", "a"])
    files.delete([])
    assert names(files) == []


def test_folders_are_listed_and_deleted_with_all_that_is_in_them(files: FileStore) -> None:
    assert names(files, "x") == []
    for name in ("x/1", "x/2", "xy/3", "z"):
        files.put(name, name.encode())
    assert names(files) == ["x/1", "x/2", "xy/3", "z"]
    assert names(files, "x") == ["x/1", "x/2"]
    for file in files.listed():
        assert file.size_bytes == len(file.name)
        assert abs(file.change_time - datetime.now(UTC)) < timedelta(minutes=5)
    for _ in range(2):
        files.delete_folder("x")
        assert names(files) == ["xy/3", "z"]


def test_other_servers_and_kinds_are_told_apart(opened: Opened, tmp_path: Path) -> None:
    one, other = opened(tmp_path / "one"), opened(tmp_path / "other")
    one.of("packs").put("a", b"1")
    assert one.of("uploads").size("a") is None
    seen = other.of("packs").size("a")
    assert seen == (1 if one.of("packs").shared else None)


def test_a_file_made_here_is_moved_there(files: FileStore, tmp_path: Path) -> None:
    made = tmp_path / "made"
    for data in (b"", DATA[: 6 << 20], DATA):
        made.write_bytes(data)
        files.put_file("x/file", made)
        assert not made.exists()
        assert read_all(files.open("x/file")) == data
    there = files.path("x/file")
    assert (there is None) == files.shared
    if there is not None:
        inode = there.stat().st_ino
        files.put_file("x/file", there)
        assert there.stat().st_ino == inode, "what is in its place is not copied"


def test_a_file_is_read_from_anywhere(files: FileStore, tmp_path: Path) -> None:
    (tmp_path / "made").write_bytes(DATA[: 9 << 20])
    files.put_file("file", tmp_path / "made")
    with files.open("file") as file:
        assert file.seek(0, io.SEEK_END) == 9 << 20
        assert file.read(1) == b""
        for start, count in ((0, 5), (5, 10), (4194300, 4), (4 << 20, 1), ((9 << 20) - 3, 3)):
            file.seek(start)
            assert file.read(count) == DATA[start : start + count]
            assert file.tell() == start + count
        file.seek((9 << 20) - 3)
        assert file.read(100) == DATA[(9 << 20) - 3 : 9 << 20]
        file.seek(1000)
        assert file.readall() == DATA[1000 : 9 << 20]


class Noted:
    """What a catalogue knows of a file that grows."""

    def __init__(self) -> None:
        self.size = 0
        self.parts: list[Part] = []

    def __call__(self, size: int, part: Part | None) -> None:
        self.size = size
        if part is not None:
            self.parts = [*(one for one in self.parts if one.start < part.start), part]


def read(files: FileStore, noted: Noted) -> bytes:
    return read_all(files.open_parts("x/whole", noted.parts))


def test_a_file_grows_by_what_is_committed(files: FileStore) -> None:
    noted = Noted()
    for start, end in ((0, 10), (10, 10), (10, 1000), (1000, 9 << 20), (9 << 20, (9 << 20) + 1)):
        growing = files.grow("x/whole", noted.size, noted.parts)
        assert growing.size_bytes == start
        growing.write(DATA[start:end])
        growing.commit(noted)
        assert noted.size == end
        growing.write(b"lost")
        growing.close()
        lost = files.grow("x/whole", noted.size, noted.parts)
        assert lost.sha256() == hashlib.sha256(DATA[:end]).hexdigest()
        lost.close()
        assert read(files, noted) == DATA[:end]
    growing = files.grow("x/whole", noted.size, noted.parts)
    growing.discard()
    growing.write(b"anew")
    growing.commit(noted)
    growing.close()
    assert read(files, noted) == b"anew"
    assert len(names(files)) == 1


def test_few_parts_are_made_of_many_small_writes(files: FileStore) -> None:
    noted, whole = Noted(), DATA[:100]
    for number in range(100):
        growing = files.grow("x/whole", noted.size, noted.parts)
        growing.write(whole[number : number + 1])
        growing.commit(noted)
        growing.close()
    assert read(files, noted) == whole
    assert len(names(files)) <= 7, "a power of two each"


def test_what_cannot_be_noted_is_tried_again(files: FileStore) -> None:
    noted = Noted()
    growing = files.grow("x/whole", 0, [])
    growing.write(b"12345")

    def fails(size: int, part: Part | None) -> None:
        raise ConnectionError("the database is gone")

    with pytest.raises(ConnectionError):
        growing.commit(fails)
    growing.write(b"678")
    growing.commit(noted)
    assert (read(files, noted), growing.sha256()) == (b"12345678", hashlib.sha256(b"12345678").hexdigest())
    growing.close()


def test_what_is_missing_is_noticed(files: FileStore) -> None:
    noted = Noted()
    growing = files.grow("x/whole", 0, [])
    growing.write(b"12345")
    growing.commit(noted)
    growing.close()
    files.delete_folder("x")
    growing = files.grow("x/whole", noted.size, noted.parts)
    if not files.shared:
        assert growing.size_bytes == 0, "at once"
    else:
        with pytest.raises(FileNotFoundError):
            growing.sha256()
    growing.close()


STEPS = st.lists(
    st.tuples(
        st.integers(0, 3000),
        st.sampled_from(["write", "write", "end", "take over", "the other server", "restart", "late"]),
    ),
    max_size=8,
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_however_it_is_interrupted_an_upload_becomes_the_same(
    opened: Opened, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, str]]
) -> None:
    root, data = tmp_path_factory.mktemp("uploads"), DATA[:5000]
    files = opened(root).of(root.name)
    with Catalogue.open(f"sqlite:///{root}/catalogue.db") as catalogue:

        def start(server: int) -> Uploads:
            return Uploads(catalogue.database, files, root / f"copies-{server}", 1 << 40)

        servers, now = [start(0), start(1)] if files.shared else [start(0)], 0
        upload_id = servers[0].create("a.zip", len(data), hashlib.sha256(data).hexdigest()).id
        writer, offset = servers[0].begin(upload_id), 0
        late = writer
        for count, step in [*steps, (len(data), "write"), (0, "end"), (0, "take over"), (len(data), "write")]:
            if servers[now].get(upload_id).complete:
                break
            if step == "write":
                end = min(len(data), offset + count)
                writer.write(offset, data[offset:end])
                offset = end
                continue
            if step == "late":  # a writer that has lost its turn cannot change anything
                if late is not writer:
                    with suppress(SteepleError):
                        late.write(0, b"x" * count)
                    with suppress(SteepleError):
                        late.end()
                continue
            if step == "end":
                assert writer.end().committed_bytes == offset
                if servers[now].get(upload_id).complete:
                    break
            elif step == "restart":
                servers[now] = start(now)
            elif step == "the other server":
                now = (now + 1) % len(servers)
            late, writer = writer, servers[now].begin(upload_id)
            offset = servers[now].get(upload_id).committed_bytes
        if not servers[now].get(upload_id).complete:
            assert writer.end().complete
        for server in servers:
            with server.local(upload_id) as path:
                assert path.read_bytes() == data
            assert not files.shared or not path.exists(), "a copy goes when it is not used any more"
