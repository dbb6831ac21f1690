"""Keys and their usage in the catalogue's database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy
from sqlalchemy import Connection, RowMapping, func, insert, or_, select

from steeple.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError
from steeple.server.access.records import (
    UNCHANGED,
    ApiKey,
    Limits,
    MonthlyUsage,
    NewKey,
    Scope,
    Unchanged,
    key_name,
)
from steeple.server.access.secret import KeyText
from steeple.server.catalogue import Page, audit, pages, tables
from steeple.server.catalogue.database import Database
from steeple.server.catalogue.limits import check_display_name

Month = str
Counts = dict[tuple[str, Month], tuple[int, int]]
"""By key and month: queries identified and unknown."""

_KEY = tables.api_key
_USAGE = tables.key_usage
_MONTHS: Final = 12


class KeyStore:
    """Keys and their usage. Thread-safe; a call that returned is on the disk.

    Args:
        database: The catalogue's.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        display_name: str,
        scope: Scope,
        *,
        expire_time: datetime | None = None,
        limits: Limits = Limits(),  # noqa: B008 - immutable
    ) -> NewKey:
        """Makes a key.

        Raises:
            InvalidArgumentError: If the name is blank or too long, or the key would have ended already.
        """
        check_display_name(display_name)
        with self._database.write() as connection:
            now = datetime.now(UTC)
            _check_future(expire_time, now, "expire_time")
            made = _insert(connection, display_name, scope, expire_time, limits, now)
            audit.record(connection, now, made.key.name)
        return made

    def get(self, key_id: str) -> ApiKey:
        """The key of that id, with its usage.

        Raises:
            NotFoundError: If there is none.
        """
        with self._database.read() as connection:
            return _with_usage(connection, [_get(connection, key_id)])[0]

    def list(self, page_size: int = pages.DEFAULT_PAGE_SIZE, page_token: str = "") -> Page[ApiKey]:
        """A page of all keys, by id, with their usage. A size of 0 stands for 50, more than 1000 for 1000."""
        size = pages.check_page_size(page_size)
        last = pages.last_id("keys", page_token)
        query = select(_KEY).where(_KEY.c.id > last).order_by(_KEY.c.id).limit(size + 1)
        with self._database.read() as connection:
            found = _with_usage(connection, [_key(row) for row in connection.execute(query).mappings()])
            total = int(connection.execute(select(func.count()).select_from(_KEY)).scalar_one())
        return pages.page_by_id(found, size, "keys", total)

    def update(
        self,
        key_id: str,
        *,
        display_name: str | None = None,
        expire_time: datetime | Unchanged | None = UNCHANGED,
        limits: Limits | None = None,
    ) -> ApiKey:
        """Sets what is given; an ``expire_time`` of None lets it go on for good.

        Raises:
            NotFoundError: If there is no such key.
            InvalidArgumentError: If a value is out of its limits.
            FailedPreconditionError: If the key was revoked.
        """
        columns: dict[str, Any] = {}
        if display_name is not None:
            check_display_name(display_name)
            columns["display_name"] = display_name
        if limits is not None:
            columns.update(_limit_columns(limits))
        with self._database.write() as connection:
            now = datetime.now(UTC)
            if expire_time is not UNCHANGED:
                _check_future(expire_time, now, "expire_time")
                columns["expire_time"] = expire_time
            key = _get(connection, key_id)
            if key.revoke_time is not None:
                raise FailedPreconditionError(f"{key.name} was revoked; make a new key", resource=key.name)
            _set(connection, key_id, columns)
            audit.record(connection, now, key.name)
        return self.get(key_id)

    def revoke(self, key_id: str) -> ApiKey:
        """Ends a key for good.

        Raises:
            NotFoundError: If there is no such key.
        """
        with self._database.write() as connection:
            now = datetime.now(UTC)
            key = _get(connection, key_id)
            if key.revoke_time is None:
                _set(connection, key_id, {"revoke_time": now})
            audit.record(connection, now, key.name)
        return self.get(key_id)

    def rotate(
        self, key_id: str, *, old_expire_time: datetime | None = None, new_expire_time: datetime | None = None
    ) -> tuple[NewKey, ApiKey]:
        """Makes a successor of a key, with the same name, scope and limits.

        Args:
            key_id: Of the old key.
            old_expire_time: The old key ends then, or when it would have ended anyway; None: now.
            new_expire_time: The new key ends then; None: it does not.

        Returns:
            The new key, and the old one as it is now.

        Raises:
            NotFoundError: If there is no such key.
            FailedPreconditionError: If it has a successor, was revoked or has expired.
        """
        with self._database.write() as connection:
            now = datetime.now(UTC)
            _check_future(old_expire_time, now, "old_expire_time")
            _check_future(new_expire_time, now, "new_expire_time")
            old = _get(connection, key_id)
            ended = f"was replaced with {key_name(old.successor)}" if old.successor else old.why_not(now)
            if ended:
                raise FailedPreconditionError(f"{old.name} {ended}; make a new key instead", resource=old.name)
            made = _insert(connection, old.display_name, old.scope, new_expire_time, old.limits, now)
            ends = [time for time in (old.expire_time, old_expire_time or now) if time is not None]
            _set(connection, key_id, {"successor": made.key.id, "expire_time": min(ends)})
            audit.record(connection, now, old.name)
        return made, self.get(key_id)

    def all(self) -> dict[str, ApiKey]:
        """All keys by id, without their usage."""
        with self._database.read() as connection:
            return {row["id"]: _key(row) for row in connection.execute(select(_KEY)).mappings()}

    def usage(self, month: Month) -> Counts:
        """The queries of all keys in a month."""
        with self._database.read() as connection:
            rows = connection.execute(select(_USAGE).where(_USAGE.c.month == month)).mappings()
            return {(row["key_id"], row["month"]): (row["identified"], row["unknown"]) for row in rows}

    def add_usage(self, counts: Counts, last_uses: Mapping[str, datetime]) -> None:
        """Adds to what was counted, and moves the times of the last use on; one transaction."""
        with self._database.write() as connection:
            for key_id, time in last_uses.items():
                earlier = or_(_KEY.c.last_use_time.is_(None), _KEY.c.last_use_time < time)
                connection.execute(
                    sqlalchemy.update(_KEY).where(_KEY.c.id == key_id, earlier).values(last_use_time=time)
                )
            for (key_id, month), (identified, unknown) in counts.items():
                added = {"identified": _USAGE.c.identified + identified, "unknown": _USAGE.c.unknown + unknown}
                of_month = (_USAGE.c.key_id == key_id, _USAGE.c.month == month)
                if not connection.execute(sqlalchemy.update(_USAGE).where(*of_month).values(added)).rowcount:
                    values = {"key_id": key_id, "month": month, "identified": identified, "unknown": unknown}
                    connection.execute(insert(_USAGE).values(values))


