from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from steeple.server import memory
from steeple.server.memory import FreedMemory

MIB = 2**20


def resident() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, and only glibc keeps what is freed")
def test_freed_memory_goes_back_and_not_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    freed = FreedMemory()
    pieces = [np.ones(100_000, np.uint8) for _ in range(2000)]  # each too small to be mapped by itself
    last = np.ones(100_000, np.uint8)  # keeps what lies below it in the heap
    del pieces
    held = resident()
    freed.give_back()
    assert resident() > held - 20 * MIB, "it has not been half a minute"
    monkeypatch.setattr(memory, "_EVERY_SECONDS", 0.0)
    due = FreedMemory()
    due.give_back()
    assert resident() < held - 100 * MIB
    assert last.any()
