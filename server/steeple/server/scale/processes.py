"""Time and memory of processes, this one and others on this machine."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

_PROCESSES = Path("/proc")


def resident_bytes(process: int | None = None) -> int:
    """Memory that a process has resident; 0 where the operating system does not tell.

    Args:
        process: Its id; None: this one.
    """
    try:
        status = (_PROCESSES / str(process or os.getpid()) / "status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")), 0)


def cpu_seconds(processes: Iterable[int], name: str = "") -> float | None:
    """Processor time that processes have used, all threads together; None if one is not to be seen from here.

    Args:
        processes: Their ids.
        name: What the program of each begins with: an id from another machine may be somebody else's here.
    """
    total = 0.0
    for process in processes:
        try:
            text = (_PROCESSES / str(process) / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        program, _, rest = text.partition("(")[2].rpartition(")")
        if not program.startswith(name):
            return None
        user, system = rest.split()[11:13]
        total += (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return total


def processor_name() -> str:
    """What this machine's processor calls itself."""
    try:
        for line in (_PROCESSES / "cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()


def gpu_name() -> str:
    """What the first NVIDIA GPU calls itself; empty if nobody can tell."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    asked = [program, "--query-gpu=name", "--format=csv,noheader"]
    told = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603 - nothing of a user's
    return told.stdout.strip().partition("\n")[0]
