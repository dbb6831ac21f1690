"""Who goes first on a busy processor."""

from __future__ import annotations

import os
import sys
import threading
from typing import Final

_NICENESS: Final = 10


def yield_to_queries(niceness: int = _NICENESS) -> None:
    """Lowers the priority of this thread, and of threads that it starts: a query has somebody who waits for it.

    Args:
        niceness: 0, as queries have it, to 19.
    """
    if sys.platform == "linux":  # elsewhere, priorities are of processes
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
