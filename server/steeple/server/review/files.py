"""The files of kept queries: what they searched with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from steeple.errors import DataLossError
from steeple.server.durable import errors_translated
from steeple.server.files import FileStore, read_all

_WHAT: Final = "kept queries"
_ABANDONED: Final = timedelta(days=1)


class QueryFiles:
    """Files named by the ids of kept queries.

    Thread safe, as long as no two threads write or delete the same file.

    Args:
        files: Where they are; nothing else is there.

    Attributes:
        shared: Whether other servers write there as well.
        deleted: Told of the id of each file that is deleted: what was made of it must go as well.
    """

    def __init__(self, files: FileStore) -> None:
        self._files = files
        self.shared = files.shared
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
        with errors_translated(_WHAT):
            self._files.put(query_id, data, lasting=lasting)

    def read(self, query_id: str, size_bytes: int) -> bytes:
        """A file of so many bytes.

        Raises:
            DataLossError: If it is missing, or of another size.
            UnavailableError: If it cannot be read.
        """
        with errors_translated(_WHAT):
            try:
                data = read_all(self._files.open(query_id))
            except FileNotFoundError:
                data = b""
        if not data or len(data) != size_bytes:
            raise DataLossError(
                f"the file of queries/{query_id} is missing or damaged; erase the query", resource=f"queries/{query_id}"
            )
        return data

    def has(self, query_id: str) -> bool:
        """Whether there is a file of that query.

        Raises:
            UnavailableError: If that cannot be told.
        """
        with errors_translated(_WHAT):
            return self._files.size(query_id) is not None

    def delete(self, query_ids: Iterable[str]) -> None:
        """Deletes files; those that are not there are passed over. They are gone, also after a power cut.

        Raises:
            UnavailableError: If one cannot be deleted.
        """
        query_ids = list(query_ids)
        try:
            with errors_translated(_WHAT):
                self._files.delete(query_ids)
        finally:
            for query_id in query_ids:
                self.deleted(query_id)

    def sweep(self, known: Callable[[], Iterable[str]]) -> int:
        """Deletes every file but those of the ids that are known, such as what a crash has left; how many.

        Args:
            known: Gives these ids; asked after the files were listed. Where other servers write as well, files of a day
                stay, for they may be about to become known.
        """
        with errors_translated(_WHAT):
            files = self._files.listed()
        ids, old = frozenset(known()), datetime.now(UTC) - _ABANDONED
        strangers = [
            file.name for file in files if file.name not in ids and (not self.shared or file.change_time < old)
        ]
        self.delete(strangers)
        return len(strangers)
