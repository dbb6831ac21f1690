"""Files that are there whole or not at all."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from steeple.delf.durable import replacing
from steeple.server.durable import link_or_copy, sha256_of, write_file


@pytest.mark.parametrize("lasting", [True, False])
def test_what_was_there_stays_until_all_is_written(tmp_path: Path, lasting: bool) -> None:
    file = tmp_path / "file"
    write_file(file, b"old")

    def broken() -> None:
        with replacing(file, lasting=lasting) as new:
            new.write(b"half of")
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        broken()
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"old")]
    with replacing(file, lasting=lasting) as new:
        new.write(b"new")
        assert file.read_bytes() == b"old"
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"new")]


@pytest.mark.parametrize("link", [True, False])
def test_a_second_name_is_linked_or_copied_and_takes_nobodys_place(tmp_path: Path, link: bool) -> None:
    source, target = tmp_path / "source", tmp_path / "folder" / "target"
    data = bytes(range(256)) * 10_000
    write_file(source, memoryview(data))
    assert link_or_copy(source, target, link=link) is link
    assert source.samefile(target) is link
    assert sha256_of(target) == hashlib.sha256(data).hexdigest()
    with pytest.raises(FileExistsError):
        link_or_copy(source, target, link=link)
    with pytest.raises(FileNotFoundError):
        link_or_copy(tmp_path / "nothing", tmp_path / "folder" / "other", link=link)
    assert [path.name for path in target.parent.iterdir()] == ["target"]
