"""What the faults need, and whether it is to be had here."""

from __future__ import annotations

import pytest

from .serving import can_mount


def pytest_report_header() -> str:
    """Says which faults are the real thing here."""
    if can_mount():
        return "faults: disks are full and read-only by mounts, and by limits and permissions"
    return "faults: there are no mounts here, so disks are full and read-only by limits and permissions alone"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each disk's fault by what every process may do to itself and, where that is allowed, by a real mount too."""
    if "by" in metafunc.fixturenames:
        metafunc.parametrize("by", ["limits", "mounts"] if can_mount() else ["limits"], scope="module")
