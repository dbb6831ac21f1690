"""Nearest neighbours in a pack: inverted lists of codes, searched with NumPy (DELF, section 4.4)."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from steeple.packs.pack import Pack
from steeple.recognition import Neighbours


class PackIndex:
    """A :class:`~steeple.recognition.DescriptorSearch` over a pack. Thread safe.

    Args:
        pack: The pack; not to be closed before.
        probes: Inverted lists visited per descriptor.
    """

    def __init__(self, pack: Pack, probes: int) -> None:
        raise NotImplementedError

    def search(
        self, queries: NDArray[np.float32], neighbours: int, *, within: Collection[int] | None = None
    ) -> Neighbours:
        """See :meth:`steeple.recognition.DescriptorSearch.search`; distances are to the decoded descriptors."""
        raise NotImplementedError
