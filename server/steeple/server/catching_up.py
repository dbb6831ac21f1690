"""What an index does that cannot keep up with the catalogue: it says so, and tries again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from steeple.errors import CancelledError, UnavailableError
from steeple.server.logs import facts

log = logging.getLogger(__name__)

_RETRY_SECONDS: Final = 1.0


class CatchingUp:
    """Whether an index has fallen behind, and when to try again.

    Args:
        sequence: Tells the number of the last change of the catalogue that the index has.
    """

    def __init__(self, sequence: Callable[[], int]) -> None:
        self._sequence = sequence
        self._behind = False
        self._next_retry = 0.0

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """For the block that applies what the catalogue has committed.

        Raises:
            CancelledError: If the block raises it.
            UnavailableError: If the block failed otherwise.
        """
        try:
            yield
        except CancelledError:
            raise
        except Exception as error:
            self._behind = True
            self._next_retry = time.monotonic() + _RETRY_SECONDS
            log.exception("the index fell behind the catalogue", extra=facts(sequence=self._sequence()))
            raise UnavailableError(
                "the change is stored but not searchable yet; repeat the call with the same request_id"
            ) from error
        self._behind = False

    def again_if_behind(self, catch_up: Callable[[], None]) -> None:
        """Calls ``catch_up``, now and then, after an attempt has failed; a further failure is only logged."""
        if self._behind and time.monotonic() >= self._next_retry:
            try:
                catch_up()
            except UnavailableError:
                return
            log.info("the index has caught up with the catalogue", extra=facts(sequence=self._sequence()))
