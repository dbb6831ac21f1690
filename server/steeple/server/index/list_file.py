"""Files of inverted lists: codes and numbers, list by list, to be mapped into memory."""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.errors import SnapshotError

_MAGIC: Final = b"STEEPLE-LISTS-1\n"
_TRAILER: Final = struct.Struct("<IIQ")  # code size, lists, bytes of the lists
_NUMBER_BYTES: Final = 8


@dataclass(frozen=True, eq=False)
class ListFile:
    """What a file holds.

    The lists come first, so that FAISS can map them (``OnDiskInvertedLists``): of each, all codes and then all numbers,
    int64. Their sizes, uint32, follow, then code size, number of lists and bytes, then the magic.

    Attributes:
        path: The file.
        code_size: Bytes of a code.
        sizes: int64[lists]; codes of each list.
        sha256: Of the whole file, hexadecimal.
    """

    path: Path
    code_size: int
    sizes: NDArray[np.int64]
    sha256: str

    @property
    def data_bytes(self) -> int:
        """Bytes of the lists."""
        return int(self.sizes.sum()) * (self.code_size + _NUMBER_BYTES)


def write(path: Path, code_size: int, lists: Iterable[tuple[NDArray[np.uint8], NDArray[np.int64]]]) -> ListFile:
    """Writes inverted lists aside, forces them to the disk and renames the file to ``path``.

    Args:
        path: Of the file.
        code_size: Bytes of a code.
        lists: uint8[n, code_size] and int64[n] of each list, in order.

    Raises:
        OSError: If it cannot be written; nothing is left of it.
    """
    digest, sizes, total = hashlib.sha256(), [], 0
    aside = path.with_name(path.name + ".partial")
    try:
        with aside.open("wb", buffering=1 << 20) as file:
            for codes, numbers in lists:
                for part in (np.ascontiguousarray(codes), np.ascontiguousarray(numbers)):
                    digest.update(part.data)
                    file.write(part.data)
                    total += part.nbytes
                sizes.append(len(numbers))
            trailer = np.array(sizes, "<u4").tobytes() + _TRAILER.pack(code_size, len(sizes), total) + _MAGIC
            digest.update(trailer)
            file.write(trailer)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    return ListFile(path, code_size, np.array(sizes, np.int64), digest.hexdigest())


def read(path: Path, sha256: str) -> ListFile:
    """What a file holds, checked.

    Args:
        path: The file.
        sha256: That it must have.

    Raises:
        SnapshotError: If it is missing, truncated or corrupt.
    """
    try:
        with path.open("rb") as file:
            actual = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
            end = _TRAILER.size + len(_MAGIC)
            if actual != sha256 or size < end:
                raise SnapshotError(f"{path} is corrupt: its checksum does not match")
            file.seek(size - end)
            tail = file.read(end)
            code_size, count, total = _TRAILER.unpack(tail[: _TRAILER.size])
            if tail[_TRAILER.size :] != _MAGIC or total + 4 * count + end != size:
                raise SnapshotError(f"{path} is not a file of inverted lists of this version")
            file.seek(total)
            sizes = np.frombuffer(file.read(4 * count), "<u4").astype(np.int64)
    except OSError as error:
        raise SnapshotError(f"{path} cannot be read: {error.strerror}") from error
    found = ListFile(path, code_size, sizes, sha256)
    if found.data_bytes != total:
        raise SnapshotError(f"{path} is corrupt: its lists do not fill it")
    return found
