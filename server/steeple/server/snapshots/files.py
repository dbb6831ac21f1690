"""Files of snapshots: compared with their sums, and all of them forced to the disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Final

from steeple.delf.durable import sync
from steeple.errors import SnapshotError
from steeple.server.durable import sha256_of

CATALOGUE: Final = "catalogue.db"
PHOTOS: Final = "images"
INDEX: Final = "index"
SUMS: Final = "SHA256SUMS"
"""List of all files of a snapshot, as ``sha256sum -c`` reads it: ``{sha256}  {path}``."""

MISSING: Final = "it is missing"
CHANGED: Final = "its content is not what it was: the checksum does not match"

_DIGITS: Final = 64
_THREADS: Final = 4
_SYNCS: Final = 16
_AT_ONCE: Final = 256


def photo_path(sha256: str) -> str:
    """Where a photo lies in a snapshot, as in a data folder."""
    return f"{PHOTOS}/{sha256[:2]}/{sha256[2:4]}/{sha256}"


def sync_folders(root: Path) -> None:
    """Makes all names below ``root``, and in it, last."""
    folders = (Path(folder) for folder, _, _ in os.walk(root, topdown=False))
    with ThreadPoolExecutor(_SYNCS) as pool:  # a disk does many at once in little more than the time of one
        while batch := list(islice(folders, _AT_ONCE)):
            list(pool.map(sync, batch))


def read_sums(folder: Path, sha256: str) -> Iterator[tuple[str, str]]:
    """Paths of all files of a snapshot, and their SHA-256.

    Args:
        folder: That the list lies in.
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
        return "" if sha256_of(path) == sha256 else CHANGED
    except FileNotFoundError:
        return MISSING
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
