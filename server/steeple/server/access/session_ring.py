"""The sessions in memory, so that a call costs the database nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from steeple.errors import UnauthenticatedError
from steeple.server.access.attempts import network_of
from steeple.server.access.person_records import Session
from steeple.server.access.secret import KeyText
from steeple.server.access.session_store import SessionStore
from steeple.server.clock import CautiousClock


class SessionRing:
    """All sessions, and when each was used last. Thread-safe.

    What :attr:`store` has changed takes effect with :meth:`reload`. Times of last use are written by :meth:`flush`.

    Args:
        store: Of the sessions.
        clock: Tells the time, UTC.
    """

    def __init__(self, store: SessionStore, clock: Callable[[], datetime]) -> None:
        self.store = store
        self._clock = clock
        self._cautious = CautiousClock(clock)
        self._lock = threading.Lock()
        self._last_uses: dict[str, datetime] = {}
        self._sessions: dict[str, Session] = {}
        self.reload()

    def authenticate(self, given: KeyText) -> Session:
        """The session that a caller has sent the secret of.

        Raises:
            UnauthenticatedError: If there is none, its secret is another, or it has ended.
        """
        found = self._sessions.get(given.id)
        if not given.matches(None if found is None else found.digest) or found is None:
            raise _ended()
        return self.current(found)

    def current(self, session: Session) -> Session:
        """A session that was authenticated before, as it is now, used once more.

        Raises:
            UnauthenticatedError: If it has ended since.
        """
        found, now = self._sessions.get(session.id), self._clock()
        if found is None or self._used(found).ends(self.store.lifetime.idle) <= now:
            raise _ended()
        with self._lock:
            self._last_uses[found.id] = now
        return found

    def of(self, person_id: str) -> Sequence[Session]:
        """The sessions of a person, the latest used first."""
        now = self._clock()
        used = (self._used(each) for each in self._sessions.values() if each.person_id == person_id)
        there = [each for each in used if each.ends(self.store.lifetime.idle) > now]
        return sorted(there, key=lambda each: (each.last_use_time, each.id), reverse=True)

    def known(self, person_id: str, address: str) -> bool:
        """Whether the person has a session from that address, or one of its network."""
        network = network_of(address)
        return any(network_of(each.address) == network for each in self.of(person_id))

    def reload(self) -> None:
        """Goes by the sessions as they are stored now."""
        self._sessions = self.store.all()

    def flush(self) -> None:
        """Writes the times of last use, and forgets what has expired."""
        with self._lock:
            uses, self._last_uses = self._last_uses, {}
        now = self._cautious.now()
        due = any(self._used(each).ends(self.store.lifetime.idle) <= now for each in self._sessions.values())
        if not uses and not due:
            return
        try:
            self.store.add_uses(uses, now)
        except BaseException:
            with self._lock:
                self._last_uses = uses | self._last_uses
            raise

    def _used(self, session: Session) -> Session:
        """With the time of its last use, also where that is not written yet."""
        later = self._last_uses.get(session.id)
        return session if later is None or later <= session.last_use_time else replace(session, last_use_time=later)


def _ended() -> UnauthenticatedError:
    return UnauthenticatedError("this session has ended, or there never was one like it: sign in again")
