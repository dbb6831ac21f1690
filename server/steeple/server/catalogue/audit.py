"""The audit log: who changed what, written in the transaction of the change."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, func, insert, null, or_, select, union_all, update

from steeple.errors import NotFoundError
from steeple.server.catalogue import pages, tables
from steeple.server.catalogue.database import Database
from steeple.server.catalogue.history import ChangedHow, State, changed_how
from steeple.server.catalogue.limits import check_text
from steeple.server.catalogue.records import Page

OPEN: Final = "open"
"""The actor where a server asks for no keys."""

LOCAL: Final = "local"
"""The actor of a change that is made on the data folder itself, without a server."""

_TABLE = tables.audit_event
_LONGEST_RESOURCE: Final = 500
_LONGEST_ACTOR: Final = 80
_LONGEST_METHOD: Final = 255
_LOOKED_BACK: Final = 200
_ALL_LANDMARKS: Final = "landmarks"


@dataclass
class Attempt:
    """A call that is to change something.

    Attributes:
        actor: ``keys/{key}``, ``people/{person}``, :data:`OPEN` or :data:`LOCAL`.
        method: ``steeple.v1.CatalogService/DeleteLandmark``.
        resource: Name of what is to be changed; empty: not known yet.
        recorded: Whether a transaction has recorded it as done.
        event: Number of the last event that was written for it.
        undoes: Number of the event whose change it puts back; None: it does not.
        batch: The transaction in which events were written for it last, and the number of the first of them.
    """

    actor: str
    method: str
    resource: str = ""
    recorded: bool = False
    event: int | None = None
    undoes: int | None = None
    batch: tuple[Connection, int] | None = None


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
        before: Of a change of a landmark or a reference image, the paths that it changed, as they were; None if there
            was nothing before, or it is not known.
        after: The same, as they were afterwards; None: it is not known.
        undoes: Number of the event whose change this one put back; None: it did not.
        batch: Number of the first event of those that were written together with it, all or none; it may be the first.
        values_omitted: Whether ``before`` and ``after`` have the paths alone, for together the values are too large.
    """

    id: str
    time: datetime
    actor: str
    method: str
    resource: str
    outcome: str
    before: State | None = None
    after: State | None = None
    undoes: int | None = None
    batch: int = 0
    values_omitted: bool = False

    @property
    def how(self) -> ChangedHow | None:
        """What was done to a landmark or a reference image; None: it is not known."""
        return changed_how(self.before, self.after)


def event_name(number: int | str) -> str:
    """``auditEvents/{number}``."""
    return f"auditEvents/{number}"


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


@contextmanager
def undoing(number: int) -> Iterator[None]:
    """Changes that the attempt of this context makes inside put back the change of an event."""
    attempt = _attempt.get()
    if attempt is None:
        yield
        return
    attempt.undoes = number
    try:
        yield
    finally:
        attempt.undoes = None


def last_event() -> int | None:
    """Number of the last event that was written for the attempt of this context; None if there is none."""
    attempt = _attempt.get()
    return None if attempt is None else attempt.event


def record(connection: Connection, now: datetime, changed: str | None = None) -> None:
    """Records the attempt of this context as done, in the transaction of the change; nothing if there is none.

    Landmarks and reference images say what became of them themselves, with :func:`record_change`.

    Args:
        connection: Of the change.
        now: UTC.
        changed: Name of what was made or changed; None: as the attempt says.
    """
    attempt = _attempt.get()
    if attempt is None:
        return
    if changed is not None:
        attempt.resource = changed
    _insert(connection, attempt, "OK", now, attempt.resource)
    attempt.recorded = True


def record_change(connection: Connection, resource: str, before: State | None, after: State | None) -> None:
    """Records what the attempt of this context did to a landmark or a reference image; nothing if there is none.

    Args:
        connection: Of the change.
        resource: Its name.
        before: The paths that changed, as they were; None if there was nothing.
        after: The same, as they are; None if it is gone for good.
    """
    attempt = _attempt.get()
    if attempt is None:
        return
    _insert(connection, attempt, "OK", datetime.now(UTC), resource, before, after)
    attempt.recorded = True


