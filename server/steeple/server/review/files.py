"""What kept queries were searched with: a file each, in a folder of their own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from pathlib import Path

from steeple.delf.durable import replacing, sync
from steeple.errors import DataLossError
from steeple.server.durable import errors_translated


class QueryFiles:
    """A folder of files, named by the ids of kept queries. Made, for its owner alone, with the first file.

    Thread safe, as long as no two threads write or delete the same file.

    Args:
        folder: Of nothing else.

    Attributes:
        deleted: Told of the id of each file that is deleted: what was made of it must go as well.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.deleted: Callable[[str], None] = lambda _: None

    def write(self, query_id: str, data: bytes, *, lasting: bool = False) -> None:
        """Stores a file. A crash leaves all of it or what :meth:`sweep` removes.

        Args:
            query_id: Of the query.
            data: Of the file.
            lasting: Whether it must be there after a power cut too.

        Raises:
            ResourceExhaustedError: If the disk is full.
            UnavailableError: If it cannot be written otherwise.
        """
        with errors_translated("kept queries"):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with replacing(self._folder / query_id, lasting=lasting) as file:
                file.write(data)

    def read(self, query_id: str, size_bytes: int) -> bytes:
        """A file of so many bytes.

        Raises:
            DataLossError: If it is missing, or of another size.
            UnavailableError: If it cannot be read.
        """
        with errors_translated("kept queries"):
            data = b""
            with suppress(FileNotFoundError):
                data = (self._folder / query_id).read_bytes()
        if not data or len(data) != size_bytes:
            raise DataLossError(
                f"the file of queries/{query_id} is missing or damaged; erase the query", resource=f"queries/{query_id}"
            )
        return data

    def has(self, query_id: str) -> bool:
        """Whether there is a file of that query."""
        return (self._folder / query_id).is_file()

    def delete(self, query_ids: Iterable[str]) -> None:
        """Deletes files; those that are not there are passed over. They are gone, also after a power cut.

        Raises:
            UnavailableError: If one cannot be deleted.
        """
        with errors_translated("kept queries"):
            if not self._folder.is_dir():
                return
            for query_id in query_ids:
                (self._folder / query_id).unlink(missing_ok=True)
                self.deleted(query_id)
            sync(self._folder)

    def sweep(self, known: Collection[str]) -> int:
        """Deletes every file but those of the ids that are known, such as what a crash has left; how many."""
        with errors_translated("kept queries"):
            if not self._folder.is_dir():
                return 0
            strangers = [file.name for file in self._folder.iterdir() if file.is_file() and file.name not in known]
        self.delete(strangers)
        return len(strangers)
