"""What the person looked at: answers kept on the device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from steeple.app.answers import Origin
from steeple.app.database import Database
from steeple.client import Answer, LatLng


@dataclass(frozen=True, eq=False)
class HistoryEntry:
    """An answer as it is kept.

    Attributes:
        answer: What the photo shows; its outlines are in pixels of the photo, ``answer.width`` by ``answer.height``.
        origin: Who answered.
        time: When the photo was taken, UTC.
        thumbnail: Of the photo, JPEG; empty for none.
        pack: Id of the pack that answered; None if a server did.
        location: Where the device was; None if that is not known.
        references: Thumbnails (JPEG) of reference images, by name of the landmark (``landmarks/big-ben``).
        id: Number of the entry, rising with each; None before it is kept.
    """

    answer: Answer
    origin: Origin
    time: datetime
    thumbnail: bytes = field(default=b"", repr=False)
    pack: str | None = None
    location: LatLng | None = None
    references: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    id: int | None = None


class History:
    """Entries by number. Thread safe.

    Args:
        database: Keeps them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, entry: HistoryEntry) -> int:
        """Keeps an entry.

        Returns:
            Its number.

        Raises:
            InvalidArgumentError: If its time has no time zone.
        """
        raise NotImplementedError

    def list(self, text: str = "", *, limit: int = 50, before: int | None = None) -> tuple[HistoryEntry, ...]:
        """Entries, the newest first.

        Args:
            text: Words that all have to be in an entry's landmark names, aliases, descriptions, labels or date; their
                case and accents do not matter.
            limit: Entries, at most.
            before: Number of an entry; only those kept before it: the last one's, for the next page.
        """
        raise NotImplementedError

    def get(self, entry_id: int) -> HistoryEntry:
        """One entry.

        Raises:
            NotFoundError: If there is none of that number.
        """
        raise NotImplementedError

    def count(self) -> int:
        """Number of entries."""
        raise NotImplementedError

    def delete(self, entry_id: int) -> None:
        """Forgets an entry; no error if there is none. Its bytes are overwritten."""
        raise NotImplementedError

    def clear(self) -> None:
        """Forgets all entries. Their bytes are overwritten and their space is given back."""
        raise NotImplementedError
