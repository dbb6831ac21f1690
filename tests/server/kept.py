"""The index of an engine, by FAISS."""

from __future__ import annotations

from steeple.server.engine import Engine
from steeple.server.index_keeper import IndexKeeper


def faiss_keeper(engine: Engine) -> IndexKeeper:
    """Keeps the default release's index."""
    keeper = engine.index_keeper
    assert isinstance(keeper, IndexKeeper)
    return keeper
