"""Where a server's files are, by its settings."""

from __future__ import annotations

from pathlib import Path

from steeple.server.files.bucket import Bucket, BucketFiles
from steeple.server.files.folder import FolderFiles
from steeple.server.files.kinds import FileStore
from steeple.server.files.parts import PartFiles
from steeple.server.object_storage import PATIENCE, Patience, is_url


class SharedFiles:
    """The places for files of a server: folders of its data folder, or of storage that others use as well.

    Args:
        url: fsspec URL such as ``s3://bucket/prefix``, or a folder that all servers see; empty: folders of
            ``data_dir``.
        data_dir: The server's.
        patience: With S3.

    Raises:
        InvalidArgumentError: If it is no such URL, or has credentials in it.
        FailedPreconditionError: If its driver is not installed.
    """

    def __init__(self, url: str, data_dir: Path, patience: Patience = PATIENCE) -> None:
        self._bucket = Bucket(url, patience) if is_url(url) else None
        self._shared = bool(url)
        self._folder = Path(url.partition("://")[2] or url) if url else data_dir

    def of(self, kind: str, *, private: bool = False) -> FileStore:
        """The place for files of one kind.

        Args:
            kind: Names the folder: ``uploads``, ``operations``, ``packs``, ``queries``.
            private: Whether a folder of a file system is closed to others than its owner.
        """
        if self._bucket is not None:
            return PartFiles(BucketFiles(self._bucket, kind))
        folder = FolderFiles(self._folder / kind, private=private)
        return PartFiles(folder) if self._shared else folder
