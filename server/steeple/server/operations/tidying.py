"""Deletes the files of operations that are forgotten, and what they have left on this host."""

from __future__ import annotations

import logging
import shutil
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from steeple.errors import SteepleError
from steeple.server.durable import errors_translated
from steeple.server.files import FileStore
from steeple.server.logs import facts
from steeple.server.operations.records import UNFINISHED
from steeple.server.operations.store import OperationStore

log = logging.getLogger(__name__)

_ABANDONED: Final = timedelta(days=1)
_EVERY_SECONDS: Final = 24 * 3600.0


class Tidying:
    """Deletes files of operations.

    Args:
        store: The operations.
        folder: Where operations have folders of their own on this host, by id.
        files: Those that they have made.
    """

    def __init__(self, store: OperationStore, folder: Path, files: FileStore) -> None:
        self._store = store
        self._folder = folder
        self._files = files
        self._due = time.monotonic()

    def delete(self, operation_id: str) -> None:
        """Deletes the files of an operation; the log tells if that fails, and :meth:`tidy` tries again."""
        try:
            with errors_translated("files of operations"):
                self._files.delete_folder(operation_id)
                if self._files.shared:  # else these were the same
                    with suppress(FileNotFoundError):  # another server carried it out
                        shutil.rmtree(self._folder / operation_id)
        except SteepleError:
            log.exception("files of an operation were not deleted", extra=facts(operation=operation_id))

    def tidy(self) -> None:
        """Once a day, where files are shared: deletes those of operations that no server knows any more."""
        if not self._files.shared or time.monotonic() < self._due:
            return
        self._due = time.monotonic() + _EVERY_SECONDS
        self.sweep()

    def sweep(self) -> int:
        """Deletes files of operations that are not known, and this host's folders of such and of finished ones.

        An operation is known before it has files, and until it is deleted.

        Returns:
            How many files and folders that are.
        """
        with errors_translated("files of operations"):
            files = self._files.listed()
            folders = [path.name for path in self._folder.iterdir()] if self._folder.is_dir() else []
            known = self._store.states()
            old = datetime.now(UTC) - _ABANDONED
            strangers = [
                file.name for file in files if file.name.partition("/")[0] not in known and file.change_time < old
            ]
            self._files.delete(strangers)
        gone = [name for name in folders if name not in known or known[name] not in UNFINISHED]
        for name in gone:
            shutil.rmtree(self._folder / name, ignore_errors=True)
        if strangers or gone:
            log.info("files that no operation has are deleted", extra=facts(files=len(strangers), folders=len(gone)))
        return len(strangers) + len(gone)
