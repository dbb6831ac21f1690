"""The table of kept queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy
from sqlalchemy import ColumnElement, Connection, RowMapping, func, insert, select

from steeple.errors import NotFoundError
from steeple.server.catalogue import LatLng, Page, audit, filters, pages, tables
from steeple.server.catalogue.database import Database
from steeple.server.catalogue.file_tables import query_erasure
from steeple.server.catalogue.ordering import OrderField, read_real, read_text, read_time
from steeple.server.catalogue.requests import Request
from steeple.server.review.records import (
    Content,
    Feedback,
    KeptCandidate,
    KeptQuery,
    Origin,
    QueryVerdict,
    query_name,
)

_TABLE = tables.kept_query
_ERASURE: Final = query_erasure
_EVERY: Final = "*"  # instead of the id of a key
_OUTCOMES: Final = ("identified", "unknown")
_SENT: Final = (Origin.FEEDBACK, Origin.PROPOSAL)
_ANSWERED: Final = "query"  # in the answer to a request
_AT_ONCE: Final = 500

FILTERS: Final = {
    "id": filters.Text(_TABLE.c.id),
    "outcome": filters.Choice(_TABLE.c.outcome, _OUTCOMES),
    "landmark": filters.Text(_TABLE.c.landmark_id),
    "confidence": filters.Real(_TABLE.c.confidence),
    "create_time": filters.Time(_TABLE.c.create_time),
    "key": filters.Text(_TABLE.c.key_id),
    "request_id": filters.Text(_TABLE.c.request_id),
    "model": filters.Text(_TABLE.c.model),
    "content": filters.Choice(_TABLE.c.content, list(Content)),
    "verdict": filters.Choice(_TABLE.c.verdict, list(QueryVerdict)),
    "reviewed_landmark": filters.Text(_TABLE.c.reviewed_landmark_id),
    "promoted": filters.Flag(_TABLE.c.image_id != ""),
    "origin": filters.Choice(_TABLE.c.origin, list(Origin)),
    "said": filters.Choice(_TABLE.c.said, list(QueryVerdict)),
}
"""Fields that lists of kept queries can be filtered by."""

ORDERS: Final = {
    "id": OrderField(_TABLE.c.id, read_text),
    "create_time": OrderField(_TABLE.c.create_time, read_time),
    "confidence": OrderField(_TABLE.c.confidence, read_real),
}
"""Fields that lists of kept queries can be sorted by."""


class KeptQueryStore:
    """Kept queries in the catalogue's database, without what they were searched with. Thread safe.

    Args:
        database: The catalogue's.
        retention: How long one is kept.
    """

    def __init__(self, database: Database, retention: timedelta) -> None:
        self._database = database
        self._retention = retention

    def add(self, query: KeptQuery, request: Request | None = None) -> str:
        """Stores a query that nobody has looked at.

        Args:
            query: The query.
            request: That has brought it; None: the server keeps it by itself.

        Returns:
            Its id; of a repeated request, that of the first; empty: it was not stored, as what was answered at its time
            is erased.

        Raises:
            InvalidArgumentError: If the id of the request was used with other content.
        """
        said = query.feedback or Feedback()
        values = {
            "id": query.id,
            "create_time": query.create_time,
            "key_id": query.key_id,
            "request_id": query.request_id,
            "outcome": _OUTCOMES[not query.identified],
            "landmark_id": query.candidates[0].landmark_id if query.candidates else "",
            "confidence": query.confidence,
            "candidates": [asdict(candidate) for candidate in query.candidates],
            "model": query.model,
            "width": query.width,
            "height": query.height,
            "feature_count": query.feature_count,
            "content": str(query.content),
            "media_type": query.media_type,
            "size_bytes": query.size_bytes,
            "origin": str(query.origin),
            "said": str(said.verdict),
            "said_landmark_id": said.landmark_id,
            "shown_landmark_id": said.shown_landmark_id,
            "suggested_name": said.suggested_name,
            "note": said.note,
            "latitude": said.location.latitude if said.location else None,
            "longitude": said.location.longitude if said.location else None,
        }
        with self._database.write() as connection:
            if request is not None and (answer := request.answer(connection)) is not None:
                audit.leave_out()
                return str(answer[_ANSWERED])
            if request is None and _is_forbidden(connection, query):
                return ""
            connection.execute(insert(_TABLE).values(values))
            if request is not None:
                request.remember(connection, {_ANSWERED: query.id}, query.create_time)
                audit.record(connection, query.create_time, query.name)
        return query.id

    def forbid(self, key_id: str | None, now: datetime) -> None:
        """What was answered until now, with a key or (None) at all, is not kept any more, by no server."""
        of = _EVERY if key_id is None else key_id
        with self._database.write() as connection:
            connection.execute(sqlalchemy.delete(_ERASURE).where(_ERASURE.c.key_id == of))
            connection.execute(insert(_ERASURE).values(key_id=of, time=now))

    def answered(self, request: Request) -> str | None:
        """The id of the query that a request has brought before; None: it is new, or has no id.

        Raises:
            InvalidArgumentError: If the id of the request was used with other content.
        """
        with self._database.read() as connection:
            answer = request.answer(connection)
        return None if answer is None else str(answer[_ANSWERED])

    @property
    def shared(self) -> bool:
        """Whether other servers may write it too."""
        return not self._database.is_sqlite

    def sent_times(self, key_id: str, count: int) -> Sequence[datetime]:
        """When the latest feedback of a key came, the oldest first; ``count`` of it at most."""
        times = select(_TABLE.c.create_time).where(_TABLE.c.key_id == key_id, _TABLE.c.origin.in_(_SENT))
        with self._database.read() as connection:
            found = connection.execute(times.order_by(_TABLE.c.create_time.desc()).limit(count)).scalars()
            return [*found][::-1]

    def sent_bytes(self, key_id: str) -> int:
        """Of the files of all feedback that came with a key."""
        size = select(func.coalesce(func.sum(_TABLE.c.size_bytes), 0))
        with self._database.read() as connection:
            of_key = size.where(_TABLE.c.key_id == key_id, _TABLE.c.origin.in_(_SENT))
            return int(connection.execute(of_key).scalar_one())

    def get(self, query_id: str) -> KeptQuery:
        """A query.

        Raises:
            NotFoundError: If there is none of that id.
        """
        with self._database.read() as connection:
            return self._get(connection, query_id)

    def list(self, request: pages.ListRequest) -> Page[KeptQuery]:
        """A page of queries.

        Raises:
            InvalidArgumentError: If size, token, filter or order are not valid.
        """
        listing = pages.Listing("queries", request, FILTERS, ORDERS)
        query = select(_TABLE).where(listing.where, listing.after).order_by(*listing.order.clauses())
        count = select(func.count()).select_from(_TABLE).where(listing.where)
        with self._database.read() as connection:
            with connection.execute(query.limit(listing.size + 1)) as rows:  # read no further than the page goes
                items, more = listing.taken(self._query(row) for row in rows.mappings())
            return listing.page(items, lambda: int(connection.execute(count).scalar_one()), more=more)

    def review(self, query_id: str, verdict: QueryVerdict, landmark_id: str, now: datetime) -> KeptQuery:
        """Stores what the caller says of a query.

        Raises:
            NotFoundError: If there is none of that id.
        """
        said = verdict is not QueryVerdict.NONE
        with self._database.write() as connection:
            query = self._get(connection, query_id)
            _set(
                connection,
                query_id,
                verdict=str(verdict),
                reviewed_landmark_id=landmark_id,
                reviewer=audit.actor() if said else "",
                review_time=now if said else None,
            )
            audit.record(connection, now, query.name)
            return self._get(connection, query_id)

    def link(self, query_id: str, landmark_id: str, image_id: str) -> KeptQuery:
        """Stores which reference image was made of a query.

        Raises:
            NotFoundError: If there is no query of that id.
        """
        with self._database.write() as connection:
            _set(connection, query_id, image_landmark_id=landmark_id, image_id=image_id)
            return self._get(connection, query_id)

    def ids(self, condition: ColumnElement[bool]) -> Sequence[str]:
        """Of queries that a condition is true of, the oldest first."""
        with self._database.read() as connection:
            return [*connection.execute(select(_TABLE.c.id).where(condition).order_by(_TABLE.c.id)).scalars()]

    def empty(self) -> bool:
        """Whether there are none."""
        with self._database.read() as connection:
            return connection.execute(select(_TABLE.c.id).limit(1)).first() is None

    def delete(self, query_ids: Sequence[str]) -> None:
        """Deletes queries that must go by themselves, whoever's call it is that they make room for."""
        with self._database.write() as connection:
            _delete(connection, query_ids)

    def erase(self, query_ids: Sequence[str], now: datetime, what: str | None) -> int:
        """Deletes queries as the caller wants; how many there were.

        Args:
            query_ids: Which.
            now: UTC.
            what: Says which, in the audit log; None: as the request does.
        """
        with self._database.write() as connection:
            deleted = _delete(connection, query_ids)
            audit.record(connection, now, what)
        return deleted

    def total_bytes(self) -> int:
        """Of the files of all queries."""
        with self._database.read() as connection:
            return int(connection.execute(select(func.coalesce(func.sum(_TABLE.c.size_bytes), 0))).scalar_one())

    def oldest(self, least_bytes: int) -> Sequence[str]:
        """Ids of the oldest queries, as many as have so many bytes together."""
        ids = []
        with self._database.read() as connection:
            for row in connection.execute(select(_TABLE.c.id, _TABLE.c.size_bytes).order_by(_TABLE.c.id)):
                if least_bytes <= 0:
                    break
                ids.append(str(row.id))
                least_bytes -= row.size_bytes
        return ids

    def _get(self, connection: Connection, query_id: str) -> KeptQuery:
        row = connection.execute(select(_TABLE).where(_TABLE.c.id == query_id)).mappings().one_or_none()
        if row is None:
            name = query_name(query_id)
            raise NotFoundError(f"there is no {name}: it was erased, has expired or never was kept", resource=name)
        return self._query(row)

    def _query(self, row: RowMapping) -> KeptQuery:
        return KeptQuery(
            id=row["id"],
            create_time=row["create_time"],
            expire_time=row["create_time"] + self._retention,
            key_id=row["key_id"],
            request_id=row["request_id"],
            identified=row["outcome"] == _OUTCOMES[0],
            candidates=tuple(KeptCandidate(**candidate) for candidate in row["candidates"]),
            model=row["model"],
            width=row["width"],
            height=row["height"],
            feature_count=row["feature_count"],
            content=Content(row["content"]),
            media_type=row["media_type"],
            size_bytes=row["size_bytes"],
            verdict=QueryVerdict(row["verdict"]),
            reviewed_landmark_id=row["reviewed_landmark_id"],
            reviewer=row["reviewer"],
            review_time=row["review_time"],
            image=(row["image_landmark_id"], row["image_id"]) if row["image_id"] else None,
            origin=Origin(row["origin"]),
            feedback=None if row["origin"] == Origin.QUERY else _feedback(row),
        )


