"""Whether the server answers, and when it does again."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from steeple.client import Client
from steeple.delf.release import ModelRelease
from steeple.errors import ModelMismatchError, ResourceExhaustedError, SteepleError

_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 15.0
_LIMIT_PAUSE_SECONDS: Final = 10.0  # of a server at its limit, which answers small questions all the same
_PROBE_SECONDS: Final = 3.0

_log = logging.getLogger(__name__)


class ServerWatch:
    """Remembers that the server failed, and asks it in the background until it answers again. Thread safe.

    Args:
        client: Of the server.
        release: Model release that queries are extracted with; None: any will do.
        on_change: Called with whether the server answers, whenever that changes, on whatever thread has noticed.
        first_pause: Seconds before the server is asked first; each further pause is twice as long.
        longest_pause: Seconds.
    """

    def __init__(
        self,
        client: Client,
        release: ModelRelease | None,
        on_change: Callable[[bool], None],
        *,
        first_pause: float = _FIRST_PAUSE_SECONDS,
        longest_pause: float = _LONGEST_PAUSE_SECONDS,
    ) -> None:
        self._client = client
        self._release = release
        self._on_change = on_change
        self._first_pause = first_pause
        self._longest_pause = longest_pause
        self._changed = threading.Condition()
        self._problem: SteepleError | None = None
        self._next = 0.0  # when to ask, by time.monotonic
        self._closed = False
        self._thread: threading.Thread | None = None

    @property
    def problem(self) -> SteepleError | None:
        """Why the server does not answer, a new error of the same kind; None while it does."""
        with self._changed:
            problem = self._problem
        return None if problem is None else type(problem)(problem.message, **problem.metadata)

    def failed(self, error: SteepleError) -> None:
        """A query was not answered."""
        with self._changed:
            first, self._problem = self._problem is None, error
            if first and not self._closed:
                pause = _LIMIT_PAUSE_SECONDS if isinstance(error, ResourceExhaustedError) else self._first_pause
                self._next = time.monotonic() + pause
                self._thread = threading.Thread(target=self._watch, name="steeple-server-watch", daemon=True)
                self._thread.start()
        if first:
            _log.info("the server does not answer: %s", error)
            self._on_change(False)

    def answered(self) -> None:
        """A query was answered."""
        with self._changed:
            again, self._problem = self._problem is not None, None
            self._changed.notify_all()
        if again:
            self._on_change(True)

    def ask_now(self) -> None:
        """Asks at once, if the server did not answer."""
        with self._changed:
            self._next = 0.0
            self._changed.notify_all()

    def close(self) -> None:
        """Ends the thread, and waits for it."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _watch(self) -> None:
        pause = self._first_pause
        while True:
            with self._changed:
                while not self._over() and (left := self._next - time.monotonic()) > 0:
                    self._changed.wait(left)
                if self._over():
                    return
            try:
                self._ask()
            except SteepleError as error:
                pause = min(2 * pause, self._longest_pause)
                with self._changed:
                    if self._over():
                        return
                    self._problem = error
                    self._next = time.monotonic() + pause
            else:
                self.answered()
                return

    def _over(self) -> bool:
        return self._closed or self._problem is None or self._thread is not threading.current_thread()

    def _ask(self) -> None:
        served = self._client.list_models(timeout=_PROBE_SECONDS)
        ours = self._release
        if ours is not None and (ours.name, ours.tflite_sha256) not in {(one.id, one.tflite_sha256) for one in served}:
            raise ModelMismatchError(
                f"the server serves {', '.join(one.id for one in served) or 'no model release'}, and this app extracts "
                f"with {ours.name}; update the app, or use a pack",
                model=f"models/{ours.name}",
            )
