from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from steeple.errors import DataLossError, FailedPreconditionError, InvalidArgumentError
from steeple.server.images import ImageStore

PHOTO = b"\xff\xd8 a photo \x00" * 1000
DIGEST = hashlib.sha256(PHOTO).hexdigest()


@pytest.fixture(params=["folder", "file", "memory", pytest.param("s3", marks=pytest.mark.engines)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ImageStore:
    if request.param == "s3":
        return ImageStore(f"{request.getfixturevalue('bucket_url')}/some/photos")
    urls = {"folder": str(tmp_path / "images"), "file": f"file://{tmp_path}/images", "memory": f"memory://{uuid4()}"}
    return ImageStore(urls[request.param])


def test_a_photo_comes_back(store: ImageStore) -> None:
    assert not store.exists(DIGEST)
    assert store.put(PHOTO) == DIGEST
    assert store.put(PHOTO) == DIGEST
    assert store.exists(DIGEST)
    assert store.get(DIGEST) == PHOTO
    assert list(store.digests()) == [DIGEST]


def test_a_deleted_photo_is_missing(store: ImageStore) -> None:
    store.put(PHOTO)
    store.delete(DIGEST)
    store.delete(DIGEST)
    assert not store.exists(DIGEST)
    assert list(store.digests()) == []
    with pytest.raises(DataLossError, match=f"photo {DIGEST} is missing"):
        store.get(DIGEST)


def test_the_empty_photo_is_a_photo(store: ImageStore) -> None:
    assert store.get(store.put(b"")) == b""


@pytest.mark.parametrize("bad", ["", "abc", "../" * 22, DIGEST.upper(), DIGEST + "\n", "0" * 63 + "/"])
def test_only_hashes_name_photos(store: ImageStore, bad: str) -> None:
    for call in (store.get, store.exists, store.delete):
        with pytest.raises(InvalidArgumentError, match="sha256 must be 64"):
            call(bad)


def test_photos_lie_in_folders_two_deep(tmp_path: Path) -> None:
    ImageStore(str(tmp_path)).put(PHOTO)
    files = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()]
    assert files == [f"{DIGEST[:2]}/{DIGEST[2:4]}/{DIGEST}"]


@pytest.mark.parametrize("damaged", [b"", PHOTO[:-1], b"x" + PHOTO[1:]])
def test_a_damaged_photo_is_told_and_can_be_stored_again(tmp_path: Path, damaged: bytes) -> None:
    store = ImageStore(str(tmp_path))
    store.put(PHOTO)
    (tmp_path / DIGEST[:2] / DIGEST[2:4] / DIGEST).write_bytes(damaged)
    with pytest.raises(DataLossError, match=f"photo {DIGEST} in the image store is damaged"):
        store.get(DIGEST)
    store.put(PHOTO)
    assert store.get(DIGEST) == PHOTO


def test_a_store_opened_again_has_its_photos(tmp_path: Path) -> None:
    ImageStore(str(tmp_path / "a" / "b")).put(PHOTO)
    assert ImageStore(str(tmp_path / "a" / "b")).get(DIGEST) == PHOTO


def test_strangers_files_are_no_photos(tmp_path: Path) -> None:
    store = ImageStore(str(tmp_path))
    (tmp_path / "README").write_text("not a photo")
    (tmp_path / ".incoming" / f"{DIGEST}.0011").write_bytes(PHOTO[:100])
    assert list(store.digests()) == []
    assert not store.exists(DIGEST)


def test_what_a_crash_left_goes_after_a_day(tmp_path: Path) -> None:
    ImageStore(str(tmp_path))
    old, new = tmp_path / ".incoming" / "old", tmp_path / ".incoming" / "new"
    for file in (old, new):
        file.write_bytes(b"half")
    day_before = new.stat().st_mtime - 24 * 3600 - 60
    os.utime(old, (day_before, day_before))
    ImageStore(str(tmp_path))
    assert (old.exists(), new.exists()) == (False, True)


def test_many_threads_may_store_the_same_photo(store: ImageStore) -> None:
    photos = [PHOTO + bytes([number % 5]) for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        digests = list(pool.map(store.put, photos))
    assert [store.get(digest) for digest in digests] == photos
    assert list(store.digests()) == sorted(set(digests))
    assert len(set(digests)) == 5
    assert store.folder is None or list((store.folder / ".incoming").iterdir()) == []


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FailedPreconditionError, match="not accessible"):
        ImageStore(str(tmp_path / "file"))


@pytest.mark.parametrize("url", ["", "nosuchprotocol://x"])
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InvalidArgumentError, match="URL"):
        ImageStore(url)


def test_a_stored_photo_survives_sigkill_and_no_half_one_appears(tmp_path: Path) -> None:
    script = """
import itertools, sys
from steeple.server.images import ImageStore
store = ImageStore(sys.argv[1])
for number in itertools.count():
    print(store.put(number.to_bytes(4, "big") * 100_000), flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", script, tmp_path], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(20)]
        writer.kill()
        lines += writer.stdout.readlines()
    assert writer.returncode == -signal.SIGKILL
    stored = {line.strip() for line in lines if line.endswith("\n")}
    store = ImageStore(str(tmp_path))
    found = set(store.digests())
    assert stored <= found
    assert len(found - stored) <= 1
    for digest in found:
        assert len(store.get(digest)) == 400_000
