from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .standins import StandIns


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[StandIns]:
    folder = tmp_path / "files"
    folder.mkdir()
    bridge = StandIns(folder)
    yield bridge
    bridge.close()
