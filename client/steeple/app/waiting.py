"""Queries made while nobody could answer; they are answered later."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Protocol

from steeple.app.damage import damage_told
from steeple.app.database import Database
from steeple.app.feature_bytes import features_from_bytes, features_to_bytes
from steeple.app.found import Found, Origin
from steeple.app.history import History, HistoryEntry, place_of, seconds_of, time_of
from steeple.client import LatLng
from steeple.delf.features import FeatureSet
from steeple.errors import DataLossError, InvalidArgumentError, ModelMismatchError, ResourceExhaustedError, SteepleError

_log = logging.getLogger(__name__)

MOST: Final = 200
"""Queries that may wait, at most: some 46 kB and a thumbnail each."""


@dataclass(frozen=True, eq=False)
class WaitingQuery:
    """A query that waits.

    Attributes:
        id: Its number, rising with each.
        features: What is sent: features only, never the photo.
        time: When the photo was taken, UTC.
        thumbnail: Of the photo, JPEG, for the history; never sent. May be empty.
        location: Where the device was; None if that is not known.
        attempts: How often it was tried and refused.
        problem: Why it can never be answered; None while it can.
    """

    id: int
    features: FeatureSet = field(repr=False)
    time: datetime
    thumbnail: bytes = field(default=b"", repr=False)
    location: LatLng | None = None
    attempts: int = 0
    problem: str | None = None


class Answers(Protocol):
    """Who answers; a :class:`~steeple.app.searcher.Searcher` does."""

    def identify(self, features: FeatureSet, *, include_thumbnails: bool = False, near: LatLng | None = None) -> Found:
        """The answer to one query."""
        ...


class Waiting:
    """The queries that wait. Thread safe. Methods raise as :meth:`Database.transaction` does.

    Args:
        database: Keeps them, beside the history.
        history: Where their answers go.
    """

    def __init__(self, database: Database, history: History) -> None:
        self._database = database
        self._history = history
        self._answering = threading.Lock()

    def add(
        self, features: FeatureSet, *, time: datetime, thumbnail: bytes = b"", location: LatLng | None = None
    ) -> int:
        """Puts a query off.

        Returns:
            Its number.

        Raises:
            InvalidArgumentError: If there are no features, or the time has no zone.
            ResourceExhaustedError: If :data:`MOST` wait already.
        """
        if not len(features):
            raise InvalidArgumentError("the photo shows too little to recognise it by; take another one")
        place = (None, None) if location is None else (location.latitude, location.longitude)
        row = (seconds_of(time), features_to_bytes(features), thumbnail, *place)
        with self._database.transaction() as connection:
            if self.count() >= MOST:
                raise ResourceExhaustedError(f"{MOST} photos wait for an answer already; delete some, or connect first")
            number = connection.execute(
                "INSERT INTO waiting (time, features, thumbnail, latitude, longitude) VALUES (?, ?, ?, ?, ?)", row
            ).lastrowid
        return int(number or 0)

    def list(self) -> tuple[WaitingQuery, ...]:
        """All that wait, the oldest first; those that are damaged are left out."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT * FROM waiting ORDER BY id").fetchall()
        return tuple(query for row in rows if (query := _query_if_whole(row)) is not None)

    def count(self) -> int:
        """How many wait, those with a problem included."""
        with self._database.reading() as connection:
            return int(connection.execute("SELECT count(*) FROM waiting").fetchone()[0])

    def delete(self, query_id: int) -> None:
        """Forgets a query; no error if there is none."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM waiting WHERE id = ?", [query_id])
        self._database.wipe()

    def clear(self) -> None:
        """Forgets all of them."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM waiting")
        self._database.shrink()

    def answer(self, searcher: Answers, *, again: bool = False) -> Iterator[HistoryEntry]:
        """Asks for all that wait, the oldest first; answers go into the history as they come.

        A query leaves in the moment in which its answer enters the history, whenever the process is killed. It ends,
        without an error, when nobody answers. Only one thread does this at a time; for another there is nothing to do.

        A pack's UNKNOWN is no answer here: a server knows more landmarks, and the query goes on waiting for one.

        What was put off by the person's own wish is kept, also if the settings keep no history: it has no other place
        to be seen.

        Args:
            searcher: Answers.
            again: Whether those with a problem are tried as well.

        Yields:
            The new entry of each query that was answered.
        """
        if not self._answering.acquire(blocking=False):
            return
        try:
            for number in self._answerable(again=again):
                query = self._get(number)
                if query is None:  # deleted meanwhile, or damaged
                    continue
                try:
                    found = searcher.identify(query.features, include_thumbnails=True, near=query.location)
                except (InvalidArgumentError, ModelMismatchError) as error:
                    self._refused(query, str(error))
                    continue
                except SteepleError:
                    return
                if found.origin is Origin.PACK and not found.answer.identified:
                    continue
                entry = self._answered(query, found)
                if entry is not None:
                    yield entry
        finally:
            self._answering.release()

    def _answerable(self, *, again: bool) -> tuple[int, ...]:
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT id FROM waiting WHERE problem IS NULL OR ? ORDER BY id", [again]
            ).fetchall()
        return tuple(row["id"] for row in rows)

    def _get(self, number: int) -> WaitingQuery | None:
        with self._database.reading() as connection:
            row = connection.execute("SELECT * FROM waiting WHERE id = ?", [number]).fetchone()
        return None if row is None else _query_if_whole(row)

    def _refused(self, query: WaitingQuery, problem: str) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE waiting SET problem = ?, attempts = attempts + 1 WHERE id = ?", [problem, query.id]
            )

    def _answered(self, query: WaitingQuery, found: Found) -> HistoryEntry | None:
        entry = HistoryEntry(
            found.answer, found.origin, query.time, query.thumbnail, pack=found.pack, location=query.location
        )
        with self._database.transaction() as connection:
            if not connection.execute("DELETE FROM waiting WHERE id = ?", [query.id]).rowcount:
                return None  # the person has deleted it meanwhile, and wants no answer
            return replace(entry, id=self._history.add(entry))


def _query_if_whole(row: sqlite3.Row) -> WaitingQuery | None:
    try:
        with damage_told("a query"):
            return WaitingQuery(
                id=row["id"],
                features=features_from_bytes(row["features"]),
                time=time_of(row["time"]),
                thumbnail=row["thumbnail"],
                location=place_of(row),
                attempts=row["attempts"],
                problem=row["problem"],
            )
    except DataLossError as error:  # of one query, which must not hold up the others
        _log.warning("query %s that waits is left out: %s", row["id"], error)
        return None
