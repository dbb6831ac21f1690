"""The file of a SQLite database, and whether it is still the one that was opened."""

from __future__ import annotations

from pathlib import Path

from steeple.errors import FailedPreconditionError


class DatabaseFile:
    """Notices that a file is removed or replaced while it is open.

    Those who have it open do not: they go on reading and writing what has no name any more, and all that they write is
    lost when they end.

    Args:
        path: Of the file, which need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._opened: tuple[int, int] | None = None

    def opened(self) -> None:
        """A first connection has been made, and with it the file if there was none."""
        if self._opened is None:
            self._opened = self._identity()

    def check(self) -> None:
        """Returns if the file is not opened yet or still in its place.

        Raises:
            FailedPreconditionError: If it was removed or replaced.
        """
        if self._opened is None or (found := self._identity()) == self._opened:
            return
        what = "is gone" if found is None else "was replaced"
        raise FailedPreconditionError(
            f"the catalogue's file {self._path} {what} while the server runs, and nothing can be changed: put it back, "
            "or restart the server to go on with what is there now"
        )

    def _identity(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino
