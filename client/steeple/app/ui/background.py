"""Work off the window's thread, and its result back on it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from steeple.errors import InternalError, SteepleError

_T = TypeVar("_T")
_LOG: Final = logging.getLogger(__name__)

Failed = Callable[[SteepleError], None]


class Threads:
    """Runs what takes longer than a frame, on two threads.

    Args:
        post: Has a call done on the window's thread.
    """

    def __init__(self, post: Callable[[Callable[[], None]], None]) -> None:
        self._post = post
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="steeple-app")
        self._closed = threading.Event()

    def run(self, work: Callable[[], _T], done: Callable[[_T], None], failed: Failed) -> None:
        """Does ``work`` elsewhere; then calls one of the others on the window's thread.

        Args:
            work: Anything; errors that are not of :mod:`steeple.errors` become InternalError.
            done: Takes its result.
            failed: Takes its error.
        """

        def both() -> None:
            try:
                result = work()
            except SteepleError as error:
                found = error
                self.post(lambda: failed(found))
            except Exception as error:
                _LOG.exception("a defect")
                defect = InternalError(f"{type(error).__name__}: {error}")
                self.post(lambda: failed(defect))
            else:
                self.post(lambda: done(result))

        if not self._closed.is_set():
            self._pool.submit(both)

    def post(self, call: Callable[[], None]) -> None:
        """Has ``call`` done on the window's thread, soon. From any thread."""

        def unless_closed() -> None:
            if not self._closed.is_set():
                call()

        if not self._closed.is_set():
            self._post(unless_closed)

    def close(self) -> None:
        """Waits for what is being done, forgets what is not, and gives no more results."""
        self._closed.set()
        self._pool.shutdown(wait=True, cancel_futures=True)


class Latest:
    """Runs work of which only what was begun last counts: what is older may end later, and would be shown over it.

    To be used on the window's thread.
    """

    def __init__(self) -> None:
        self._turn = 0

    def run(self, threads: Threads, work: Callable[[], _T], done: Callable[[_T], None], failed: Failed) -> None:
        """As :meth:`Threads.run`; neither result nor error is told once more work has begun, or :meth:`forget`."""
        self._turn += 1
        turn = self._turn

        def if_last(result: _T) -> None:
            if turn == self._turn:
                done(result)

        def if_last_failed(error: SteepleError) -> None:
            if turn == self._turn:
                failed(error)

        threads.run(work, if_last, if_last_failed)

    def forget(self) -> None:
        """What runs counts no more."""
        self._turn += 1
