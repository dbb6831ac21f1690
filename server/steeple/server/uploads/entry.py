"""An upload that is kept, and who may change it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from steeple.errors import NotFoundError
from steeple.server.uploads import records
from steeple.server.uploads.records import Upload, upload_name

KEPT: Final = timedelta(days=7)
"""How long an upload is kept after it was last written or used."""


class Entry:
    """An upload in its folder.

    Args:
        upload: As its state file has it.
        folder: Its own.
        clock: The time, UTC.

    Attributes:
        upload: As its state file has it; may be read without the lock.
        folder: Its own.
        lock: Held while its bytes or its state change.
        close_writer: Ends who writes to it.
        gone: Whether it was deleted.
    """

    def __init__(self, upload: Upload, folder: Path, clock: Callable[[], datetime]) -> None:
        self.upload = upload
        self.folder = folder
        self.lock = threading.Lock()
        self.close_writer: Callable[[], None] = lambda: None
        self.gone = False
        self._clock = clock

    @property
    def content(self) -> Path:
        """Where its bytes are."""
        return self.folder / "content"

    def keep(self, upload: Upload) -> None:
        """Stores the state, with the lock held; the upload is kept for 7 days from now.

        Raises:
            OSError: If that fails; the state stays.
        """
        upload = replace(upload, expire_time=self._clock() + KEPT)
        records.save(self.folder, upload)
        self.upload = upload

    def check_there(self) -> None:
        """Checks, with the lock held, that it was not deleted.

        Raises:
            NotFoundError: If it was.
        """
        if self.gone:
            raise not_found(self.upload.id)


def not_found(upload_id: str) -> NotFoundError:
    """What is raised where there is no such upload."""
    name = upload_name(upload_id)
    return NotFoundError(f"there is no {name}; it may have expired", resource=name)
