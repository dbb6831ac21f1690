"""What the faults need, and whether it is to be had here."""

from __future__ import annotations

import pytest

from .serving import can_mount


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says which faults are the real thing here; at the end, as pytest knows this folder only after its head."""
    mounts = (
        "by mounts, and by limits and permissions" if can_mount() else "by limits and permissions alone: no mounts here"
    )
    terminalreporter.write_line(f"faults: disks are full and read-only {mounts}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each disk's fault by what every process may do to itself and, where that is allowed, by a real mount too."""
    if "by" in metafunc.fixturenames:
        metafunc.parametrize("by", ["limits", "mounts"] if can_mount() else ["limits"], scope="module")
