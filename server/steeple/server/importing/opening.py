"""Opens what is to be imported."""

from __future__ import annotations

from pathlib import Path

from steeple.errors import FailedPreconditionError, InvalidArgumentError
from steeple.server.importing.manifest import is_json_lines
from steeple.server.importing.options import ImportOptions
from steeple.server.importing.sources import FolderSource, SingleFile, Source
from steeple.server.importing.zip_source import ZipSource

_ZIP: bytes = b"PK"


def open_source(options: ImportOptions, upload: Path | None, import_dir: Path | None) -> Source:
    """The files of an upload, or of a folder of the server.

    Args:
        options: What is asked for.
        upload: The file of the upload; None if a folder is asked for.
        import_dir: What may be imported of the server's disk; None: nothing.

    Raises:
        InvalidArgumentError: If the archive cannot be read, or the folder's name leads out of ``import_dir``.
        NotFoundError: If there is no such folder.
        FailedPreconditionError: If the server imports no folders.
    """
    if upload is not None:
        return _of_upload(upload)
    if not options.folder:
        raise InvalidArgumentError("an import needs a source: set upload or folder", field="source")
    if import_dir is None:
        raise FailedPreconditionError(
            "this server imports no folders of its own disk: upload an archive, or set import_dir"
        )
    return FolderSource(import_dir, options.folder)


def _of_upload(path: Path) -> Source:
    with path.open("rb") as file:
        start = file.read(4096)
    if start.startswith(_ZIP):
        return ZipSource(path)
    return SingleFile("manifest.jsonl" if is_json_lines("", start) else "manifest.csv", path)