def forget(connection: Connection, resources: Sequence[str]) -> None:
    """Takes the fields out of the events of what is gone for good, and of what was below it; the events stay."""
    for resource in resources:
        gone = or_(_TABLE.c.resource == resource, _below(resource))
        connection.execute(update(_TABLE).where(gone).values(before=null(), after=null()))


def record_outcome(database: Database, attempt: Attempt, outcome: str) -> None:
    """Records how an attempt ended that no transaction has recorded."""
    with database.write() as connection:
        _insert(connection, attempt, outcome, datetime.now(UTC), attempt.resource)


def get(connection: Connection, number: int) -> AuditEvent:
    """An event, with all values.

    Raises:
        NotFoundError: If there is none of that number.
    """
    row = connection.execute(select(_TABLE).where(_TABLE.c.number == number)).mappings().one_or_none()
    if row is None:
        raise NotFoundError(f"there is no {event_name(number)}", resource=event_name(number))
    return _event(row)


def last_change_of(connection: Connection, resource: str, after: int, paths: Collection[str]) -> AuditEvent | None:
    """The last event after that of a number in which one of the paths of a resource changed, among the last 200."""
    query = select(_TABLE).where(_TABLE.c.resource == resource, _TABLE.c.number > after, _TABLE.c.after.is_not(None))
    rows = connection.execute(query.order_by(_TABLE.c.number.desc()).limit(_LOOKED_BACK)).mappings()
    found = (_event(row) for row in rows)
    return next((one for one in found if not {*(one.before or ()), *(one.after or ())}.isdisjoint(paths)), None)


def events(
    database: Database,
    *,
    resource: str = "",
    actor: str = "",
    method: str = "",
    outcomes: Collection[str] = (),
    batch: int | None = None,
    start_time: datetime | None = None,
    end_time: datetime | None = None,
    page_size: int = pages.DEFAULT_PAGE_SIZE,
    page_token: str = "",
) -> Page[AuditEvent]:
    """A page of the log, the latest first. A size of 0 stands for 50, more than 1000 for 1000.

    A page whose changes are large is shorter, so that a message of the API holds it.

    Args:
        database: The catalogue's.
        resource: Only events of the resource of this name, and of what is below it; empty: all.
        actor: Only events of this one; empty: all.
        method: Only events of methods that begin so; empty: all.
        outcomes: Only events with one of these; none: all.
        batch: Only events that were written together with the one of this number; None: all.
        start_time: Only events at this time or later.
        end_time: Only events before this time.
        page_size: Events, at most.
        page_token: Of the last page.

    Raises:
        InvalidArgumentError: If a filter cannot be met by any event, the page size is negative, or the token of another
            list.
    """
    check_text(resource, "resource", _LONGEST_RESOURCE)
    check_text(actor, "actor", _LONGEST_ACTOR)
    check_text(method, "method", _LONGEST_METHOD)
    size = pages.check_page_size(page_size)
    of = collection(resource, actor, method, *sorted(outcomes), batch, start_time, end_time)
    last = pages.last_number(of, page_token)
    query = select(_TABLE).order_by(_TABLE.c.number.desc()).limit(size + 1)
    wanted: list[ColumnElement[bool]] = []
    if last is not None:
        wanted.append(_TABLE.c.number < last)
    if resource == _ALL_LANDMARKS:  # nearly all that there is: those that are read pass
        below = _TABLE.c.resource.startswith(f"{resource}/", autoescape=True)
        wanted.append(or_(_TABLE.c.resource == resource, below))
    elif resource:
        # By number, or SQLite prefers the index of another filter, which leads to many more.
        numbers = [select(_TABLE.c.number).where(which) for which in (_TABLE.c.resource == resource, _below(resource))]
        wanted.append(_TABLE.c.number.in_(union_all(*numbers)))
    if batch is not None:
        asked_for = _TABLE.alias()
        of_it = select(func.coalesce(asked_for.c.batch, asked_for.c.number)).where(asked_for.c.number == batch)
        first = of_it.scalar_subquery()
        numbers = [
            select(_TABLE.c.number).where(which) for which in (_TABLE.c.number == first, _TABLE.c.batch == first)
        ]
        wanted.append(_TABLE.c.number.in_(union_all(*numbers)))
    if actor:
        wanted.append(_TABLE.c.actor == actor)
    if outcomes:
        wanted.append(_TABLE.c.outcome.in_(list(outcomes)))
    if start_time is not None:
        since = _TABLE.c.time >= start_time
        wanted.append(since)
        if not resource:
            # Spares reading on to the first event of all. The sum keeps SQLite from looking for the least number by
            # number, which would read as much; times rise with the numbers, unless somebody set the clock back.
            least = select(func.min(_TABLE.c.number + 0)).where(since).scalar_subquery()
            wanted.append(_TABLE.c.number >= least)
    if end_time is not None:
        wanted.append(_TABLE.c.time < end_time)
    with database.read() as connection:
        if method:
            wanted.append(_TABLE.c.method.in_([one for one in _methods(connection) if one.startswith(method)]))
        with connection.execute(query.where(*wanted)) as rows:
            items, more = pages.taken((_event(row) for row in rows.mappings()), size, _bytes_of)
    return Page(tuple(map(_fitting, items)), pages.encode_page_token(of, [items[-1].id]) if more else "", 0)


