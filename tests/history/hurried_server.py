"""``steeple`` in a hurry: everything that waits in a server happens all the time, and at a small size."""

from __future__ import annotations

import sys

from steeple.cli.main import main
from steeple.server import index_keeper, upkeep
from steeple.server.index import codebook, faiss_index, training


def hurry() -> None:
    """For this process: the index is saved, merged and made anew with more lists within moments."""
    upkeep._EVERY_SECONDS = 0.05  # type: ignore[misc]
    index_keeper._SAVE_SECONDS = 0.1  # type: ignore[misc]
    faiss_index._LIVE_LIMIT = 500  # type: ignore[misc]
    codebook._COMFORT = 2  # type: ignore[misc]
    training._LISTS_PER_ROOT = 32  # type: ignore[misc]
    training._ITERATIONS = 2  # type: ignore[misc]


if __name__ == "__main__":
    hurry()
    sys.exit(main())
