from __future__ import annotations

import hashlib
import json
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from steeple.errors import (
    AbortedError,
    DataLossError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    ResourceExhaustedError,
)
from steeple.server.catalogue import Catalogue
from steeple.server.files.folder import FolderFiles
from steeple.server.uploads import COMMITTED, Uploads

DATA = np.random.default_rng(1).bytes(20 << 20)
DIGEST = hashlib.sha256(DATA).hexdigest()
ENOUGH = 1 << 40

OpenUploads = Callable[..., Uploads]


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2027, 1, 31, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "uploads"


@pytest.fixture
def open_uploads(tmp_path: Path, folder: Path) -> Iterator[OpenUploads]:
    """As a server opens them that starts."""
    with Catalogue.open(f"sqlite:///{tmp_path}/catalogue.db") as catalogue:

        def start(max_bytes: int = ENOUGH, **more: Any) -> Uploads:
            return Uploads(catalogue.database, FolderFiles(folder), tmp_path / "copies", max_bytes, **more)

        yield start


@pytest.fixture
def uploads(open_uploads: OpenUploads) -> Uploads:
    return open_uploads()


def content(uploads: Uploads, upload_id: str) -> bytes:
    """All of an upload that is complete."""
    with uploads.local(upload_id) as path:
        return path.read_bytes()


def send(uploads: Uploads, data: bytes, name: str = "a.zip", sha256: str = "") -> str:
    """Id of an upload that is complete."""
    upload = uploads.create(name, len(data), sha256)
    writer = uploads.begin(upload.id)
    writer.write(0, data)
    assert writer.end().complete
    return upload.id


def test_bytes_that_came_in_pieces_are_there_and_can_be_used(uploads: Uploads, folder: Path) -> None:
    upload = uploads.create("../../etc/passwd", len(DATA), DIGEST)
    with pytest.raises(FailedPreconditionError, match=f"not complete: 0 of {len(DATA)} bytes"):
        uploads.use(upload.id)
    for start, end in ((0, 5), (5, 9 << 20), (9 << 20, len(DATA))):
        writer = uploads.begin(upload.id)
        writer.write(start, DATA[start:end])
        assert writer.end().committed_bytes == end
    with uploads.local(upload.id) as path:
        assert path.read_bytes() == DATA
        assert path.parent == folder / upload.id, "there is no second copy"
    assert uploads.get(upload.id).file_name == "../../etc/passwd"
    with pytest.raises(FailedPreconditionError, match="complete: nothing is to be written"):
        uploads.begin(upload.id)


def test_what_was_committed_outlives_the_process_and_the_rest_is_written_over(
    uploads: Uploads, open_uploads: OpenUploads
) -> None:
    upload = uploads.create("a.zip", len(DATA), DIGEST)
    writer = uploads.begin(upload.id)
    writer.write(0, DATA[: 9 << 20])  # is committed by itself
    writer.write(9 << 20, b"x" * 1000)  # is not; and the process dies here
    again = open_uploads()
    assert again.get(upload.id).committed_bytes == 9 << 20
    assert again.get(upload.id) == uploads.get(upload.id)
    writer = again.begin(upload.id)
    writer.write(9 << 20, DATA[9 << 20 :])
    assert writer.end().complete
    assert content(again, upload.id) == DATA


def test_a_wrong_offset_is_told_the_right_one(uploads: Uploads) -> None:
    upload = uploads.create("a.zip", 100)
    writer = uploads.begin(upload.id)
    writer.write(0, bytes(10))
    for offset in (0, 9, 11):
        with pytest.raises(FailedPreconditionError, match=f"at offset 10, not {offset}") as caught:
            writer.write(offset, bytes(5))
        assert caught.value.metadata[COMMITTED] == "10"
    with pytest.raises(InvalidArgumentError, match="must not be negative, not -1"):
        writer.write(-1, bytes(5))
    assert writer.end().committed_bytes == 10


def test_more_than_was_announced_is_refused(uploads: Uploads) -> None:
    upload = uploads.create("a.zip", 10)
    writer = uploads.begin(upload.id)
    writer.write(0, bytes(9))
    with pytest.raises(InvalidArgumentError, match="announced with 10 bytes, and these go on to byte 11"):
        writer.write(9, bytes(2))
    assert uploads.get(upload.id).committed_bytes == 0
    assert writer.end().committed_bytes == 9


def test_a_wrong_hash_makes_the_upload_begin_anew(uploads: Uploads) -> None:
    upload = uploads.create("a.zip", 1000, hashlib.sha256(DATA[:1000]).hexdigest())
    writer = uploads.begin(upload.id)
    writer.write(0, bytes(1000))
    with pytest.raises(DataLossError, match=r"has the SHA-256 .*, not .* as announced"):
        writer.end()
    assert (uploads.get(upload.id).committed_bytes, uploads.get(upload.id).complete) == (0, False)
    writer = uploads.begin(upload.id)
    writer.write(0, DATA[:1000])
    assert writer.end().complete


