"""A thread that hears of changes and has them followed."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Final

from sqlalchemy import Engine

from steeple.server.catalogue.announcements import Announcements, Marks, Topic
from steeple.server.logs import facts

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.5
"""How often marks are read though nothing was announced."""

LOST_AFTER_SECONDS: Final = 30.0
"""Who has followed nothing for so long is not current."""

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 2.0
_TELL_AGAIN_SECONDS: Final = 30.0


class Following:
    """Calls what follows each topic, from :meth:`start` to :meth:`close`, soon after anybody has changed it.

    Everything is followed once at the start, for what happened before. What fails is tried again with the next reading
    of the marks.

    Args:
        engine: Of the database.
        follow: By topic: makes this process go by what is committed. Called on one thread; blocks.
        progress: Another value whenever what is followed has come further, however long that takes.
    """

    def __init__(
        self, engine: Engine, follow: Mapping[Topic, Callable[[], None]], progress: Callable[[], object]
    ) -> None:
        self._engine = engine
        self._follow = follow
        self._progress = progress
        self._followed: dict[str, int] = {}  # marks
        self._told_at: dict[str, float] = {}  # of a failure
        self._stop = threading.Event()
        self._lock = threading.Lock()  # guards what follows
        self._current_at = time.monotonic()
        self._reached: object = None
        self._thread = threading.Thread(target=self._run, name="following", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._current_at = time.monotonic()
        self._thread.start()

    def close(self) -> None:
        """Ends, within :data:`POLL_SECONDS` and what is being followed. May be called again."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def seconds_behind(self) -> float:
        """Since this process was known to be current, or came further towards it."""
        with self._lock:
            reached = self._progress()
            if reached != self._reached:
                self._reached, self._current_at = reached, time.monotonic()
            return time.monotonic() - self._current_at

    @property
    def current(self) -> bool:
        """Whether this process goes by what others do, or has only just ceased to."""
        return self.seconds_behind < LOST_AFTER_SECONDS

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stop.is_set():
            try:
                with closing(Announcements(self._engine)) as announcements:
                    while not self._stop.is_set():
                        self._catch_up(announcements.marks())
                        pause = _FIRST_PAUSE
                        announcements.wait(POLL_SECONDS)
            except Exception as error:  # whatever it is: the database may be back soon
                log.warning("changes by other servers are not heard of", extra=facts(error=error))
            self._stop.wait(pause)
            pause = min(_LONGEST_PAUSE, 2 * pause)

    def _catch_up(self, marks: Marks) -> None:
        current = True
        for topic, follow in self._follow.items():
            mark = marks.get(topic, 0)
            if self._followed.get(topic) == mark:
                continue
            try:
                follow()
            except Exception as error:
                current = False
                if time.monotonic() >= self._told_at.get(topic, -math.inf) + _TELL_AGAIN_SECONDS:
                    self._told_at[topic] = time.monotonic()
                    log.warning("a change could not be followed yet", extra=facts(topic=topic, error=error))
            else:
                self._followed[topic] = mark
        if current:
            with self._lock:
                self._current_at = time.monotonic()
