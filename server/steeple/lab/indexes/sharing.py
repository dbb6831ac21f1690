"""Whether threads share work."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Final

from steeple.server.index.threads import one_thread

_WORTH_SHARING: Final = 1e8  # products; on less, threads wait for each other longer than they work


def shared(products: float) -> AbstractContextManager[None]:
    """What FAISS does inside is done by its threads if it is worth it, and else by one.

    Args:
        products: Multiplications that it takes, about.
    """
    return one_thread() if products < _WORTH_SHARING else nullcontext()
