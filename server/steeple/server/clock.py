"""The time of day, for what cannot be undone: a clock that is set forward does not bring it on."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class CautiousClock:
    """UTC by the system's clock, but never further from its own beginning than time has passed.

    Where the system's clock jumps ahead, this one goes on at its pace; where it jumps back, this one follows. So it may
    be late, and is never early by more than the system's clock was when the server started.

    Args:
        wall: Tells the time, UTC, and may jump.
        seconds: Never goes back.
    """

    def __init__(
        self,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self._seconds = seconds
        self._began, self._began_seconds = wall(), seconds()

    def now(self) -> datetime:
        """The time, UTC."""
        return min(self._wall(), self._began + timedelta(seconds=self._seconds() - self._began_seconds))