def _insert(
    connection: Connection,
    display_name: str,
    scope: Scope,
    expire_time: datetime | None,
    limits: Limits,
    now: datetime,
) -> NewKey:
    text = KeyText.make()
    connection.execute(
        insert(_KEY).values(
            {
                "id": text.id,
                "display_name": display_name,
                "scope": str(scope),
                "digest": text.digest(),
                **_limit_columns(limits),
                "successor": "",
                "create_time": now,
                "expire_time": expire_time,
            }
        )
    )
    return NewKey(_get(connection, text.id), text.whole())


def _get(connection: Connection, key_id: str) -> ApiKey:
    row = connection.execute(select(_KEY).where(_KEY.c.id == key_id)).mappings().one_or_none()
    if row is None:
        name = key_name(key_id)
        raise NotFoundError(f"there is no {name}", resource=name)
    return _key(row)


def _set(connection: Connection, key_id: str, columns: Mapping[str, Any]) -> None:
    if columns:
        connection.execute(sqlalchemy.update(_KEY).where(_KEY.c.id == key_id).values(columns))


def _with_usage(connection: Connection, keys: Iterable[ApiKey]) -> list[ApiKey]:
    keys = list(keys)
    query = select(_USAGE).where(_USAGE.c.key_id.in_([key.id for key in keys])).order_by(_USAGE.c.month.desc())
    months: dict[str, list[MonthlyUsage]] = {}
    for row in connection.execute(query).mappings():
        months.setdefault(row["key_id"], []).append(MonthlyUsage(row["month"], row["identified"], row["unknown"]))
    return [replace(key, usage=tuple(months.get(key.id, ())[:_MONTHS])) for key in keys]


def _limit_columns(limits: Limits) -> dict[str, Any]:
    return {
        "requests_per_second": limits.requests_per_second,
        "burst": limits.burst,
        "monthly_identifications": limits.monthly_identifications,
    }


def _check_future(time: datetime | None, now: datetime, field: str) -> None:
    if time is not None and time <= now:
        raise InvalidArgumentError(f"{field} must lie in the future, not at {time.isoformat()}", field=field)


def _key(row: RowMapping) -> ApiKey:
    return ApiKey(
        id=row["id"],
        display_name=row["display_name"],
        scope=Scope.parse(row["scope"]),
        limits=Limits(row["requests_per_second"], row["burst"], row["monthly_identifications"]),
        digest=row["digest"],
        create_time=row["create_time"],
        expire_time=row["expire_time"],
        revoke_time=row["revoke_time"],
        last_use_time=row["last_use_time"],
        successor=row["successor"],
    )
