"""Memory that was freed, given back to the system.

Photos and the messages that carry them come in sizes from kilobytes to megabytes, on any of dozens of threads.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Callable
from typing import Final

from steeple.server.processors import processors

_EVERY_SECONDS: Final = 5.0

_MESSAGE: Final = 16 << 20


def bound_heaps() -> None:
    """Bounds what the C library keeps of freed memory for later. For a process that is a server's own, at its start.

    A variable of mallopt(3) in the environment goes before. Elsewhere than on glibc this does nothing.
    """
    mallopt = _of_glibc("mallopt")
    if mallopt is None:
        return
    # Variables and numbers of mallopt(3), and what a server wants.
    bounds = {
        # Threads share so many heaps. By default it is eight a processor, each of which keeps what follows.
        "MALLOC_ARENA_MAX": (-8, max(2, processors())),
        # Larger pieces come from the system and go back to it at once. Less than most photos would cost each of them a
        # page fault every 4 KiB, a tenth of what a server under load can do.
        "MALLOC_MMAP_THRESHOLD_": (-3, _MESSAGE),
        # A heap keeps so much at its end.
        "MALLOC_TRIM_THRESHOLD_": (-1, _MESSAGE),
    }
    for variable, (parameter, value) in bounds.items():
        if variable not in os.environ:
            mallopt(parameter, value)


class FreedMemory:
    """Gives back freed pieces that lie between others, which :func:`bound_heaps` does not reach.

    Elsewhere than on glibc this does nothing.
    """

    def __init__(self) -> None:
        self._trim = _of_glibc("malloc_trim")
        self._due = time.monotonic() + _EVERY_SECONDS

    def give_back(self) -> None:
        """Does so, if five seconds have passed since it last did. Takes some milliseconds."""
        if self._trim is not None and time.monotonic() >= self._due:
            self._trim(0)
            self._due = time.monotonic() + _EVERY_SECONDS


def _of_glibc(name: str) -> Callable[..., int] | None:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
