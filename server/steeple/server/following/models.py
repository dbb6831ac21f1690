"""A thread that opens and closes model releases as the catalogue says, which may take minutes."""

from __future__ import annotations

import logging
import threading
import time
from typing import Final

from steeple.errors import CancelledError
from steeple.server.logs import facts
from steeple.server.serving import Serving

log = logging.getLogger(__name__)

_AGAIN_SECONDS: Final = 5.0


class ModelFollower:
    """Has :meth:`Serving.follow` called after :meth:`wake`, from :meth:`start` to :meth:`close`.

    Args:
        serving: What is served.
    """

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self._stop = threading.Event()
        self._changed = threading.Event()
        self._failing_since: float | None = None
        self._thread = threading.Thread(target=self._run, name="model releases", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def wake(self) -> None:
        """What is served was changed, or is to be: photos are extracted as it says at once, the rest follows.

        Raises:
            SteepleError: If the catalogue cannot be read.
        """
        self._changed.set()
        self._serving.follow_extracting()

    @property
    def seconds_failing(self) -> float:
        """For how long a release that is to be answered with could not be opened."""
        since = self._failing_since
        return 0.0 if since is None else time.monotonic() - since

    def close(self) -> None:
        """Interrupts what is being done and waits for its end. May be called again."""
        self._stop.set()
        self._changed.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while True:
            self._changed.wait()
            if self._stop.is_set():
                return
            self._changed.clear()
            try:
                self._serving.follow(self._stop)
                self._failing_since = None
            except CancelledError:
                return
            except Exception as error:  # of whatever kind; the releases that are open go on
                log.warning("a model release cannot be served yet", extra=facts(error=error))
                self._failing_since = self._failing_since or time.monotonic()
                self._stop.wait(_AGAIN_SECONDS)
                self._changed.set()
