"""Where photos are imported from: files by name, of a folder or an archive."""

from __future__ import annotations

import io
import os
import stat
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from steeple.errors import ImageError, InvalidArgumentError, NotFoundError
from steeple.server.durable import errors_translated

MAX_FILE_BYTES: Final = 64 * 2**20
"""A larger file is refused: no photo is as large, and several are in memory at a time."""


class Source(Protocol):
    """Files by name; thread safe. Names have ``/`` between their parts, and no part is ``..``."""

    def names(self) -> Sequence[str]:
        """Of all files, in a fixed order. Hidden ones are passed over."""
        ...

    def read(self, name: str) -> bytes:
        """A file's content.

        Raises:
            SteepleError: If it cannot be read, or is larger than 64 MiB.
        """
        ...

    def close(self) -> None:
        """Gives back what it holds."""
        ...


def is_hidden(name: str) -> bool:
    """Whether a file, or a folder that it is in, is one that systems put beside others without being asked."""
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


class Names:
    """Finds files by the names that manifests give them.

    Args:
        names: Of the files that there are.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = {unicodedata.normalize("NFC", name): name for name in names}

    def find(self, written: str) -> str:
        """The name of the file that is meant: a backslash is a slash, and accents may be composed or not.

        Raises:
            InvalidArgumentError: If the name leads out of the folder.
            NotFoundError: If there is none.
        """
        parts = [part for part in written.replace("\\", "/").split("/") if part != "."]
        if ".." in parts or "" in parts or "\0" in written:
            raise InvalidArgumentError(
                f"photo must name a file below the manifest's folder, such as eiffel/1.jpg, not {written[:200]!r}"
            )
        found = self._names.get(unicodedata.normalize("NFC", "/".join(parts)))
        if found is None:
            raise NotFoundError(f"there is no file {written[:200]!r}; names are compared with their case")
        return found


class FolderSource:
    """The files below a folder, which nothing leads out of: symbolic links are not followed anywhere.

    Args:
        root: Of all that may be imported.
        folder: Relative to it, ``/`` between its parts; ``.`` for the root itself.

    Raises:
        InvalidArgumentError: If ``folder`` is not relative, or leads out of the root.
        NotFoundError: If there is no such folder, or a link is in its way.
    """

    def __init__(self, root: Path, folder: str) -> None:
        parts = [part for part in folder.split("/") if part not in ("", ".")]
        if folder.startswith("/") or "\\" in folder or ".." in parts or "\0" in folder:
            raise InvalidArgumentError(
                f"folder must be relative to the server's import_dir, such as europe/paris, not {folder[:200]!r}",
                field="folder",
            )
        self._folder = root.joinpath(*parts)
        missing = NotFoundError(
            f"there is no folder {folder[:200]!r} in the server's import_dir; links are not followed", resource=folder
        )
        try:
            current = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise missing from error
        for part in parts:
            try:
                below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=current)
            except (OSError, ValueError) as error:
                raise missing from error
            finally:
                os.close(current)
            current = below
        self._descriptor = current

    def names(self) -> Sequence[str]:
        """Of all files below the folder, sorted."""
        found = []
        for path, folders, files, descriptor in os.fwalk(".", dir_fd=self._descriptor, follow_symlinks=False):
            folders[:] = [name for name in folders if not is_hidden(name)]
            within = path.removeprefix(".").removeprefix("/")
            for name in files:
                with _ignored():
                    if not is_hidden(name) and stat.S_ISREG(
                        os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode
                    ):
                        found.append(f"{within}/{name}" if within else name)
        return sorted(found)

    def read(self, name: str) -> bytes:
        """A file's content."""
        with self._opened(name) as descriptor, open(descriptor, "rb", closefd=False) as file:
            _check_size(os.fstat(descriptor).st_size)
            return file.read(MAX_FILE_BYTES)

    def close(self) -> None:
        """Closes the folder."""
        os.close(self._descriptor)

    @contextmanager
    def _opened(self, name: str) -> Iterator[int]:
        """A descriptor of a regular file, reached without a link on the way."""
        *folders, last = name.split("/")
        opened: list[int] = []
        try:
            current = self._descriptor
            for part in folders:
                current = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=current)
                opened.append(current)
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe must not keep it waiting
            current = os.open(last, flags, dir_fd=current)
            opened.append(current)
            if not stat.S_ISREG(os.fstat(current).st_mode):
                raise ImageError("cannot be read: it is not a file")
            yield current
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ImageError(f"cannot be read: {reason}; links are not followed") from error
        finally:
            for descriptor in opened:
                os.close(descriptor)


class SingleFile:
    """A manifest without photos beside it.

    Args:
        name: To give it.
        file: Its path, or what reads it.
    """

    def __init__(self, name: str, file: Path | io.RawIOBase) -> None:
        self._name = name
        self._file = file

    def names(self) -> Sequence[str]:
        """The manifest's."""
        return [self._name]

    def read(self, name: str) -> bytes:
        """The manifest."""
        if isinstance(self._file, Path):
            _check_size(self._file.stat().st_size)
            return self._file.read_bytes()
        with errors_translated("uploads"):
            _check_size(self._file.seek(0, io.SEEK_END))
            self._file.seek(0)
            return self._file.readall()

    def close(self) -> None:
        """Nothing."""


def _check_size(size: int) -> None:
    """Refuses files that are too large.

    Raises:
        InvalidArgumentError: If this is one.
    """
    if size > MAX_FILE_BYTES:
        raise InvalidArgumentError(f"the file has {size:,} bytes; at most {MAX_FILE_BYTES:,} are taken")


@contextmanager
def _ignored() -> Iterator[None]:
    """What vanishes while a folder is read was not there."""
    try:
        yield
    except FileNotFoundError:
        return
