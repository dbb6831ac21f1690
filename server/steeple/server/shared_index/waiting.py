"""Waits for an engine that cannot be reached yet."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final, TypeVar

from steeple.errors import CancelledError, UnavailableError
from steeple.server.keeper import Stop
from steeple.server.logs import facts

log = logging.getLogger(__name__)

_RETRY_SECONDS: Final = 1.0
_ASK_SECONDS: Final = 0.1  # whether to stop
_SAID_SECONDS: Final = 10.0

Result = TypeVar("Result")


def awaited(attempt: Callable[[], Result], model: str, stopping: Stop) -> Result:
    """What an attempt makes that is repeated for as long as something cannot be reached.

    The log says why at once, and every ten seconds from then on.

    Args:
        attempt: Goes on from where the last one came to.
        model: Name of the release whose index is opened, for the log.
        stopping: Set to end the wait.

    Raises:
        CancelledError: If ``stopping`` was set.
        SteepleError: What an attempt raises and waiting does not mend: all but UnavailableError.
    """
    began, said = time.monotonic(), None
    while True:
        try:
            made = attempt()
        except UnavailableError as error:
            tried = time.monotonic()
            if said is None or tried - said >= _SAID_SECONDS:
                said = tried
                waited = facts(reason=error.message, model=model, seconds=round(tried - began))
                log.warning("not ready: the server waits for what keeps its index", extra=waited)
        else:
            if said is not None:
                log.info(
                    "what keeps the index is there", extra=facts(model=model, seconds=round(time.monotonic() - began))
                )
            return made
        while time.monotonic() < tried + _RETRY_SECONDS:
            if stopping.is_set():
                raise CancelledError("the server was told to stop")
            time.sleep(_ASK_SECONDS)