def _is_forbidden(connection: Connection, query: KeptQuery) -> bool:
    of = _ERASURE.c.key_id.in_([_EVERY, query.key_id])
    later = select(_ERASURE.c.key_id).where(of, _ERASURE.c.time >= query.create_time)
    return connection.execute(later.limit(1)).first() is not None


def _feedback(row: RowMapping) -> Feedback:
    return Feedback(
        verdict=QueryVerdict(row["said"]),
        landmark_id=row["said_landmark_id"],
        shown_landmark_id=row["shown_landmark_id"],
        suggested_name=row["suggested_name"],
        note=row["note"],
        location=None if row["latitude"] is None else LatLng(row["latitude"], row["longitude"]),
    )


def older_than(time: datetime) -> ColumnElement[bool]:
    """Queries that were answered before a time."""
    return _TABLE.c.create_time < time


def of_key(key_id: str) -> ColumnElement[bool]:
    """Queries that came with a key."""
    return _TABLE.c.key_id == key_id


def named(query_ids: Iterable[str]) -> ColumnElement[bool]:
    """Queries of these ids."""
    return _TABLE.c.id.in_(list(query_ids))


def _delete(connection: Connection, query_ids: Sequence[str]) -> int:
    deleted = 0
    for first in range(0, len(query_ids), _AT_ONCE):
        statement = sqlalchemy.delete(_TABLE).where(named(query_ids[first : first + _AT_ONCE]))
        deleted += connection.execute(statement).rowcount
    return deleted


def _set(connection: Connection, query_id: str, **values: Any) -> None:  # noqa: ANN401 - of each column's type
    connection.execute(sqlalchemy.update(_TABLE).where(_TABLE.c.id == query_id).values(values))
