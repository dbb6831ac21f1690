"""The photos of a discovery: among the files of a folder of the server's, or of an archive that was uploaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from steeple.delf.photo_files import SUFFIXES
from steeple.errors import FailedPreconditionError, InvalidArgumentError
from steeple.server.importing.sources import FolderSource, Source
from steeple.server.importing.zip_source import ZipSource


def open_files(upload: Path | None, import_dir: Path | None, folder: str) -> Source:
    """The files of an upload or, without one, of a folder of the server's; to be closed.

    Args:
        upload: An archive.
        import_dir: The setting: what folders may lie in; None: no folder is read.
        folder: Relative to it, with slashes; ``.`` is that folder itself.

    Raises:
        InvalidArgumentError: If the archive is none, or one that may do harm, or the folder's name leads out.
        NotFoundError: If there is no such folder.
        FailedPreconditionError: If no folder is read.
    """
    if upload is not None:
        return ZipSource(upload)
    if import_dir is None:
        raise FailedPreconditionError(
            "this server reads no folders: its setting import_dir names none; upload the photos instead"
        )
    if not folder:
        raise InvalidArgumentError("folder must name one in the server's import_dir; . is all of it", field="folder")
    return FolderSource(import_dir, folder)


def photo_names(files: Source) -> Sequence[str]:
    """Names of the photos among files, as their endings say, sorted.

    Raises:
        InvalidArgumentError: If there is none.
    """
    names = [name for name in files.names() if PurePosixPath(name).suffix.lower() in SUFFIXES]
    if not names:
        raise InvalidArgumentError(f"there is no photo ({', '.join(SUFFIXES)}) among the files", field="source")
    return names
