from __future__ import annotations

import io
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steeple.errors import InvalidArgumentError
from steeple.server.archives import Limits, SafeZip


def archive(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes], deflate: bool = False) -> Path:
    method = zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", method) as made:
        warnings.simplefilter("ignore")  # of names that come twice
        for name, data in members:
            made.writestr(name, data)
    return path


def refuses(path: Path, match: str, member: str | None = None, limits: Limits | None = None) -> None:
    with pytest.raises(InvalidArgumentError, match=match) as caught:
        SafeZip(path, limits or Limits())
    assert caught.value.metadata.get("member") == member


def patched(path: Path, change: Callable[[bytearray, int], None], signature: bytes = b"PK\x01\x02") -> Path:
    """Changes what an archive says of its last member."""
    data = bytearray(path.read_bytes())
    change(data, data.rfind(signature))
    path.write_bytes(data)
    return path


def test_members_are_read_whole_and_by_line(tmp_path: Path) -> None:
    lines = "".join(f'{{"number": {number}}}\n' for number in range(1000)).encode()
    path = archive(tmp_path / "a.zip", ("folder/", b""), ("folder/ä.jsonl", lines), ("b.bin", b"\0" * 10), deflate=True)
    with SafeZip(path) as opened:
        assert [(member.name, member.size_bytes) for member in opened.members] == [
            ("folder/ä.jsonl", len(lines)),
            ("b.bin", 10),
        ]
        assert opened.read("b.bin") == b"\0" * 10
        assert list(opened.lines("folder/ä.jsonl", 20)) == lines.splitlines()
        assert "b.bin" in opened
        assert "folder/" not in opened
        assert opened.size("b.bin") == 10
        with pytest.raises(InvalidArgumentError, match="at most 9 are taken"):
            opened.read("b.bin", 9)
        with pytest.raises(InvalidArgumentError, match="more than 13 bytes in line 11"):
            list(opened.lines("folder/ä.jsonl", 13))
        with pytest.raises(InvalidArgumentError, match="'c' is not in the archive"):
            opened.read("c")


@pytest.mark.parametrize(
    "name", ["../a", "a/../../b", "/etc/passwd", "a//b", "./a", "C:/a", "a\\..\\b", "a\nb", "a\x1b[2J", "b" * 1025, "."]
)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    refuses(archive(tmp_path / "a.zip", ("fine", b""), (name, b"x")), "has a name", name[:200])


def test_a_name_cut_by_a_nul_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", ("photos/aXb.jpg", b"x"))
    path.write_bytes(path.read_bytes().replace(b"aXb", b"a\0b"))
    refuses(path, "control characters", "photos/a\0b.jpg")


def test_a_name_that_comes_twice_is_refused(tmp_path: Path) -> None:
    refuses(archive(tmp_path / "a.zip", ("a", b"1"), ("a", b"2")), "twice", "a")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFDIR])
def test_links_and_special_files_are_refused(tmp_path: Path, kind: int) -> None:
    info = zipfile.ZipInfo("a")
    info.external_attr = (kind | 0o777) << 16
    refuses(archive(tmp_path / "a.zip", (info, b"/etc/passwd")), "link or a special file", "a")


@pytest.mark.parametrize("flag", [0x1, 0x41, 0x2000])
def test_encrypted_members_are_refused(tmp_path: Path, flag: int) -> None:
    def encrypt(data: bytearray, at: int) -> None:
        data[at + 8 : at + 10] = struct.pack("<H", flag)

    path = patched(archive(tmp_path / "a.zip", ("a", b"secret")), encrypt)
    refuses(path, "encrypted", "a")


def test_other_methods_of_packing_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_LZMA) as made:
        made.writestr("a", b"x")
    refuses(tmp_path / "a.zip", "method 14", "a")