def test_a_hash_that_was_not_announced_is_found(uploads: Uploads) -> None:
    assert uploads.get(send(uploads, DATA)).sha256 == DIGEST


def test_a_later_writer_takes_over(uploads: Uploads) -> None:
    upload = uploads.create("a.zip", 20)
    first = uploads.begin(upload.id)
    first.write(0, b"first")
    second = uploads.begin(upload.id)
    for call in (lambda: first.write(5, b"first"), first.end):
        with pytest.raises(AbortedError, match="another call writes"):
            call()
    second.write(0, b"0123456789" * 2)
    assert second.end().complete
    assert content(uploads, upload.id) == b"0123456789" * 2


def test_all_uploads_together_have_a_limit(open_uploads: OpenUploads) -> None:
    uploads = open_uploads(1000)
    first = uploads.create("a.zip", 600)
    with pytest.raises(ResourceExhaustedError, match=r"401 bytes do not fit: uploads may have 1000 .* have 600"):
        uploads.create("b.zip", 401)
    uploads.create("b.zip", 400)
    uploads.delete(first.id)
    uploads.create("c.zip", 600)
    with pytest.raises(ResourceExhaustedError):
        open_uploads(1000).create("d.zip", 1)


def test_uploads_of_few_bytes_are_bounded_by_their_number(open_uploads: OpenUploads) -> None:
    uploads = open_uploads(1000, max_count=2)
    request_id = str(uuid4())
    first = uploads.create("a.zip", 1, request_id=request_id)
    uploads.create("b.zip", 1)
    with pytest.raises(ResourceExhaustedError, match="there are 2 uploads, and no more are taken"):
        uploads.create("c.zip", 1)
    assert uploads.create("a.zip", 1, request_id=request_id) == first
    uploads.delete(first.id)
    uploads.create("c.zip", 1)


def test_what_the_disk_cannot_hold_is_refused_at_once(uploads: Uploads) -> None:
    with pytest.raises(ResourceExhaustedError, match="do not fit on the disk"):
        uploads.create("a.zip", 1 << 39)


