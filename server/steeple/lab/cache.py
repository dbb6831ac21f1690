"""What methods made of photos, kept on disk: the next run does not make it again.

A file holds what one part made of one photo. Its name says all that this depends on: the part, its parameters, the
version of its code, the SHA-256 of the photo's file, the part of the photo and its size. Feature maps and descriptors
are kept as float16, which moves a number by one part in 2,000 at most, far less than an index does; what is read is
what is used, in the run that made it too, so that every run has the same numbers.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf.packages import cache_directory
from steeple.errors import UnavailableError
from steeple.lab.systems import fingerprint

_FORMAT: Final = 1
_HEADER: Final = "header"
_PART: Final = ".part-"
_STALE_SECONDS: Final = 24 * 3600.0  # after which a file that was never finished is nobody's
_LARGEST: Final = float(np.finfo(np.float16).max)
# RuntimeError: damage can make a file seem encrypted, or packed in a way of a later year.
_DAMAGED: Final = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError)


def default_cache() -> Path:
    """Where features are kept if nothing else is said."""
    return cache_directory() / "lab"


@dataclass(frozen=True, eq=False)
class Kept:
    """What was made of a photo.

    Attributes:
        arrays: By name.
        seconds: That it took to make them, on the machine that did.
    """

    arrays: Mapping[str, NDArray[Any]]
    seconds: float


class FeatureCache:
    """A folder of what was made of photos. Threads and processes may share it, and be killed at any time.

    Args:
        folder: Where; made when something is stored.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, key: Mapping[str, Any]) -> Path:
        """Of the file of a key: what JSON has, with ``kind``, which names the folder."""
        digest = fingerprint({"format": _FORMAT, **key})
        return self.folder / str(key["kind"]) / digest[:2] / f"{digest}.npz"

    def has(self, key: Mapping[str, Any]) -> bool:
        """Whether there is a file; it may be damaged."""
        return self.path(key).is_file()

    def load(self, key: Mapping[str, Any]) -> Kept | None:
        """What is kept; None if it is not there, damaged, or something else."""
        try:
            # Opened here: np.load leaves a file open that turns out to be damaged.
            with self.path(key).open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                header = json.loads(bytes(file[_HEADER].tobytes()))
                if header["key"] != fingerprint({"format": _FORMAT, **key}):
                    return None
                arrays = {name: file[name] for name in file.files if name != _HEADER}
                return Kept(arrays, float(header["seconds"]))
        except (*_DAMAGED, TypeError):
            return None

    def store(self, key: Mapping[str, Any], kept: Kept) -> None:
        """Keeps it, in the place of what is there.

        Raises:
            UnavailableError: If the disk is full or the folder cannot be written to.
        """
        path = self.path(key)
        header = {"key": fingerprint({"format": _FORMAT, **key}), "seconds": kept.seconds}
        members = {_HEADER: np.frombuffer(json.dumps(header).encode(), np.uint8), **kept.arrays}
        aside: Path | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # A name of its own: another process may be making the same at this moment.
            descriptor, name = tempfile.mkstemp(prefix=_PART, dir=path.parent)
            aside = Path(name)
            with (
                os.fdopen(descriptor, "wb") as file,
                # np.savez_compressed spends ten times as long for a tenth less.
                zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
            ):
                for member, array in members.items():
                    with archive.open(f"{member}.npy", "w", force_zip64=True) as entry:
                        np.lib.format.write_array(entry, np.ascontiguousarray(array), allow_pickle=False)
            aside.replace(path)
        except OSError as error:
            raise UnavailableError(
                f"cannot keep features under {self.folder}: {error.strerror or error}; give --cache a folder with room"
            ) from error
        finally:
            if aside is not None:
                aside.unlink(missing_ok=True)

    def size_bytes(self) -> int:
        """Of all files. Those that a killed process began are deleted."""
        total = 0
        for path in self.folder.rglob("*"):
            try:
                facts = path.stat()
                if path.name.startswith(_PART) and time.time() - facts.st_mtime > _STALE_SECONDS:
                    path.unlink()
                elif path.is_file():
                    total += facts.st_size
            except FileNotFoundError:  # another process was faster
                continue
        return total


def half(array: NDArray[np.float32]) -> NDArray[np.float16] | NDArray[np.float32]:
    """As float16, or as it is where a number is too large for that."""
    if array.size and float(np.abs(array).max()) > _LARGEST:
        return array
    return array.astype(np.float16)
