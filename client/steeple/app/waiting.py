"""Queries made while nobody could answer; they are answered later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from steeple.app.database import Database
from steeple.app.history import History, HistoryEntry
from steeple.app.searcher import Searcher
from steeple.client import LatLng
from steeple.delf.features import FeatureSet


@dataclass(frozen=True, eq=False)
class WaitingQuery:
    """A query that waits.

    Attributes:
        id: Its number, rising with each.
        features: What is sent: features only, never the photo.
        time: When the photo was taken, UTC.
        thumbnail: Of the photo, JPEG, for the history; never sent. May be empty.
        location: Where the device was; None if that is not known.
        attempts: How often it was tried.
        problem: Why it can never be answered; None while it can.
    """

    id: int
    features: FeatureSet = field(repr=False)
    time: datetime
    thumbnail: bytes = field(default=b"", repr=False)
    location: LatLng | None = None
    attempts: int = 0
    problem: str | None = None


class Waiting:
    """The queries that wait. Thread safe.

    Args:
        database: Keeps them, beside the history.
        history: Where their answers go.
    """

    def __init__(self, database: Database, history: History) -> None:
        self._database = database
        self._history = history

    def add(
        self, features: FeatureSet, *, time: datetime, thumbnail: bytes = b"", location: LatLng | None = None
    ) -> int:
        """Puts a query off.

        Returns:
            Its number.

        Raises:
            InvalidArgumentError: If there are no features.
            ResourceExhaustedError: If as many as may wait do already.
        """
        raise NotImplementedError

    def list(self) -> tuple[WaitingQuery, ...]:
        """All that wait, the oldest first."""
        raise NotImplementedError

    def count(self) -> int:
        """How many wait, those with a problem included."""
        raise NotImplementedError

    def delete(self, query_id: int) -> None:
        """Forgets a query; no error if there is none."""
        raise NotImplementedError

    def clear(self) -> None:
        """Forgets all of them."""
        raise NotImplementedError

    def answer(self, searcher: Searcher) -> Iterator[HistoryEntry]:
        """Asks for all that wait and have no problem, the oldest first; answers go into the history as they come.

        A query leaves as its answer enters the history, both or neither, whenever the process is killed. Ends early,
        without an error, when nobody can answer (again). Only one thread answers at a time; for another there is nothing to do.

        Args:
            searcher: Answers.

        Yields:
            The new entry of each query that was answered.
        """
        raise NotImplementedError
