"""ZIP archives from anybody, read without harm.

What an archive says of itself is not believed: names that lead elsewhere, links, encrypted, doubled and overlapping
members, and members that unpack to far more than they should are refused before anything is unpacked. Members are read
into memory or line by line, never extracted to paths of their own; archives within archives are plain bytes.
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from steeple.errors import InvalidArgumentError
from steeple.server.durable import errors_translated

_METHODS: Final = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENCRYPTED: Final = 0x1 | 0x40 | 0x2000  # traditional, strong, and with a hidden directory
_PATCH: Final = 0x20
_LOCAL_HEADER: Final = 30  # bytes, before the name
_LONGEST_NAME: Final = 1024
_NO_RATIO_BELOW: Final = 1 << 20  # a small member may be all zeros
_BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
    struct.error,
)


@dataclass(frozen=True)
class Limits:
    """What an archive may be.

    Attributes:
        members: Files in it.
        member_bytes: Of one of them, unpacked.
        total_bytes: Of all of them, unpacked.
        ratio: Bytes unpacked a byte packed, of a member of more than 1 MiB.
        directory_bytes: Of the list of members; it is held in memory.
    """

    members: int = 1_000_000
    member_bytes: int = 4 << 30
    total_bytes: int = 1 << 42
    ratio: int = 200
    directory_bytes: int = 256 << 20


DEFAULT_LIMITS: Final = Limits()


@dataclass(frozen=True)
class Member:
    """A file in an archive.

    Attributes:
        name: As the archive says, with ``/`` between folders; within the archive, never a path of this host.
        size_bytes: Unpacked.
    """

    name: str
    size_bytes: int


class SafeZip:
    """A ZIP archive whose list of members has been checked; close it, or use it in a ``with`` block.

    Not thread safe.

    Args:
        archive: Its path, or what reads it.
        limits: What it may be.

    Raises:
        InvalidArgumentError: If it is no whole archive, or has what is refused; its metadata ``member`` says which
            member, if it is one.
        SteepleError: If the file cannot be read.
    """

    def __init__(self, archive: Path | io.RawIOBase, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        with errors_translated("archive"):
            self._file = _Bounded(archive, limits.directory_bytes)
        try:
            with errors_translated("archive"), _broken_told("the file"):
                self._zip = zipfile.ZipFile(self._file)
                self._file.longest = None  # what members may have has other limits
                self._infos = self._checked()
        except BaseException:
            self._file.close()
            raise
        self.members = tuple(Member(info.filename, info.file_size) for info in self._infos.values())
        """Its files, in the order of its list; folders are left out."""

    def __enter__(self) -> SafeZip:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __contains__(self, name: object) -> bool:
        return name in self._infos

    def close(self) -> None:
        """Closes the file. May be called again."""
        self._zip.close()
        self._file.close()

    def size(self, name: str) -> int:
        """Bytes of a member, unpacked.

        Raises:
            InvalidArgumentError: If there is none of that name.
        """
        return self._info(name).file_size

    def read(self, name: str, longest: int | None = None) -> bytes:
        """All of a member.

        Args:
            name: Of the member.
            longest: Bytes that it may have; None: as the limits say.

        Raises:
            InvalidArgumentError: If there is none of that name, it is too long or it is damaged.
        """
        info = self._info(name)
        if longest is not None and info.file_size > longest:
            raise _refused(name, f"has {info.file_size} bytes; at most {longest} are taken")
        with errors_translated("archive"), _broken_told(_shown(name), name), self._zip.open(info) as member:
            data = member.read(info.file_size + 1)
        if len(data) != info.file_size:
            raise _refused(name, f"unpacks to {len(data)} bytes, not the {info.file_size} that the archive says")
        return data

    def lines(self, name: str, longest: int) -> Iterator[bytes]:
        """The lines of a member, without their ends.

        Args:
            name: Of the member.
            longest: Bytes that a line may have.

        Raises:
            InvalidArgumentError: If there is none of that name, a line is too long or the member is damaged.
        """
        info = self._info(name)
        with errors_translated("archive"), _broken_told(_shown(name), name), self._zip.open(info) as member:
            number = 0
            while line := member.readline(longest + 2):
                number += 1
                text = line.rstrip(b"\r\n")
                if len(text) > longest:
                    raise _refused(name, f"has more than {longest} bytes in line {number}")
                yield text

    def _info(self, name: str) -> zipfile.ZipInfo:
        info = self._infos.get(name)
        if info is None:
            raise _refused(name, "is not in the archive")
        return info

    def _checked(self) -> dict[str, zipfile.ZipInfo]:
        found = self._zip.infolist()
        if len(found) > self._limits.members:
            raise InvalidArgumentError(
                f"the archive has {len(found)} members; at most {self._limits.members} are taken"
            )
        infos: dict[str, zipfile.ZipInfo] = {}
        total = 0
        for info in found:
            self._check(info)
            if info.filename in infos:
                raise _refused(info.filename, "is in the archive twice")
            total += info.file_size
            if total > self._limits.total_bytes:
                raise InvalidArgumentError(f"the archive unpacks to more than {self._limits.total_bytes} bytes")
            infos[info.filename] = info
        _check_apart(found, self._zip.start_dir)
        return {name: info for name, info in infos.items() if not info.is_dir()}

    def _check(self, info: zipfile.ZipInfo) -> None:
        name = info.filename
        _check_name(info.orig_filename)
        kind = stat.S_IFMT(info.external_attr >> 16)  # 0 where the archive was made by a system without such kinds
        if kind not in (0, stat.S_IFDIR if info.is_dir() else stat.S_IFREG):
            raise _refused(name, "is a link or a special file; put plain files into the archive")
        if info.flag_bits & _ENCRYPTED:
            raise _refused(name, "is encrypted; make the archive without a password")
        if info.flag_bits & _PATCH or info.compress_type not in _METHODS:
            raise _refused(name, f"is packed by method {info.compress_type}; store or deflate it")
        if info.file_size > (0 if info.is_dir() else self._limits.member_bytes):
            raise _refused(name, f"unpacks to {info.file_size} bytes; at most {self._limits.member_bytes} are taken")
        if info.compress_type == zipfile.ZIP_STORED and info.file_size != info.compress_size:
            raise _refused(name, "is stored, and yet has two sizes")
        if info.file_size > max(_NO_RATIO_BELOW, self._limits.ratio * info.compress_size):
            raise _refused(
                name,
                f"unpacks from {info.compress_size} to {info.file_size} bytes, more than {self._limits.ratio} times as "
                "many; no photo does",
            )


class _Bounded(io.BufferedReader):
    """A file of which no one may ask for very much at once: the list of members is read in one piece."""

    def __init__(self, file: Path | io.RawIOBase, longest: int | None) -> None:
        super().__init__(io.FileIO(file) if isinstance(file, Path) else file)
        self.longest = longest

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and self.longest is not None and size > self.longest:
            raise InvalidArgumentError(f"the archive's list of members has more than {self.longest} bytes")
        return super().read(size)


def _check_name(name: str) -> None:
    """Refuses what could mean another place than one below the archive's top."""
    parts = name.removesuffix("/").split("/")
    if len(name) > _LONGEST_NAME:
        raise _refused(name, f"has a name of more than {_LONGEST_NAME} characters")
    if not all(part not in ("", ".", "..") for part in parts) or "\\" in name or name[1:2] == ":":
        raise _refused(name, "has a name that leads out of the archive, or may; names are relative, with / between")
    if not name.isprintable():
        raise _refused(name, "has a name with control characters")
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise _refused(name, "has a name that is not Unicode") from None


def _check_apart(infos: list[zipfile.ZipInfo], end: int) -> None:
    """Refuses members that share bytes of the archive, by which few bytes can unpack to very many."""
    following = [*sorted(infos, key=lambda info: info.header_offset)]
    for info, after in zip(following, [*following[1:], None], strict=True):
        limit = end if after is None else after.header_offset
        if info.header_offset < 0 or info.header_offset + _LOCAL_HEADER + info.compress_size > limit:
            raise _refused(info.filename, "overlaps what follows it; the archive is damaged or made to harm")


def _refused(name: str, what: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"{_shown(name)} {what}", member=name[:200].encode("utf-8", "replace").decode())


def _shown(name: str) -> str:
    return f"member {name[:200]!r}"


@contextmanager
def _broken_told(what: str, member: str = "") -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        metadata = {"member": member[:200]} if member else {}
        raise InvalidArgumentError(
            f"{what} is damaged or no ZIP archive ({error}); if it was cut short, send it again", **metadata
        ) from error
