"""Rates of calls, held by token buckets."""

from __future__ import annotations

import time
from collections.abc import Callable

from steeple.server.access.records import Limits


class TokenBucket:
    """Fills with a token every so often, up to its capacity; a call takes one.

    Args:
        limits: Of the key; ``requests_per_second`` must not be 0.
        clock: Seconds.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self._clock = clock
        self._tokens = limits.capacity
        self._filled = clock()

    def take(self) -> float:
        """Takes a token. Seconds until there is one if there is none now, else 0."""
        now = self._clock()
        gained = max(0.0, now - self._filled) * self.limits.requests_per_second
        self._tokens = min(self.limits.capacity, self._tokens + gained)
        self._filled = now
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            return 0.0
        return (1.0 - self._tokens) / self.limits.requests_per_second

    def give_back(self) -> None:
        """Gives back a token that was taken and is not to count."""
        self._tokens = min(self.limits.capacity, self._tokens + 1.0)
