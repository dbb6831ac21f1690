"""Where a server's files are, by its settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import fsspec

from steeple.errors import FailedPreconditionError, InvalidArgumentError
from steeple.server.files.folder import FolderFiles
from steeple.server.files.objects import ObjectFiles

if TYPE_CHECKING:
    from steeple.server.files.kinds import FileStore

_S3: Final = ("s3://", "s3a://")
# Without these, a storage that takes connections and does not answer would hold up calls for many minutes.
_S3_OPTIONS: Final = {"config_kwargs": {"connect_timeout": 5, "read_timeout": 20, "retries": {"max_attempts": 2}}}
_S3_TRIES: Final = 2


class SharedFiles:
    """The places for files of a server: folders of its data folder, or of storage that others use as well.

    Args:
        url: fsspec URL such as ``s3://bucket/prefix``; empty: folders of ``data_dir``.
        data_dir: The server's.

    Raises:
        InvalidArgumentError: If no file system goes by the URL's protocol.
        FailedPreconditionError: If its driver is not installed.
    """

    def __init__(self, url: str, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._opened = _opened(url) if url else None

    def of(self, kind: str, *, private: bool = False) -> FileStore:
        """The place for files of one kind.

        Args:
            kind: Names the folder: ``uploads``, ``operations``, ``packs``, ``queries``.
            private: Whether a folder of this host is closed to others than its owner.
        """
        if self._opened is None:
            return FolderFiles(self._data_dir / kind, private=private)
        files, root = self._opened
        return ObjectFiles(files, f"{root}/{kind}")


def _opened(url: str) -> tuple[Any, str]:
    """A file system that remembers no lists, and the path of the URL in it."""
    s3 = url.startswith(_S3)
    options: dict[str, Any] = {**(_S3_OPTIONS if s3 else {}), "skip_instance_cache": True, "use_listings_cache": False}
    try:
        files, root = fsspec.url_to_fs(url, **options)
    except ValueError as error:
        raise InvalidArgumentError(f"files_url is no URL of a storage: {error}") from error
    except ImportError as error:
        remedy = "pip install 'steeple[s3]'" if s3 else "install it"
        raise FailedPreconditionError(f"the driver for files_url is not installed ({error}): {remedy}") from error
    if s3:
        files.retries = _S3_TRIES
    return files, str(root)
