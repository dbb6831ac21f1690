"""How long a transfer is gone on with that does not get on."""

from __future__ import annotations

import time
from typing import Final

from steeple.errors import DeadlineExceededError, SteepleError, UnavailableError

_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 2.0


class Patience:
    """How long to go on without anything coming through.

    Args:
        seconds: So long.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.renew()

    def renew(self) -> None:
        """Something has come through."""
        self._gives_up = time.monotonic() + self._seconds
        self._pause = _PAUSE

    def check(self, error: SteepleError) -> None:
        """Raises ``error`` if it is no use to try again, or it has been tried for long enough."""
        passes = isinstance(error, UnavailableError | DeadlineExceededError) or "committed_bytes" in error.metadata
        if not (passes or "retry_delay_seconds" in error.metadata) or time.monotonic() >= self._gives_up:
            raise error

    def pause(self) -> float:
        """Seconds to wait before the next try."""
        pause, self._pause = self._pause, min(2 * self._pause, _LONGEST_PAUSE)
        return pause
