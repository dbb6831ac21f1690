"""Several engines on one PostgreSQL, with one folder of photos, each with a data folder of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from steeple.delf.features import FeatureSet
from steeple.server.engine import Engine
from steeple.server.settings import Settings

OpenReplica = Callable[..., Engine]

PATIENCE = 30.0


def until(condition: Callable[[], object], seconds: float = PATIENCE) -> float:
    """Waits until something is so; how many seconds that took."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            raise AssertionError(f"not within {seconds:g} s")
        time.sleep(0.002)  # asks again
    return time.monotonic() - began


def finds(engine: Engine, features: FeatureSet) -> bool:
    """Whether a landmark with the identifier tower comes first."""
    found = engine.identify(features, max_candidates=1)
    return bool(found.candidates) and found.candidates[0].landmark.id == "tower"


def misses(engine: Engine, features: FeatureSet) -> bool:
    """Whether it does not."""
    return not finds(engine, features)


@pytest.fixture
def open_replica(postgres_url: str, tmp_path: Path) -> Iterator[OpenReplica]:
    """Opens engines by the names of their data folders, which are empty; they are closed at the end."""
    opened: list[Engine] = []

    def open_one(name: str, **flags: Any) -> Engine:
        settings = Settings.load(
            data_dir=tmp_path / name, database_url=postgres_url, images_url=str(tmp_path / "photos"), **flags
        )
        opened.append(Engine(settings))
        return opened[-1]

    yield open_one
    for engine in reversed(opened):
        engine.close()
