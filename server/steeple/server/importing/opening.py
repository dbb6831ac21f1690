"""Opens what photos are taken from: an upload, or a folder of the server's."""

from __future__ import annotations

import io
from pathlib import Path

from steeple.errors import FailedPreconditionError, InvalidArgumentError
from steeple.server.durable import errors_translated
from steeple.server.importing.manifest import is_json_lines
from steeple.server.importing.sources import FolderSource, SingleFile, Source
from steeple.server.importing.zip_source import ZipSource

_ZIP: bytes = b"PK"
_START: int = 4096  # bytes that tell what it is


def open_source(
    upload: Path | io.RawIOBase | None, folder: str, import_dir: Path | None, *, bare_manifest: bool = False
) -> Source:
    """The files of an upload or, without one, of a folder of the server's; to be closed.

    Args:
        upload: The file of the upload, or what reads it; who has opened that closes it.
        folder: Relative to ``import_dir``, with slashes; ``.`` is that folder itself.
        import_dir: The setting: what folders may lie in; None: no folder is read.
        bare_manifest: Whether an upload that is no archive is a manifest, which describes landmarks without photos.

    Raises:
        InvalidArgumentError: If the archive cannot be read or may do harm, or the folder's name leads out of
            ``import_dir``.
        NotFoundError: If there is no such folder.
        FailedPreconditionError: If no folder is read.
    """
    if upload is not None:
        return _of_upload(upload) if bare_manifest else ZipSource(upload)
    if import_dir is None:
        raise FailedPreconditionError(
            "this server imports no folders of its own disk: upload an archive, or set import_dir"
        )
    if not folder:
        raise InvalidArgumentError("folder must name one in the server's import_dir; . is all of it", field="folder")
    return FolderSource(import_dir, folder)


def _of_upload(file: Path | io.RawIOBase) -> Source:
    with errors_translated("uploads"):
        if isinstance(file, Path):
            with file.open("rb") as opened:
                start = opened.read(_START)
        else:
            start = file.read(_START) or b""
            file.seek(0)
    if start.startswith(_ZIP):
        return ZipSource(file)
    return SingleFile("manifest.jsonl" if is_json_lines("", start) else "manifest.csv", file)
