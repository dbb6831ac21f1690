from __future__ import annotations

import os
import unicodedata
import zipfile
from pathlib import Path

import pytest

from steeple.errors import ImageError, InvalidArgumentError, NotFoundError
from steeple.server.importing import sources
from steeple.server.importing.sources import FolderSource, Names
from steeple.server.importing.zip_source import ZipSource


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder to import, beside a secret."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key.jpg").write_bytes(b"secret")
    folder = tmp_path / "import"
    (folder / "paris" / "eiffel").mkdir(parents=True)
    (folder / "paris" / "eiffel" / "1.jpg").write_bytes(b"one")
    (folder / "paris" / ".hidden.jpg").write_bytes(b"x")
    return folder


@pytest.mark.parametrize(
    "folder", ["..", "paris/../..", "/etc", "../secret", "paris/eiffel/../../../secret", "..\\secret", "a\0b"]
)
def test_no_name_of_a_folder_leads_out(root: Path, folder: str) -> None:
    with pytest.raises(InvalidArgumentError, match="relative to the server's import_dir"):
        FolderSource(root, folder)


def test_links_are_followed_nowhere(root: Path) -> None:
    (root / "link").symlink_to(root.parent / "secret")
    (root / "paris" / "link").symlink_to(root.parent / "secret")
    (root / "paris" / "key.jpg").symlink_to(root.parent / "secret" / "key.jpg")
    os.mkfifo(root / "paris" / "pipe.jpg")
    for folder in ("link", "missing", "paris/eiffel/1.jpg"):
        with pytest.raises(NotFoundError, match="links are not followed"):
            FolderSource(root, folder)
    source = FolderSource(root, "./paris/")
    assert source.names() == ["eiffel/1.jpg"]
    assert source.read("eiffel/1.jpg") == b"one"
    for name in ("key.jpg", "link/key.jpg", "missing.jpg", "pipe.jpg", "eiffel", "eiffel/1.jpg/x"):
        with pytest.raises(ImageError, match="cannot be read"):
            source.read(name)
    source.close()
    open_files = len(list(Path("/proc/self/fd").iterdir()))
    source = FolderSource(root, "paris")
    assert [source.read(name) for name in source.names()] == [b"one"]
    source.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == open_files


def test_a_file_that_is_no_photo_by_its_size_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_FILE_BYTES", 2)
    source = FolderSource(root, ".")
    with pytest.raises(InvalidArgumentError, match="3 bytes; at most 2"):
        source.read("paris/eiffel/1.jpg")
    source.close()


def test_an_archive_gives_its_files_but_hidden_ones(tmp_path: Path) -> None:
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("b/2.jpg", "a/1.jpg", "__MACOSX/a/._1.jpg", "a/.DS_Store", "a/"):
            archive.writestr(name, b"" if name.endswith("/") else name.encode())
    source = ZipSource(path)
    assert source.names() == ["a/1.jpg", "b/2.jpg"]
    assert source.read("a/1.jpg") == b"a/1.jpg"
    source.close()


def test_names_in_manifests_are_found_as_people_write_them() -> None:
    decomposed = unicodedata.normalize("NFD", "café/é.jpg")
    names = Names([decomposed, "a/1.jpg"])
    assert names.find("café/é.jpg") == decomposed
    assert names.find(".\\a\\1.jpg") == "a/1.jpg"
    with pytest.raises(NotFoundError, match=r"no file 'a/1.JPG'"):
        names.find("a/1.JPG")
    for written in ("../a/1.jpg", "/a/1.jpg", "a//1.jpg", "..\\x", "C:\\..\\a", "a/\0"):
        with pytest.raises(InvalidArgumentError, match="below the manifest's folder"):
            names.find(written)
