"""A thread that does what can wait: saving the index, merging its files, making it anew, and clearing up."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from steeple.errors import CancelledError

log = logging.getLogger(__name__)

_EVERY_SECONDS: Final = 5.0
_AFTER_FAILURE_SECONDS: Final = 60.0


class Kept(Protocol):
    """What needs upkeep: an index, or several."""

    def upkeep(self, stopped: Callable[[], bool]) -> None:
        """Does what is due; ``stopped`` is asked now and then whether to give up."""
        ...


class Upkeep:
    """Calls ``upkeep`` of what needs it now and then, from :meth:`start` to :meth:`close`.

    Args:
        kept: What needs it.
        chores: What else is to be done each time, before; one that fails keeps nothing else from being done.
    """

    def __init__(self, kept: Kept, chores: Sequence[Callable[[], None]] = ()) -> None:
        self._kept = kept
        self._chores = chores
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def close(self) -> None:
        """Interrupts what is being done and waits for its end. May be called again."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        pause = _EVERY_SECONDS
        while not self._stop.wait(pause):
            pause = _EVERY_SECONDS
            for chore in self._chores:
                try:
                    chore()
                except Exception:  # as below
                    log.exception("a chore of the catalogue failed")
                    pause = _AFTER_FAILURE_SECONDS
            try:
                self._kept.upkeep(self._stop.is_set)
            except CancelledError as error:
                log.info("upkeep was interrupted: %s", error.message)
            except Exception:  # what fails now may work later, and the server does without
                log.exception("upkeep of the index failed")
                pause = _AFTER_FAILURE_SECONDS
