"""Files of snapshots: linked or copied, summed, and forced to the disk."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Final

from steeple.errors import SnapshotError

SUMS: Final = "SHA256SUMS"
"""List of all files of a snapshot, as ``sha256sum -c`` reads it: ``{sha256}  {path}``."""

_DIGITS: Final = 64
_THREADS: Final = 4
_SYNCS: Final = 16
_AT_ONCE: Final = 256


def write_synced(path: Path, data: bytes) -> None:
    """Writes a file aside, forces it to the disk, renames it to ``path``, and makes the name last.

    Raises:
        OSError: If it cannot be written.
    """
    aside = path.with_name(path.name + ".partial")
    with aside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Forces a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folders(root: Path) -> None:
    """Makes all names below ``root``, and in it, last."""
    folders = (Path(folder) for folder, _, _ in os.walk(root, topdown=False))
    with ThreadPoolExecutor(_SYNCS) as pool:  # a disk does many at once in little more than the time of one
        while batch := list(islice(folders, _AT_ONCE)):
            list(pool.map(sync, batch))


def link_or_copy(source: Path, target: Path, *, link: bool) -> bool:
    """Gives a file that never changes a second name, or copies it; its folder is made.

    Args:
        source: The file.
        target: The new name.
        link: Whether it may share its space with ``source``; where that cannot be, it is copied.

    Returns:
        Whether it was linked.

    Raises:
        OSError: If it cannot be read or written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if link:
        try:
            os.link(source, target)
        except FileNotFoundError:
            raise
        except OSError:  # another file system, one without links, or one link too many
            pass
        else:
            return True
    with source.open("rb") as original, target.open("xb") as copy:
        shutil.copyfileobj(original, copy, 1 << 20)
        copy.flush()
        os.fsync(copy.fileno())
    return False


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hex.

    Raises:
        OSError: If it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_sums(folder: Path, sha256: str) -> Iterator[tuple[str, str]]:
    """Paths of all files of a snapshot, and their SHA-256.

    Args:
        folder: The snapshot's.
        sha256: Of the list, hex.

    Raises:
        SnapshotError: If the list is missing or damaged; before anything is yielded.
    """
    path = folder / SUMS
    try:
        if sha256_of(path) != sha256:
            raise SnapshotError(f"{path} is damaged: its checksum does not match")
    except OSError as error:
        raise SnapshotError(f"{path} cannot be read: {error.strerror}") from error
    return _parsed(path)


def _parsed(path: Path) -> Iterator[tuple[str, str]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield line[_DIGITS + 2 :].removesuffix("\n"), line[:_DIGITS]


def damaged(
    folder: Path, sums: Iterable[tuple[str, str]], told: Callable[[int], None] = lambda _: None
) -> Iterator[tuple[str, str]]:
    """Files that are not as they were, and what is wrong with them.

    Args:
        folder: That they lie in.
        sums: Their paths and SHA-256.
        told: Of the number of files looked at, now and then; may raise to end this.
    """
    done, more = 0, iter(sums)
    with ThreadPoolExecutor(_THREADS) as pool:
        while batch := list(islice(more, _AT_ONCE)):
            found = pool.map(lambda each: (each[0], _damage(folder / each[0], each[1])), batch)
            yield from ((name, wrong) for name, wrong in found if wrong)
            done += len(batch)
            told(done)


def _damage(path: Path, sha256: str) -> str:
    try:
        return "" if sha256_of(path) == sha256 else "its content is not what it was: the checksum does not match"
    except FileNotFoundError:
        return "it is missing"
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
