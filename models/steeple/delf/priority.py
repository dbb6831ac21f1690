"""Who goes first on a busy processor."""

from __future__ import annotations

import os
import sys
import threading
from typing import Final

_NICENESS: Final = 10


def lower_priority(niceness: int = _NICENESS) -> None:
    """Lowers the priority of this thread, and of threads that it starts: there is work that somebody waits for.

    Args:
        niceness: 0, as other threads have it, to 19.
    """
    if sys.platform in {"linux", "android"}:  # elsewhere, priorities are of processes
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
