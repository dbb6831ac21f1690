"""Whether the server takes calls: while it loads and while it stops, it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from steeple.errors import UnavailableError
from steeple.server.api.status import RETRY_DELAY
from steeple.server.engine import Engine

_RETRY_DELAY_SECONDS: Final = "1"


class Readiness:
    """The engine once it is there, and the calls that use it. Belongs to one event loop."""

    def __init__(self) -> None:
        self._engine: Engine | None = None
        self._calls = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._refusal = ""
        self.stopping = asyncio.Event()

    @property
    def engine(self) -> Engine:
        """The engine, which calls in progress may use also while the server stops.

        Raises:
            UnavailableError: If it is not loaded yet.
        """
        if self._engine is None:
            raise UnavailableError(
                "the server is starting: its index is not current yet; try again shortly",
                **{RETRY_DELAY: _RETRY_DELAY_SECONDS},
            )
        return self._engine

    def start(self, engine: Engine) -> None:
        """Takes calls from now on."""
        self._engine = engine

    def stop(self) -> None:
        """Takes no more calls."""
        self.stopping.set()

    def refuse(self, reason: str) -> None:
        """Takes no more calls and says why; the server goes on until it is stopped."""
        self._refusal = reason

    @property
    def takes_calls(self) -> bool:
        """Whether calls are taken."""
        return self._engine is not None and not self._refusal and not self.stopping.is_set()

    @contextmanager
    def call(self) -> Iterator[None]:
        """Counts one call in progress.

        Raises:
            UnavailableError: If calls are not taken.
        """
        if self.stopping.is_set():
            raise stopping_error()
        if self._refusal:
            raise UnavailableError(self._refusal)
        _ = self.engine
        self._calls += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._calls -= 1
            if not self._calls:
                self._idle.set()

    @property
    def busy(self) -> bool:
        """Whether a call is in progress."""
        return self._calls > 0

    async def idle(self) -> None:
        """Returns when no call is in progress."""
        await self._idle.wait()


def stopping_error() -> UnavailableError:
    """What callers are told while the server stops."""
    return UnavailableError("the server is stopping; try again shortly", **{RETRY_DELAY: _RETRY_DELAY_SECONDS})
