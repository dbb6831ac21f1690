"""The folder that a server keeps everything in, and that only one server at a time may use."""

from __future__ import annotations

import fcntl
import logging
import os
from pathlib import Path
from typing import Final

from steeple.errors import FailedPreconditionError
from steeple.server.snapshots import swap

log = logging.getLogger(__name__)

LOCK: Final = "server.lock"
"""File in a data folder that the server which uses it holds locked."""


class DataDir:
    """A data folder, created if need be and locked until :meth:`close`.

    The lock is the kernel's: it goes with the process, however that ends. A restore that was interrupted is settled
    first, and told of in the log.

    Raises:
        FailedPreconditionError: If another server uses it, or it cannot be created or written to.
        DataLossError: If it is not known how far a restore was.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.index.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise FailedPreconditionError(
                f"the data folder {path} cannot be used: {error.strerror}; set another with data_dir"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise FailedPreconditionError(
                f"the data folder {path} is in use by another server (process {owner or 'unknown'}); "
                "stop that one, or set another data_dir"
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        self._lock: int | None = descriptor
        try:
            if found := swap.settle(path):
                log.warning("%s", found)
        except BaseException as error:
            self.close()
            if isinstance(error, OSError):
                raise FailedPreconditionError(
                    f"the data folder {path} cannot be used: a restore cannot be brought to its end ({error})"
                ) from error
            raise

    @property
    def index(self) -> Path:
        """Folder of the index's snapshots."""
        return self.path / "index"

    @property
    def operations(self) -> Path:
        """Folder of the files of long-running operations."""
        return self.path / "operations"

    @property
    def copies(self) -> Path:
        """Folder of copies of uploads that lie elsewhere, while they are used."""
        return self.path / "copies"

    def forget_previous(self) -> None:
        """Deletes the data from before a restore, once a server has opened what was restored.

        Raises:
            OSError: If it cannot be deleted.
        """
        swap.forget_previous(self.path)

    def close(self) -> None:
        """Lets others use the folder. May be called again."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
