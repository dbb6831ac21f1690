"""The container of a pack: a ZIP archive of stored members, written plainly and read strictly.

Members are never unpacked: they lie in the file as they are and are mapped into memory. So an archive is taken only as
:class:`ArchiveWriter` writes it: members stored, one after the other, without gaps, comments or extra fields. Whatever
else a ZIP archive can hold (packed, encrypted, overlapping or hidden members, names that lead elsewhere) is refused.
"""

from __future__ import annotations

import hashlib
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

import numpy as np
from numpy.typing import NDArray

from steeple.errors import NotFoundError, PackError
from steeple.packs.records import Member

MAX_BYTES: Final = (1 << 31) - 1
"""Of a pack: what a plain ZIP archive can be everywhere."""

MAX_MEMBERS: Final = 60_000
"""Of a pack: fewer than a plain ZIP archive can have."""

_LONGEST_NAME: Final = 120
_AT_ONCE: Final = 1 << 20

_LOCAL: Final = struct.Struct("<4s5H3I2H")
_CENTRAL: Final = struct.Struct("<4s6H3I5H2I")
_END: Final = struct.Struct("<4s4H2IH")
_LOCAL_MAGIC: Final = b"PK\x03\x04"
_CENTRAL_MAGIC: Final = b"PK\x01\x02"
_END_MAGIC: Final = b"PK\x05\x06"


class ArchiveWriter:
    """Writes members one after the other.

    Args:
        file: To write to, from its beginning.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=False)
        self.members: dict[str, Member] = {}
        """Those that were added, by name."""

    def add(self, name: str, *parts: bytes | IO[bytes]) -> None:
        """Adds a member of some parts; those that are files are read to their ends."""
        info = zipfile.ZipInfo(name)  # dated so that the same pack makes the same bytes
        info.external_attr, info.create_system = 0o644 << 16, 3
        digest, size = hashlib.sha256(), 0
        with self._zip.open(info, "w") as member:
            for part in parts:
                for piece in _pieces(part):
                    member.write(piece)
                    digest.update(piece)
                    size += len(piece)
        self.members[name] = Member(size, digest.hexdigest())

    def close(self) -> None:
        """Writes the list of members; the file stays open."""
        self._zip.close()

    def give_up(self) -> None:
        """Leaves a file that is no archive, or one that lacks members."""
        with suppress(OSError, ValueError):  # a full disk among others; left open, it would try again by itself
            self._zip.close()


def _pieces(part: bytes | IO[bytes]) -> Iterator[bytes]:
    if isinstance(part, bytes):
        yield part
        return
    while piece := part.read(_AT_ONCE):
        yield piece


class MappedArchive:
    """An archive that is mapped into memory.

    Args:
        path: Of it. Whoever replaces it has to put another file in its place, and never write into it.

    Raises:
        NotFoundError: If there is no such file.
        PackError: If it cannot be read, or is no archive as :class:`ArchiveWriter` writes it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            size = path.stat().st_size
            if not path.is_file() or not _END.size <= size <= MAX_BYTES:
                raise self._refused(f"no offline pack has {size} bytes")
            self._bytes: NDArray[np.uint8] = np.memmap(path, np.uint8, "r").view(np.ndarray)
        except FileNotFoundError as error:
            raise NotFoundError(f"there is no offline pack {path}", resource=str(path)) from error
        except OSError as error:
            raise PackError(f"offline pack {path} cannot be read: {error.strerror or error}") from error
        self._places = self._found()
        self.sizes: Mapping[str, int] = {name: end - start for name, (start, end, _) in self._places.items()}
        """Bytes of its members, by name, in their order."""

    def member(self, name: str) -> NDArray[np.uint8]:
        """uint8[N]: a member, mapped.

        Raises:
            PackError: If there is none of that name.
        """
        if name not in self._places:
            raise self._refused(f"{name} is missing")
        start, end, _ = self._places[name]
        return self._bytes[start:end]

    def checksum_is(self, name: str, sha256: str) -> bool:
        """Whether a member has that SHA-256, hex."""
        return hashlib.sha256(self.member(name).data).hexdigest() == sha256

    def is_whole(self, name: str) -> bool:
        """Whether a member has the CRC-32 that the archive states: for what no hash is known of."""
        return zlib.crc32(self.member(name).data) == self._places[name][2]

    def _found(self) -> dict[str, tuple[int, int, int]]:
        """Where members begin and end, and their CRC-32, by name."""
        data = self._bytes
        magic, disk, first_disk, here, count, size, start, comment = _END.unpack(data[-_END.size :].tobytes())
        if magic != _END_MAGIC:
            raise self._refused("it has no end; if it was cut short, download it again")
        whole = start + size + _END.size == len(data) and size <= MAX_MEMBERS * (_CENTRAL.size + _LONGEST_NAME)
        if not whole or (disk, first_disk, comment) != (0, 0, 0) or here != count or count > MAX_MEMBERS:
            raise self._refused("its list of members is damaged")
        directory = data[start : start + size].tobytes()
        places: dict[str, tuple[int, int, int]] = {}
        at = reached = 0
        for _ in range(count):
            name, length, crc, at = self._entry(directory, at, reached)
            if name in places:
                raise self._refused(f"{name} is in it twice")
            begin = reached + _LOCAL.size + len(name)
            reached = begin + length
            places[name] = (begin, reached, crc)
        if at != size or reached != start:
            raise self._refused("it has bytes that belong to no member")
        return places

    def _entry(self, directory: bytes, at: int, reached: int) -> tuple[str, int, int, int]:
        """Name, size and CRC-32 of the member that the list has at ``at``, and where the list goes on.

        The member has to begin at ``reached``, with a header that says the same.
        """
        try:
            magic, _, _, flags, method, _, _, crc, packed, length, name_length, extra, comment, disk, _, _, offset = (
                _CENTRAL.unpack_from(directory, at)
            )
            at += _CENTRAL.size
            raw = directory[at : at + name_length]
            name = raw.decode("ascii")
            header = self._bytes[reached : reached + _LOCAL.size + name_length].tobytes()
            local = _LOCAL.unpack_from(header)
        except (struct.error, UnicodeDecodeError) as error:
            raise self._refused("its list of members is damaged") from error
        if not name.isprintable() or not 0 < len(name) == name_length <= _LONGEST_NAME:
            raise self._refused("its list of members is damaged")
        if (flags, method, extra, comment, disk) != (0, zipfile.ZIP_STORED, 0, 0, 0) or packed != length:
            raise self._refused(f"{name} is not stored plainly; packs are never packed again")
        said = (_LOCAL_MAGIC, flags, method, crc, packed, length, name_length, extra)
        there = (local[0], *local[2:4], *local[6:])
        if magic != _CENTRAL_MAGIC or offset != reached or there != said or header[_LOCAL.size :] != raw:
            raise self._refused(f"{name} is not where the list of members says")
        return name, length, crc, at + name_length

    def _refused(self, why: str) -> PackError:
        return PackError(f"{self._path} is no offline pack, or a damaged one: {why}", path=str(self._path))