@contextmanager
def files_of_at_most(limit: int) -> Iterator[None]:
    """The kernel refuses to write past ``limit`` bytes of a file, as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_loses_nothing_that_came_before(uploads: Uploads) -> None:
    upload = uploads.create("a.zip", len(DATA), DIGEST)
    writer = uploads.begin(upload.id)
    writer.write(0, DATA[: 1 << 20])
    with (
        files_of_at_most(1500 << 10),
        pytest.raises(ResourceExhaustedError, match="disk that holds the uploads is full"),
    ):
        writer.write(1 << 20, DATA[1 << 20 : 2 << 20])
    assert writer.end().committed_bytes == 1 << 20
    writer = uploads.begin(upload.id)
    writer.write(1 << 20, DATA[1 << 20 :])
    assert writer.end().complete
    assert content(uploads, upload.id) == DATA


def test_what_is_not_used_expires(open_uploads: OpenUploads, folder: Path) -> None:
    clock = Clock()
    uploads = open_uploads(100, clock=clock)
    idle, used = send(uploads, b"1234"), send(uploads, b"5678")
    clock.now += timedelta(days=6)
    uploads.use(used)
    written = uploads.create("a.zip", 10).id
    clock.now += timedelta(days=2)
    writer = uploads.begin(written)
    writer.write(0, b"x")
    writer.end()
    uploads.purge()
    with pytest.raises(NotFoundError, match="may have expired"):
        uploads.use(idle)
    assert {upload.id for upload in uploads.list().items} == {used, written}
    assert {path.name for path in folder.iterdir()} == {used, written}
    clock.now += timedelta(days=8)
    uploads.purge()
    assert list(folder.iterdir()) == []


def test_a_deleted_upload_is_gone_for_its_writer_too(uploads: Uploads, folder: Path) -> None:
    upload = uploads.create("a.zip", 10)
    writer = uploads.begin(upload.id)
    uploads.delete(upload.id)
    for call in (lambda: writer.write(0, b"1"), writer.end, lambda: uploads.delete(upload.id)):
        with pytest.raises(NotFoundError):
            call()
    assert list(folder.iterdir()) == []


def test_a_repeated_request_makes_one_upload(uploads: Uploads, open_uploads: OpenUploads) -> None:
    request_id = str(uuid4())
    first = uploads.create("a.zip", 10, request_id=request_id)
    assert uploads.create("a.zip", 10, request_id=request_id) == first
    assert open_uploads().create("a.zip", 10, request_id=request_id) == first
    with pytest.raises(InvalidArgumentError, match="other content"):
        uploads.create("a.zip", 11, request_id=request_id)
    assert uploads.list().total_size == 1


def test_pages_have_the_latest_first(open_uploads: OpenUploads) -> None:
    clock = Clock()
    uploads = open_uploads(clock=clock)
    made = []
    for number in range(5):
        clock.now += timedelta(seconds=1)
        made.append(uploads.create(f"{number}.zip", 1).id)
    page = uploads.list(3)
    rest = uploads.list(3, page.next_page_token)
    assert [upload.id for upload in (*page.items, *rest.items)] == made[::-1]
    assert (page.total_size, rest.next_page_token) == (5, "")


def test_what_a_crash_left_behind_is_cleared(uploads: Uploads, folder: Path, open_uploads: OpenUploads) -> None:
    begun, lost = uploads.create("a.zip", 10), uploads.create("b.zip", 10)
    for upload in (begun, lost):
        writer = uploads.begin(upload.id)
        writer.write(0, b"12345")
        writer.end()
    (folder / "20270131-120000123-aaaaaaaa").mkdir()  # of an upload that was being deleted
    (folder / lost.id / "content").write_bytes(b"1234")  # as after a restore, of another time
    again = open_uploads()
    assert [upload.id for upload in again.list().items] == [begun.id]
    assert {path.name for path in folder.iterdir()} == {begun.id}


def test_what_is_lost_meanwhile_begins_anew(uploads: Uploads, folder: Path) -> None:
    upload = uploads.create("a.zip", 10)
    writer = uploads.begin(upload.id)
    writer.write(0, b"12345")
    writer.end()
    (folder / upload.id / "content").unlink()
    writer = uploads.begin(upload.id)
    with pytest.raises(FailedPreconditionError, match="at offset 0, not 5"):
        writer.write(5, b"67890")
    writer.write(0, b"1234567890")
    assert writer.end().complete
    (folder / upload.id / "content").unlink()
    with pytest.raises(DataLossError, match="missing or damaged"), uploads.local(upload.id):
        pass


def test_uploads_of_older_versions_go_on(folder: Path, open_uploads: OpenUploads) -> None:
    old = {
        "id": "20270131-120000123-aaaaaaaa",
        "file_name": "a.zip",
        "size_bytes": 10,
        "sha256": "",
        "committed_bytes": 5,
        "complete": False,
        "create_time": "2027-01-31T12:00:00.123456+00:00",
        "expire_time": "2027-02-07T12:00:00.123456+00:00",
        "request_id": str(uuid4()),
    }
    made = folder / str(old["id"])
    made.mkdir(parents=True)
    (made / "content").write_bytes(b"12345 and what was not committed")
    (made / "state.json").write_text(json.dumps(old))
    for name, state in (("20270131-120000123-bbbbbbbb", "{"), ("20270131-120000123-cccccccc", json.dumps(old))):
        (folder / name).mkdir()
        (folder / name / "state.json").write_text(state)
    for _ in range(2):  # the second start finds nothing to take over
        uploads = open_uploads()
        (upload,) = uploads.list().items
        times = {name: datetime.fromisoformat(str(old[name])) for name in ("create_time", "expire_time")}
        assert vars(upload) == {**old, **times}
        assert [path.name for path in folder.iterdir()] == [upload.id]
    assert uploads.create("a.zip", 10, request_id=upload.request_id) == upload
    writer = uploads.begin(upload.id)
    writer.write(5, b"67890")
    assert writer.end().complete
    assert content(uploads, upload.id) == b"1234567890"


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("file_name", ("", 1, "")),
        ("file_name", ("a" * 256, 1, "")),
        ("file_name", ("a\nb", 1, "")),
        ("size_bytes", ("a", 0, "")),
        ("size_bytes", ("a", -1, "")),
        ("sha256", ("a", 1, "A" * 64)),
        ("request_id", ("a", 1, "", "7")),
    ],
)
def test_arguments_are_checked(uploads: Uploads, field: str, arguments: tuple[str, int, str]) -> None:
    request_id = arguments[3] if len(arguments) > 3 else ""
    with pytest.raises(InvalidArgumentError) as caught:
        uploads.create(*arguments[:3], request_id=request_id)
    assert caught.value.metadata["field"] == field


def test_times_are_kept_to_the_microsecond(uploads: Uploads, open_uploads: OpenUploads) -> None:
    upload = uploads.create("é.zip", 10)
    (again,) = open_uploads().list().items
    assert again == upload
