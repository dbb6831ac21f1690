"""What nobody needs any more goes, what another server is just writing stays, and copies are right and go."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from steeple.errors import CancelledError, DataLossError, ResourceExhaustedError
from steeple.server.catalogue import Catalogue
from steeple.server.files import FileStore, SharedFiles
from steeple.server.operations import OperationRunner, OperationState, OperationStore, Run
from steeple.server.packs.store import PackStore
from steeple.server.review.files import QueryFiles
from steeple.server.uploads import Uploads
from steeple.server.uploads import copies as of_copies

Aged = Callable[[FileStore, str], None]


@pytest.fixture
def shared(tmp_path: Path) -> SharedFiles:
    return SharedFiles(str(tmp_path / "shared"), tmp_path)


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with Catalogue.open(f"sqlite:///{tmp_path}/catalogue.db") as opened:
        yield opened


@pytest.fixture
def uploads(shared: SharedFiles, catalogue: Catalogue, tmp_path: Path) -> Uploads:
    return Uploads(catalogue.database, shared.of("uploads"), tmp_path / "copies", 1 << 40)


def age(files: FileStore, name: str) -> None:
    """Makes a file two days old."""
    assert files.folder is not None
    then = time.time() - 2 * 24 * 3600
    os.utime(files.folder / name, (then, then))


def names(files: FileStore) -> set[str]:
    return {file.name for file in files.listed()}


def sent(uploads: Uploads, data: bytes) -> str:
    """Id of an upload that is complete."""
    upload = uploads.create("a.zip", len(data))
    writer = uploads.begin(upload.id)
    writer.write(0, data)
    writer.end()
    return upload.id


def test_parts_of_uploads_that_count_stay(uploads: Uploads, shared: SharedFiles) -> None:
    files = shared.of("uploads")
    upload = uploads.create("a.zip", 100)
    writer = uploads.begin(upload.id)
    writer.write(0, b"12345")
    writer.end()
    (part,) = names(files)
    age(files, part)
    gone = "20270131-120000123-aaaaaaaa/content.0000000000000000.a"
    late, new = (f"{upload.id}/content.0000000000000005.{letter}" for letter in "ab")
    for name in (gone, late, new):
        files.put(name, b"x")
    age(files, late)  # of a writer that lost its turn; the new one may be of another server that writes just now
    assert uploads.sweep() == 2
    assert names(files) == {part, new}
    writer = uploads.begin(upload.id)
    writer.write(5, bytes(95))
    assert writer.end().complete
    assert new not in names(files), "nobody writes any more"
    with uploads.local(upload.id) as path:
        assert path.read_bytes() == b"12345" + bytes(95)


def test_uploads_that_were_kept_elsewhere_are_dropped(
    uploads: Uploads, catalogue: Catalogue, shared: SharedFiles, tmp_path: Path
) -> None:
    kept, begun = sent(uploads, b"12345"), uploads.create("b.zip", 10).id
    again = Uploads(catalogue.database, shared.of("uploads"), tmp_path / "copies", 1 << 40)
    assert {upload.id for upload in again.list().items} == {kept, begun}
    moved = Uploads(catalogue.database, SharedFiles("", tmp_path).of("uploads"), tmp_path / "copies", 1 << 40)
    assert {upload.id for upload in moved.list().items} == {begun}


def test_files_of_operations_that_are_known_stay(catalogue: Catalogue, shared: SharedFiles, tmp_path: Path) -> None:
    files, store, here = shared.of("operations"), OperationStore(catalogue.database), tmp_path / "here"
    runner = OperationRunner(store, here, files)

    def job(run: Run) -> dict[str, str]:
        (run.folder / "made").write_bytes(b"1")
        (run.folder / "scratch").write_bytes(b"2")
        return {"name": run.keep(run.folder / "made")}

    runner.register("x", job)
    done = runner.begin("x", {})
    runner.start()
    assert runner.wait(done.id, 30).state is OperationState.SUCCEEDED
    runner.close()
    queued = store.create("x", {})
    for name in (f"{done.id}/{runner.store.get(done.id).results['name']}", f"{queued.id}/old", "gone/old", "gone/new"):
        if name not in names(files):
            files.put(name, b"1")
        if not name.endswith("new"):
            age(files, name)
        (here / name.partition("/")[0]).mkdir(exist_ok=True)
    runner.purge()
    assert {name.partition("/")[0] for name in names(files)} == {done.id, queued.id, "gone"}
    assert "gone/old" not in names(files)
    assert {path.name for path in here.iterdir()} == {queued.id}, "what is finished needs nothing here"
    runner.delete(done.id)
    assert {name.partition("/")[0] for name in names(files)} == {queued.id, "gone"}


def test_packs_and_queries_that_may_become_known_stay(catalogue: Catalogue, shared: SharedFiles) -> None:
    packs, queries = shared.of("packs"), shared.of("queries")
    for files in (packs, queries):
        for name in ("old", "new"):
            files.put(name, b"1")
        age(files, "old")
    PackStore(catalogue.database, packs).tidy()
    assert names(packs) == {"new"}
    told: list[str] = []
    kept = QueryFiles(queries)
    kept.deleted = told.append
    assert kept.sweep(lambda: ["other"]) == 1
    assert (names(queries), told) == ({"new"}, ["old"])
    age(queries, "new")
    assert kept.sweep(lambda: ["new"]) == 0


def test_a_copy_is_made_once_and_goes_after_its_last_use(uploads: Uploads, tmp_path: Path) -> None:
    upload_id, folder = sent(uploads, b"12345"), tmp_path / "copies"
    met = threading.Barrier(4, timeout=30)

    def use(_: int) -> int:
        with uploads.local(upload_id) as path:
            met.wait()
            assert path.read_bytes() == b"12345"
            return path.stat().st_ino

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(use, range(4)))) == 1
    assert list(folder.iterdir()) == []
    (folder / "left").write_bytes(b"by a server that was killed")
    of_copies.UploadCopies(folder)
    assert not folder.exists()


def test_a_copy_that_would_be_wrong_is_not_made(
    uploads: Uploads, shared: SharedFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, upload_id = shared.of("uploads"), sent(uploads, b"12345")
    (part,) = names(files)

    def refused(kind: type[Exception], match: str, **arguments: Callable[[], None]) -> None:
        with pytest.raises(kind, match=match), uploads.local(upload_id, **arguments):
            pass
        assert list((tmp_path / "copies").iterdir()) == []

    def stop() -> None:
        raise CancelledError("told to stop")

    refused(CancelledError, "told to stop", check=stop)
    files.put(part, b"x2345")
    refused(DataLossError, "damaged in the storage")
    files.delete([part])
    refused(DataLossError, "missing from the storage")
    assert uploads.get(upload_id).sha256 == hashlib.sha256(b"12345").hexdigest()
    monkeypatch.setattr(of_copies, "_SPARE", 1 << 60)
    refused(ResourceExhaustedError, "no room for a copy")
