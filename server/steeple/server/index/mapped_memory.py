"""How much of the files that are mapped lies in memory."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Final

_STATM: Final = Path("/proc/self/statm")


def mapped_bytes() -> int:
    """Of all files that are mapped, what is in the process's memory; 0 where the system does not tell."""
    try:
        return int(_STATM.read_text(encoding="ascii").split()[2]) * mmap.PAGESIZE
    except OSError:
        return 0
