"""The keys and sessions in memory: who calls, how often, and what is counted of it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, ParamSpec, TypeVar

from steeple.errors import ResourceExhaustedError, UnauthenticatedError
from steeple.server.access.buckets import TokenBucket
from steeple.server.access.person_records import Credential, Session, SessionLifetime
from steeple.server.access.person_store import PersonStore
from steeple.server.access.secret import SESSION, KeyText
from steeple.server.access.session_ring import SessionRing
from steeple.server.access.session_store import SessionStore
from steeple.server.access.store import Counts, KeyStore
from steeple.server.catalogue.database import Database
from steeple.server.logs import facts

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

FLUSH_SECONDS: Final = 5.0
"""What is counted is written this often; so long too another server on the same database goes by what it knew."""


class Keyring:
    """All keys, their rates and their usage, and all sessions, so that a call costs the database nothing.

    Thread-safe. What :attr:`store`, :attr:`people` and the store of :attr:`sessions` have changed takes effect with
    :meth:`reload`. Usage and times of last use are written every few seconds and by :meth:`close`; a crash loses what
    was counted since.

    Args:
        database: The catalogue's.
        lifetime: Of sessions.
        clock: Tells the time, UTC.
        seconds: Tells seconds, for rates.
    """

    def __init__(
        self,
        database: Database,
        lifetime: SessionLifetime = SessionLifetime(),  # noqa: B008 - immutable
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self.store = KeyStore(database)
        self.people = PersonStore(database)
        self.sessions = SessionRing(SessionStore(database, lifetime), clock)
        self._clock = clock
        self._seconds = seconds
        self._lock = threading.Lock()  # of all below, held for no longer than it takes to count
        self._buckets: dict[str, TokenBucket] = {}
        self._totals: Counts = {}
        self._new: Counts = {}
        self._pending: dict[str, int] = {}
        self._last_uses: dict[str, datetime] = {}
        self._flushing = threading.Lock()
        self._reloading = threading.Lock()
        self._read_keys()
        self._totals = self.store.usage(self._month())
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="key usage", daemon=True)

    def start(self) -> None:
        """Writes now and then, on a thread, until :meth:`close`."""
        self._thread.start()

    def close(self) -> None:
        """Writes what is left. May be called again."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._try_to_flush()

    @property
    def empty(self) -> bool:
        """Whether there is no key that can be used, and no admin who can sign in."""
        now = self._clock()
        return all(key.why_not(now) for key in self._keys.values()) and not self.people.any_admin()

    def authenticate(self, text: str | None) -> Credential:
        """The key that a caller has sent, or the session.

        Raises:
            UnauthenticatedError: If it is none, unknown, expired or revoked.
        """
        if text is None:
            raise UnauthenticatedError(
                'this server asks for a key: send it as metadata "authorization: Bearer stp_..." (in the SDK: '
                "Client(key=...), on the command line: STEEPLE_KEY)"
            )
        given = KeyText.parse(text)
        if given is None:
            raise UnauthenticatedError("this is not a key; one reads stp_ID_SECRET, as it was told when it was made")
        if given.prefix == SESSION:
            return self.sessions.authenticate(given)
        key = self._keys.get(given.id)
        if not given.matches(None if key is None else key.digest) or key is None:
            raise UnauthenticatedError("there is no such key, or its secret is another")
        return self.current(key)

    def current(self, key: Credential) -> Credential:
        """A key or session that was authenticated before, as it is now; for calls that last.

        Raises:
            UnauthenticatedError: If it has expired or was revoked since.
        """
        if isinstance(key, Session):
            return self.sessions.current(key)
        key, now = self._keys.get(key.id, key), self._clock()
        if ended := key.why_not(now):
            instead = f"; it was replaced with keys/{key.successor}" if key.successor else ""
            raise UnauthenticatedError(f"{key.name} {ended}{instead}", resource=key.name)
        with self._lock:
            self._last_uses[key.id] = now
        return key

    def lineage(self, key_id: str) -> Sequence[str]:
        """A key and those that it has replaced by rotation, the latest first; ids."""
        ids, replaced = [key_id], self._replaced
        while (earlier := replaced.get(ids[-1])) is not None:
            ids.append(earlier)
        return ids

    def take(self, key: Credential) -> float:
        """Takes one call from a key's rate. Seconds to wait if there is none left, else 0."""
        if not key.limits.requests_per_second:
            return 0.0
        with self._lock:
            bucket = self._buckets.get(key.id)
            if bucket is None or bucket.limits != key.limits:
                bucket = self._buckets[key.id] = TokenBucket(key.limits, self._seconds)
            return bucket.take()

    def check_rate(self, key: Credential) -> None:
        """Takes one call from a key's rate.

        Raises:
            ResourceExhaustedError: If there is none left.
        """
        if wait := self.take(key):
            raise ResourceExhaustedError(
                f"{key.name} is at its limit of {key.limits.requests_per_second:g} calls a second; try again in "
                f"{wait:.2g} s",
                retry_delay_seconds=f"{wait:.3f}",
                limit="requests_per_second",
            )

    def begin_query(self, key: Credential) -> None:
        """A query is to be answered; :meth:`end_query` must follow. Those of people are not counted here.

        Raises:
            ResourceExhaustedError: If the queries answered and begun use up the month's.
        """
        if isinstance(key, Session):
            return
        most = key.limits.monthly_identifications
        now = self._clock()
        with self._lock:
            pending = self._pending.get(key.id, 0)
            if not most or sum(self._totals.get((key.id, self._month()), (0, 0))) + pending < most:
                self._pending[key.id] = pending + 1
                return
        wait = (_next_month(now) - now).total_seconds()
        raise ResourceExhaustedError(
            f"{key.name} has used up its {most} identifications of {self._month()}; the next month begins "
            f"{_next_month(now):%Y-%m-%d %H:%M} UTC",
            retry_delay_seconds=f"{wait:.3f}",
            limit="monthly_identifications",
        )

    def end_query(self, key: Credential, identified: bool | None) -> None:
        """A query that was begun has ended.

        Args:
            key: Of the query.
            identified: Whether it was answered with a landmark; None if it was not answered.
        """
        if isinstance(key, Session):
            return
        at = (key.id, self._month())
        with self._lock:
            self._pending[key.id] -= 1
            if not self._pending[key.id]:
                del self._pending[key.id]
            if identified is not None:
                for counts in (self._totals, self._new):
                    found, unknown = counts.get(at, (0, 0))
                    counts[at] = (found + identified, unknown + (not identified))

    def reload(self) -> None:
        """Goes by the keys and sessions as they are stored now."""
        with self._reloading:  # or what was read earlier could come later
            self._read_keys()
            self.sessions.reload()

    def apply(self, change: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What ``change`` returns, in effect; blocks."""
        result = change(*args, **kwargs)
        self.reload()
        return result

    def _read_keys(self) -> None:
        self._keys = self.store.all()
        self._replaced = {key.successor: id_ for id_, key in self._keys.items() if key.successor}

    def flush(self) -> None:
        """Writes what was counted, and reads what other servers have written."""
        with self._flushing:
            with self._lock:
                new, self._new = self._new, {}
                uses, self._last_uses = self._last_uses, {}
            try:
                if new or uses:
                    self.store.add_usage(new, uses)
            except BaseException:
                with self._lock:
                    for at, (identified, unknown) in new.items():
                        found, missed = self._new.get(at, (0, 0))
                        self._new[at] = (found + identified, missed + unknown)
                    self._last_uses = uses | self._last_uses
                raise
            self.sessions.flush()
            self.reload()
            stored = self.store.usage(self._month())
            with self._lock:
                for at, (identified, unknown) in self._new.items():
                    found, missed = stored.get(at, (0, 0))
                    stored[at] = (found + identified, missed + unknown)
                self._totals = stored
                self._buckets = {id_: bucket for id_, bucket in self._buckets.items() if id_ in self._keys}

    def _month(self) -> str:
        return f"{self._clock():%Y-%m}"

    def _run(self) -> None:
        while not self._stop.wait(FLUSH_SECONDS):
            self._try_to_flush()

    def _try_to_flush(self) -> None:
        try:
            self.flush()
        except Exception as error:  # it is tried again, and calls are answered meanwhile
            log.warning("the usage of keys was not written", extra=facts(error=error))


def _next_month(now: datetime) -> datetime:
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)
