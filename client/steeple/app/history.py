"""What the person looked at: answers kept on the device."""

from __future__ import annotations

import logging
import sqlite3
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, datetime

from steeple.app.answers import answer_from_json, answer_to_json, thumbnails_of
from steeple.app.damage import damage_told
from steeple.app.database import Database
from steeple.app.found import Origin
from steeple.client import Answer, LatLng
from steeple.errors import DataLossError, InvalidArgumentError, NotFoundError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class HistoryEntry:
    """An answer as it is kept.

    Attributes:
        answer: What the photo shows, with the thumbnails of its candidates; its outlines are in pixels of the photo,
            ``answer.width`` by ``answer.height``.
        origin: Who answered.
        time: When the photo was taken; kept as UTC.
        thumbnail: Of the photo, JPEG; empty for none.
        pack: Name of the pack that answered; None if a server did.
        location: Where the device was; None if that is not known.
        id: Number of the entry, rising with each; None before it is kept.
    """

    answer: Answer
    origin: Origin
    time: datetime
    thumbnail: bytes = field(default=b"", repr=False)
    pack: str | None = None
    location: LatLng | None = None
    id: int | None = None


class History:
    """Entries by number. Thread safe. Methods raise as :meth:`Database.transaction` does.

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
        row = {
            "time": seconds_of(entry.time),
            "origin": entry.origin.value,
            "pack": entry.pack,
            "answer": answer_to_json(entry.answer),
            "words": _words_of(entry),
            "thumbnail": entry.thumbnail,
            "latitude": None if entry.location is None else entry.location.latitude,
            "longitude": None if entry.location is None else entry.location.longitude,
        }
        with self._database.transaction() as connection:
            number = connection.execute(
                "INSERT INTO history (time, origin, pack, answer, words, thumbnail, latitude, longitude) VALUES"
                " (:time, :origin, :pack, :answer, :words, :thumbnail, :latitude, :longitude)",
                row,
            ).lastrowid
            connection.executemany(
                "INSERT INTO history_references (entry, landmark, thumbnail) VALUES (?, ?, ?)",
                [(number, name, thumbnail) for name, thumbnail in thumbnails_of(entry.answer).items()],
            )
        return int(number or 0)

    def list(self, text: str = "", *, limit: int = 50, before: int | None = None) -> tuple[HistoryEntry, ...]:
        """Entries, the newest first; those that are damaged are left out.

        Args:
            text: Words that all have to be in an entry: in names, aliases, descriptions or labels of the landmark that
                was identified, or in the date (``2026-11``). Their case and accents do not matter.
            limit: Entries, at most.
            before: Number of an entry; only those kept before it: the last one's, for the next page.

        Raises:
            InvalidArgumentError: If ``limit`` is not positive.
        """
        if limit < 1:
            raise InvalidArgumentError(f"limit must be at least 1, not {limit}")
        conditions, given = ["TRUE"], list[str | int]()
        if before is not None:
            conditions.append("id < ?")
            given.append(before)
        for word in folded(text).split():
            conditions.append("instr(words, ?) > 0")
            given.append(word)
        with self._database.reading() as connection:
            rows = connection.execute(
                f"SELECT * FROM history WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT ?",  # noqa: S608
                [*given, limit],
            ).fetchall()
            found = [(row, _thumbnails(connection, row)) for row in rows]
        return tuple(entry for kept in found if (entry := _entry_if_whole(*kept)) is not None)

    def get(self, entry_id: int) -> HistoryEntry:
        """One entry.

        Raises:
            NotFoundError: If there is none of that number.
            DataLossError: If what was kept is damaged.
        """
        with self._database.reading() as connection:
            row = connection.execute("SELECT * FROM history WHERE id = ?", [entry_id]).fetchone()
            if row is None:
                raise NotFoundError(f"the history has no entry {entry_id}; it may have been deleted")
            thumbnails = _thumbnails(connection, row)
        return _entry(row, thumbnails)

    def count(self) -> int:
        """Number of entries."""
        with self._database.reading() as connection:
            return int(connection.execute("SELECT count(*) FROM history").fetchone()[0])

    def delete(self, entry_id: int) -> None:
        """Forgets an entry; no error if there is none. Its bytes are overwritten."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM history WHERE id = ?", [entry_id])
        self._database.wipe()

    def clear(self) -> None:
        """Forgets all entries. Their bytes are overwritten, and their space is given back."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM history")
        self._database.shrink()


def seconds_of(time: datetime) -> float:
    """Seconds since 1970, UTC.

    Raises:
        InvalidArgumentError: If the time has no zone.
    """
    if time.tzinfo is None:
        raise InvalidArgumentError("time needs a time zone, such as datetime.UTC", field="time")
    return time.timestamp()


def time_of(seconds: float) -> datetime:
    """A point in time, UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def place_of(row: sqlite3.Row) -> LatLng | None:
    """The place of a row with columns ``latitude`` and ``longitude``."""
    return None if row["latitude"] is None else LatLng(row["latitude"], row["longitude"])


def folded(text: str) -> str:
    """Text as it is compared: without case and accents, so that ``ZURICH`` finds ``Zürich``."""
    apart = unicodedata.normalize("NFKD", text)
    bare = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return unicodedata.normalize("NFKC", bare.casefold())


def _words_of(entry: HistoryEntry) -> str:
    landmark = entry.answer.landmark
    date = entry.time.astimezone(UTC).date().isoformat()
    if landmark is None:
        return folded(date)
    aliases = [alias for names in landmark.aliases.values() for alias in names]
    return folded("\n".join([landmark.display_name, *aliases, landmark.description, *landmark.labels, date]))


def _thumbnails(connection: sqlite3.Connection, row: sqlite3.Row) -> dict[str, bytes]:
    found = connection.execute("SELECT landmark, thumbnail FROM history_references WHERE entry = ?", [row["id"]])
    return {one["landmark"]: one["thumbnail"] for one in found}


def _entry_if_whole(row: sqlite3.Row, thumbnails: dict[str, bytes]) -> HistoryEntry | None:
    try:
        return _entry(row, thumbnails)
    except DataLossError as error:  # of one entry, which must not hide the others
        _log.warning("entry %s of the history is left out: %s", row["id"], error)
        return None


def _entry(row: sqlite3.Row, thumbnails: dict[str, bytes]) -> HistoryEntry:
    with damage_told("an entry of the history"):
        return HistoryEntry(
            answer=answer_from_json(row["answer"], thumbnails),
            origin=Origin(row["origin"]),
            time=time_of(row["time"]),
            thumbnail=row["thumbnail"],
            pack=row["pack"],
            location=place_of(row),
            id=row["id"],
        )