def collection(*asked: object) -> str:
    """What page tokens call the list of the events that were asked for."""
    text = "\0".join(map(str, asked)).encode("utf-8", "replace")
    return f"auditEvents:{hashlib.sha256(text).hexdigest()[:16]}"


def _below(resource: str) -> ColumnElement[bool]:
    # Not startswith, which no index helps with: what follows "landmarks/a/" and comes before "landmarks/a0".
    return and_(_TABLE.c.resource >= f"{resource}/", _TABLE.c.resource < f"{resource}0")


def _methods(connection: Connection) -> Iterator[str]:
    """The methods that there are events of, of which there are few; each is a step in an index."""
    last = ""
    while found := connection.execute(select(func.min(_TABLE.c.method)).where(_TABLE.c.method > last)).scalar_one():
        yield found
        last = found


def _insert(
    connection: Connection,
    attempt: Attempt,
    outcome: str,
    now: datetime,
    resource: str,
    before: State | None = None,
    after: State | None = None,
) -> None:
    # A name that a refused call gave may be anything; what it says is shown, not interpreted.
    resource = resource.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")[:_LONGEST_RESOURCE]
    # Of another transaction, it may have been rolled back.
    first = attempt.batch[1] if attempt.batch is not None and attempt.batch[0] is connection else None
    values = {
        "time": now,
        "actor": attempt.actor,
        "method": attempt.method,
        "resource": resource,
        "outcome": outcome,
        "before": before,
        "after": after,
        "undoes": attempt.undoes,
        "batch": first,
    }
    inserted = insert(_TABLE).values(values).returning(_TABLE.c.number)
    attempt.event = int(connection.execute(inserted).scalar_one())
    attempt.batch = connection, attempt.event if first is None else first


def _event(row: RowMapping) -> AuditEvent:
    return AuditEvent(
        str(row["number"]),
        row["time"],
        row["actor"],
        row["method"],
        row["resource"],
        row["outcome"],
        row["before"],
        row["after"],
        row["undoes"],
        row["number"] if row["batch"] is None else row["batch"],
    )


def _bytes_of(event: AuditEvent) -> int:
    """Of a message that tells of it, roughly."""
    texts = [json.dumps(state, ensure_ascii=False).encode() for state in (event.before, event.after) if state]
    entries = len(event.before or ()) + len(event.after or ())
    return 500 + sum(map(len, texts)) + 20 * entries


def _fitting(event: AuditEvent) -> AuditEvent:
    """An event whose message is not larger than a page may be."""
    if _bytes_of(event) <= pages.MAX_PAGE_BYTES:
        return event
    before, after = (None if state is None else dict.fromkeys(state) for state in (event.before, event.after))
    return replace(event, before=before, after=after, values_omitted=True)
