"""How many queries were answered, and with which landmarks, by month."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import sqlalchemy
from sqlalchemy import ColumnElement, Connection, and_, func, insert, select

from steeple.errors import InvalidArgumentError
from steeple.server.access import MonthlyUsage
from steeple.server.catalogue import tables
from steeple.server.catalogue.database import Database

MONTHS: Final = 12
"""That are told, at most."""

DEFAULT_LANDMARKS: Final = 10
MAX_LANDMARKS: Final = 1000

_SERVER = tables.server_usage
_LANDMARK = tables.landmark_usage
_KEY = tables.key_usage
_MONTH: Final = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])", re.ASCII)
_UNKNOWN: Final = ""  # stands where a landmark's id would


@dataclass(frozen=True)
class KeyUsage:
    """The queries that came with a key.

    Attributes:
        key_id: Of the key.
        identified: Answered with a landmark.
        unknown: Answered with UNKNOWN.
    """

    key_id: str
    identified: int
    unknown: int


@dataclass(frozen=True)
class LandmarkUsage:
    """How often a landmark was the answer.

    Attributes:
        landmark_id: Of the landmark.
        display_name: Its name now.
        identified: Answers.
    """

    landmark_id: str
    display_name: str
    identified: int


@dataclass(frozen=True)
class UsageReport:
    """The usage of a server.

    Attributes:
        months: The latest first.
        keys: Of these months together, the most used first.
        landmarks: Of these months together, the most identified first.
    """

    months: Sequence[MonthlyUsage]
    keys: Sequence[KeyUsage]
    landmarks: Sequence[LandmarkUsage]


class UsageCounts:
    """Counts answers in memory, for a query must not wait for the disk. Thread safe.

    Args:
        database: The catalogue's.
        clock: Tells the time, UTC: an answer is of the month in which it is counted.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, landmark_id: str | None) -> None:
        """One more query was answered: with a landmark, or (None) with UNKNOWN."""
        at = (f"{self._clock():%Y-%m}", _UNKNOWN if landmark_id is None else landmark_id)
        with self._lock:
            self._counts[at] += 1

    def save(self) -> None:
        """Writes the counts; what cannot be written is kept for the next time.

        Raises:
            SteepleError: If the catalogue cannot be written.
        """
        with self._lock:
            counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            with self._database.write() as connection:
                _add_landmarks(connection, {at: more for at, more in counts.items() if at[1] != _UNKNOWN})
                for month in sorted({month for month, _ in counts}):
                    unknown = counts[(month, _UNKNOWN)]
                    total = sum(more for (of, _), more in counts.items() if of == month)
                    _add_total(connection, month, total - unknown, unknown)
        except BaseException:
            with self._lock:
                self._counts.update(counts)
            raise

    def of_landmark(self, landmark_id: str) -> list[tuple[str, int]]:
        """Months in which a landmark was identified, and how often; the latest first, at most twelve."""
        query = select(_LANDMARK.c.month, _LANDMARK.c.identified).join_from(_LANDMARK, tables.landmark)
        query = query.where(tables.landmark.c.id == landmark_id).order_by(_LANDMARK.c.month.desc()).limit(MONTHS)
        with self._database.read() as connection:
            return [(row.month, row.identified) for row in connection.execute(query)]

    def report(self, month: str = "", max_landmarks: int = 0) -> UsageReport:
        """The usage of the whole server, as far as it was saved.

        Args:
            month: As ``2026-03``; empty: the last twelve.
            max_landmarks: 0 stands for 10.

        Raises:
            InvalidArgumentError: If the month is none, or the number out of range.
        """
        if month and not _MONTH.fullmatch(month):
            raise InvalidArgumentError(f"month must read YYYY-MM, such as 2026-03, not {month[:80]!r}", field="month")
        if not 0 <= max_landmarks <= MAX_LANDMARKS:
            raise InvalidArgumentError(
                f"max_landmarks must be 1 to {MAX_LANDMARKS}, or 0 for {DEFAULT_LANDMARKS}, not {max_landmarks}",
                field="max_landmarks",
            )
        first = month or _month_before(self._clock(), MONTHS - 1)

        def within(column: ColumnElement[str]) -> ColumnElement[bool]:
            return column == month if month else column >= first

        with self._database.read() as connection:
            return UsageReport(
                _months(connection, within(_SERVER.c.month)),
                _keys(connection, within(_KEY.c.month)),
                _landmarks(connection, within(_LANDMARK.c.month), max_landmarks or DEFAULT_LANDMARKS),
            )


def _add_landmarks(connection: Connection, counts: Mapping[tuple[str, str], int]) -> None:
    """Those of landmarks that are gone for good meanwhile are left out."""
    ids = {landmark_id for _, landmark_id in counts}
    query = select(tables.landmark.c.id, tables.landmark.c.key).where(tables.landmark.c.id.in_(ids))
    keys = {row.id: row.key for row in connection.execute(query)}
    for (month, landmark_id), more in counts.items():
        if landmark_id not in keys:
            continue
        at = and_(_LANDMARK.c.landmark_key == keys[landmark_id], _LANDMARK.c.month == month)
        added = sqlalchemy.update(_LANDMARK).where(at).values(identified=_LANDMARK.c.identified + more)
        if not connection.execute(added).rowcount:
            values = {"landmark_key": keys[landmark_id], "month": month, "identified": more}
            connection.execute(insert(_LANDMARK).values(values))


def _add_total(connection: Connection, month: str, identified: int, unknown: int) -> None:
    values = {"identified": _SERVER.c.identified + identified, "unknown": _SERVER.c.unknown + unknown}
    if not connection.execute(sqlalchemy.update(_SERVER).where(_SERVER.c.month == month).values(values)).rowcount:
        connection.execute(insert(_SERVER).values(month=month, identified=identified, unknown=unknown))


def _months(connection: Connection, within: ColumnElement[bool]) -> list[MonthlyUsage]:
    query = select(_SERVER).where(within).order_by(_SERVER.c.month.desc())
    return [MonthlyUsage(row.month, row.identified, row.unknown) for row in connection.execute(query)]


def _keys(connection: Connection, within: ColumnElement[bool]) -> list[KeyUsage]:
    identified, unknown = func.sum(_KEY.c.identified), func.sum(_KEY.c.unknown)
    query = select(_KEY.c.key_id, identified.label("identified"), unknown.label("unknown")).where(within)
    query = query.group_by(_KEY.c.key_id).order_by((identified + unknown).desc(), _KEY.c.key_id)
    return [KeyUsage(row.key_id, int(row.identified), int(row.unknown)) for row in connection.execute(query)]


def _landmarks(connection: Connection, within: ColumnElement[bool], most: int) -> list[LandmarkUsage]:
    landmark, identified = tables.landmark, func.sum(_LANDMARK.c.identified)
    query = select(landmark.c.id, landmark.c.display_name, identified.label("identified"))
    query = query.join_from(_LANDMARK, landmark).where(within).group_by(landmark.c.id, landmark.c.display_name)
    query = query.order_by(identified.desc(), landmark.c.id).limit(most)
    return [LandmarkUsage(row.id, row.display_name, int(row.identified)) for row in connection.execute(query)]


def _month_before(now: datetime, months: int) -> str:
    number = now.year * 12 + now.month - 1 - months
    return f"{number // 12:04}-{number % 12 + 1:02}"
