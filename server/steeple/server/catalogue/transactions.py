"""What the calls of the catalogue have in common: a database, and the answers to repeated requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from sqlalchemy import Connection

from steeple.server.catalogue import answers
from steeple.server.catalogue.database import Database
from steeple.server.catalogue.records import Landmark, ReferenceImage
from steeple.server.catalogue.requests import Request

_RecordT = TypeVar("_RecordT", bound=Landmark | ReferenceImage | tuple[Landmark, ...] | None)

Also = Callable[[Connection], None]
"""What is to be done in the same transaction, such as noting how far a long-running operation is."""

FOR_GOOD: Final = timedelta(0)
"""A retention of what is deleted: none."""


class Transactions:
    """Changes of a database, each in a transaction.

    Args:
        database: Of the catalogue.
        retention: How long what is deleted is kept.
    """

    def __init__(self, database: Database, retention: timedelta = FOR_GOOD) -> None:
        self._database = database
        self._retention = retention

    def _once(
        self,
        request: Request,
        action: Callable[[Connection, datetime], _RecordT],
        first_answer: Callable[[Mapping[str, Any]], _RecordT],
        also: Also | None = None,
    ) -> _RecordT:
        with self._database.write() as connection:
            answer = request.answer(connection)
            if answer is not None:
                return first_answer(answer)
            now = datetime.now(UTC)
            record = action(connection, now)
            request.remember(connection, answers.to_json(record), now)
            if also is not None:
                also(connection)
        return record
