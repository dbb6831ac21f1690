"""The audit log: who changed what, written in the transaction of the change."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, RowMapping, insert, or_, select

from steeple.server.catalogue import pages, tables
from steeple.server.catalogue.database import Database
from steeple.server.catalogue.limits import check_text
from steeple.server.catalogue.records import Landmark, Page, ReferenceImage

OPEN: Final = "open"
"""The actor where a server asks for no keys."""

LOCAL: Final = "local"
"""The actor of a change that is made on the data folder itself, without a server."""

_TABLE = tables.audit_event
_LONGEST_RESOURCE: Final = 500


@dataclass
class Attempt:
    """A call that is to change something.

    Attributes:
        actor: ``keys/{key}``, ``people/{person}``, :data:`OPEN` or :data:`LOCAL`.
        method: ``steeple.v1.CatalogService/DeleteLandmark``.
        resource: Name of what is to be changed; empty: not known yet.
        recorded: Whether a transaction has recorded it as done.
    """

    actor: str
    method: str
    resource: str = ""
    recorded: bool = False


@dataclass(frozen=True)
class AuditEvent:
    """A change, or a failed attempt at one.

    Attributes:
        id: Its number in the log, in decimal.
        time: UTC.
        actor: As in :class:`Attempt`.
        method: As in :class:`Attempt`.
        resource: Name of what was changed; may be empty if it failed.
        outcome: Name of the gRPC status.
    """

    id: str
    time: datetime
    actor: str
    method: str
    resource: str
    outcome: str


_attempt: ContextVar[Attempt | None] = ContextVar("attempt", default=None)


@contextmanager
def attempting(attempt: Attempt) -> Iterator[None]:
    """Changes that are made inside, in this context, are those of ``attempt``."""
    token = _attempt.set(attempt)
    try:
        yield
    finally:
        _attempt.reset(token)


def name(resource: str) -> None:
    """Says what the attempt of this context is about, where that is no part of the request nor of the database."""
    attempt = _attempt.get()
    if attempt is not None:
        attempt.resource = resource


def act(actor: str) -> None:
    """Says who makes the attempt of this context, where that shows only as it succeeds."""
    attempt = _attempt.get()
    if attempt is not None:
        attempt.actor = actor


def leave_out() -> None:
    """The attempt of this context is not worth an entry, unless it fails: it is a part of one that gets its own."""
    attempt = _attempt.get()
    if attempt is not None:
        attempt.recorded = True


def actor() -> str:
    """Who makes changes in this context; :data:`LOCAL` where no call does."""
    attempt = _attempt.get()
    return LOCAL if attempt is None else attempt.actor


Changed = Landmark | ReferenceImage | tuple[Landmark, ...] | str | None
"""What was made or changed, or its name. Of several, all are named if there is room. None: as the attempt says."""


def record(connection: Connection, now: datetime, changed: Changed = None) -> None:
    """Records the attempt of this context as done, in the transaction of the change; nothing if there is none.

    Args:
        connection: Of the change.
        now: UTC.
        changed: What was made or changed.
    """
    attempt = _attempt.get()
    if attempt is None:
        return
    match changed:
        case Landmark():
            attempt.resource = f"landmarks/{changed.id}"
        case ReferenceImage():
            attempt.resource = f"landmarks/{changed.landmark_id}/images/{changed.id}"
        case tuple():
            attempt.resource = ", ".join(f"landmarks/{each.id}" for each in changed)
        case str():
            attempt.resource = changed
    _insert(connection, attempt, "OK", now)
    attempt.recorded = True


def record_outcome(database: Database, attempt: Attempt, outcome: str) -> None:
    """Records how an attempt ended that no transaction has recorded."""
    with database.write() as connection:
        _insert(connection, attempt, outcome, datetime.now(UTC))


def events(
    database: Database,
    *,
    resource: str = "",
    start_time: datetime | None = None,
    end_time: datetime | None = None,
    page_size: int = pages.DEFAULT_PAGE_SIZE,
    page_token: str = "",
) -> Page[AuditEvent]:
    """A page of the log, the latest first. A size of 0 stands for 50, more than 1000 for 1000.

    Args:
        database: The catalogue's.
        resource: Only events of the resource of this name, and of what is below it; empty: all.
        start_time: Only events at this time or later.
        end_time: Only events before this time.
        page_size: Events, at most.
        page_token: Of the last page.

    Raises:
        InvalidArgumentError: If the resource can be no name, the page size is negative, or the token of another list.
    """
    check_text(resource, "resource", _LONGEST_RESOURCE)
    size = pages.check_page_size(page_size)
    of = collection(resource, start_time, end_time)
    last = pages.last_number(of, page_token)
    query = select(_TABLE).order_by(_TABLE.c.number.desc()).limit(size + 1)
    if last is not None:
        query = query.where(_TABLE.c.number < last)
    if resource:
        below = _TABLE.c.resource.startswith(f"{resource}/", autoescape=True)
        query = query.where(or_(_TABLE.c.resource == resource, below))
    if start_time is not None:
        query = query.where(_TABLE.c.time >= start_time)
    if end_time is not None:
        query = query.where(_TABLE.c.time < end_time)
    with database.read() as connection:
        found = [_event(row) for row in connection.execute(query).mappings()]
    return pages.page_by_id(found, size, of, 0)


def collection(resource: str, start_time: datetime | None, end_time: datetime | None) -> str:
    """What page tokens call the list of these events."""
    asked = f"{resource}\0{start_time}\0{end_time}".encode("utf-8", "replace")
    return f"auditEvents:{hashlib.sha256(asked).hexdigest()[:16]}"


def _insert(connection: Connection, attempt: Attempt, outcome: str, now: datetime) -> None:
    # A name that a refused call gave may be anything; what it says is shown, not interpreted.
    resource = attempt.resource.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")[:_LONGEST_RESOURCE]
    values = {"time": now, "actor": attempt.actor, "method": attempt.method, "resource": resource, "outcome": outcome}
    connection.execute(insert(_TABLE).values(values))


def _event(row: RowMapping) -> AuditEvent:
    return AuditEvent(str(row["number"]), row["time"], row["actor"], row["method"], row["resource"], row["outcome"])