def test_a_member_that_unpacks_to_far_too_much_is_refused_unread(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", ("small", b"\0" * 1000), ("bomb", b"\0" * (4 << 20)), deflate=True)
    refuses(path, "more than 200 times as many", "bomb")
    refuses(path, "at most 1000 are taken", "bomb", Limits(member_bytes=1000))
    photos = archive(tmp_path / "b.zip", *((f"{number}", b"\0" * 500) for number in range(10)))
    refuses(photos, "unpacks to more than 4999 bytes", None, Limits(total_bytes=4999))
    refuses(photos, "has 10 members; at most 9", None, Limits(members=9))
    refuses(photos, "list of members has more than 400 bytes", None, Limits(directory_bytes=400))
    SafeZip(photos, Limits(members=10, total_bytes=5000, directory_bytes=470)).close()


@pytest.mark.parametrize("claimed", [100, 100_000])
def test_a_size_that_is_not_true_is_found(tmp_path: Path, claimed: int) -> None:
    """The sizes that count are those of the list: what unpacks to more, or to less, is not handed out."""

    def claim(data: bytearray, at: int) -> None:
        data[at + 24 : at + 28] = struct.pack("<I", claimed)

    path = patched(archive(tmp_path / "a.zip", ("a", bytes(range(250)) * 40), deflate=True), claim)
    with SafeZip(path) as opened, pytest.raises(InvalidArgumentError, match=r"damaged|unpacks to 10000") as caught:
        opened.read("a")
    assert caught.value.metadata["member"] == "a"


def test_members_that_share_bytes_are_refused(tmp_path: Path) -> None:
    """As in bombs of which each member unpacks the same bytes."""
    path = archive(tmp_path / "a.zip", ("a", b"x" * 100), ("b", b"y" * 100))

    def move(data: bytearray, at: int) -> None:
        data[at + 42 : at + 46] = struct.pack("<I", 0)

    refuses(patched(path, move), "overlaps", "a")


def test_archives_within_archives_are_only_bytes(tmp_path: Path) -> None:
    inner = archive(tmp_path / "inner.zip", ("../evil", b"x")).read_bytes()
    with SafeZip(archive(tmp_path / "a.zip", ("inner.zip", inner))) as opened:
        assert opened.read("inner.zip") == inner


def test_what_is_no_archive_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    for data in (b"", b"PK", b"\xff\xd8\xff" * 1000, b"PK\x05\x06" + b"\xff" * 18, b"PK\x05\x06" + b"\0" * 17):
        path.write_bytes(data)
        refuses(path, "damaged or no ZIP archive")


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_damage_is_an_error_or_harmless(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Whatever bytes are changed or cut off: our own error, or members as they were."""
    made = io.BytesIO()
    contents = {"a.jsonl": b'{"a": 1}\n' * 50, "photos/b.jpg": bytes(range(256)) * 4}
    with zipfile.ZipFile(made, "w") as written:
        for name, content in contents.items():
            method = zipfile.ZIP_DEFLATED if name == "a.jsonl" else zipfile.ZIP_STORED
            written.writestr(name, content, method)
    damaged = bytearray(made.getvalue())
    for at in data.draw(st.lists(st.integers(0, len(damaged) - 1), max_size=4)):
        damaged[at] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del damaged[data.draw(st.integers(0, len(damaged))) :]
    path = tmp_path_factory.mktemp("damage") / "a.zip"
    path.write_bytes(damaged)
    try:
        with SafeZip(path) as opened:
            for member in opened.members:
                assert opened.read(member.name) in contents.values()
                list(opened.lines(member.name, 1 << 20))
    except InvalidArgumentError:
        pass


def test_only_the_list_of_members_is_bounded_by_its_limit(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", ("a.bin", b"x" * 50_000))
    with SafeZip(path, Limits(directory_bytes=1000)) as opened:
        assert len(opened.read("a.bin")) == 50_000
    many = archive(tmp_path / "b.zip", *((f"{number}.bin", b"") for number in range(100)))
    refuses(many, "list of members has more than 1000 bytes", limits=Limits(directory_bytes=1000))
