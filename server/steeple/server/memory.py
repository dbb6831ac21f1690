"""Memory that was freed, given back to the system."""

from __future__ import annotations

import ctypes
import sys
import time
from typing import Final

_EVERY_SECONDS: Final = 30.0


class FreedMemory:
    """Gives back what the C library keeps of freed memory, which after requests with large photos is a lot.

    glibc keeps pieces in the heaps of threads for later, and other sizes are asked for then. Elsewhere than on glibc
    this does nothing.
    """

    def __init__(self) -> None:
        libc = ctypes.CDLL(None) if sys.platform == "linux" else None
        self._trim = getattr(libc, "malloc_trim", None)
        self._due = time.monotonic() + _EVERY_SECONDS

    def give_back(self) -> None:
        """Does so, if half a minute has passed since it last did. Takes some milliseconds."""
        if self._trim is not None and time.monotonic() >= self._due:
            self._trim(0)
            self._due = time.monotonic() + _EVERY_SECONDS
