"""Where the photos of a discovery are: a folder of the server's, or an archive that was uploaded."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Final, Protocol, Self

from steeple.delf.photo_files import SUFFIXES, some_photos_below
from steeple.errors import FailedPreconditionError, ImageError, InvalidArgumentError, NotFoundError
from steeple.server.archives import SafeZip

_LONGEST_PHOTO: Final = 256 << 20  # bytes of a file


class PhotoSource(Protocol):
    """Photos by name; a context that is to be left when they have been read."""

    def names(self) -> list[str]:
        """Names of all photos, sorted."""
        ...

    def read(self, name: str) -> bytes:
        """The file of a photo.

        Raises:
            SteepleError: If it cannot be read.
        """
        ...

    def __enter__(self) -> Self:
        """Begins."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends."""
        ...


class FolderSource:
    """The photos anywhere below a folder.

    Args:
        folder: It.

    Raises:
        NotFoundError: If there is none.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise NotFoundError(f"there is no folder {folder.name!r} of the server's; give one below its import_dir")
        self._folder = folder

    def names(self) -> list[str]:
        """See :meth:`PhotoSource.names`; relative to the folder."""
        return [path.relative_to(self._folder).as_posix() for path in some_photos_below(self._folder)]

    def read(self, name: str) -> bytes:
        """See :meth:`PhotoSource.read`."""
        try:
            return (self._folder / name).read_bytes()
        except OSError as error:
            raise ImageError(f"the file cannot be read: {error.strerror}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class ArchiveSource:
    """The photos anywhere in a ZIP archive; hidden files and what systems add of their own are passed over.

    Args:
        path: Of the archive.

    Raises:
        InvalidArgumentError: If it is no archive, or one that may do harm.
    """

    def __init__(self, path: Path) -> None:
        self._archive = SafeZip(path)

    def names(self) -> list[str]:
        """See :meth:`PhotoSource.names`.

        Raises:
            InvalidArgumentError: If there is no photo.
        """
        names = sorted(member.name for member in self._archive.members if _is_photo(member.name))
        if not names:
            raise InvalidArgumentError(f"the archive holds no photo ({', '.join(SUFFIXES)})", field="upload")
        return names

    def read(self, name: str) -> bytes:
        """See :meth:`PhotoSource.read`."""
        return self._archive.read(name, _LONGEST_PHOTO)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._archive.close()


def _is_photo(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return path.suffix.lower() in SUFFIXES and not hidden


def folder_below(import_dir: Path | None, name: str) -> Path:
    """A folder that a caller names, below the one that the server's owner has opened for that.

    Args:
        import_dir: The setting.
        name: Relative to it, with slashes; ``.`` is that folder itself.

    Raises:
        FailedPreconditionError: If nothing is opened.
        InvalidArgumentError: If the name leads out of it.
        NotFoundError: If there is no such folder.
    """
    if import_dir is None:
        raise FailedPreconditionError(
            "this server reads no folders: its setting import_dir names none; upload the photos instead"
        )
    parts = PurePosixPath(name).parts
    folder = import_dir.joinpath(*parts)
    missing = NotFoundError(f"there is no folder {name[:200]!r} below the server's import_dir", resource=name[:200])
    try:
        # Links are followed before asking: one that leads out is not opened either.
        inside = folder.resolve().is_relative_to(import_dir.resolve())
        there = folder.is_dir()
    except (OSError, ValueError, RuntimeError) as error:  # a name that no system has, links in a circle
        raise missing from error
    if not name or name.startswith("/") or ".." in parts or not inside:
        raise InvalidArgumentError(
            f"folder must be relative to the server's import_dir and stay in it, not {name[:200]!r}", field="folder"
        )
    if not there:
        raise missing
    return folder
