from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from steeple.server import memory
from steeple.server.memory import FreedMemory

MIB = 2**20


def resident() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096


ROUNDS_OF_LARGE_MESSAGES = """
import sys, threading
from pathlib import Path
from steeple.server.memory import bound_heaps

if sys.argv[1] == "bound":
    bound_heaps()
resident = lambda: int(Path("/proc/self/statm").read_text().split()[1]) * 4096
meeting, turn = threading.Barrier(12), threading.Lock()

def messages():
    for _ in range(3):
        meeting.wait()  # all are there, so that each has a heap of its own where it may
        with turn:
            bytes(11 << 20)

before = resident()
threads = [threading.Thread(target=messages) for _ in range(12)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(resident() - before)
"""


def kept(how: str, **variables: str) -> int:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    command = [sys.executable, "-c", ROUNDS_OF_LARGE_MESSAGES, how]
    done = subprocess.run(command, env=environment | variables, capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, and only glibc keeps what is freed")
def test_heaps_of_many_threads_keep_little() -> None:
    assert kept("bound", MALLOC_ARENA_MAX="2") < 48 * MIB
    assert kept("as they are") > 90 * MIB, "the test shows nothing"
    assert kept("bound", MALLOC_ARENA_MAX="16", MALLOC_TRIM_THRESHOLD_="33554432") > 90 * MIB, "the user's go before"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, and only glibc keeps what is freed")
def test_freed_memory_goes_back_and_not_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    freed = FreedMemory()
    pieces = [np.ones(100_000, np.uint8) for _ in range(2000)]  # each too small to be mapped by itself
    last = np.ones(100_000, np.uint8)  # keeps what lies below it in the heap
    del pieces
    held = resident()
    freed.give_back()
    assert resident() > held - 20 * MIB, "it has not been five seconds"
    monkeypatch.setattr(memory, "_EVERY_SECONDS", 0.0)
    due = FreedMemory()
    due.give_back()
    assert resident() < held - 100 * MIB
    assert last.any()
