"""What a device does that searches in a memory of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from steeple.server.index.codebook import Assignment

if TYPE_CHECKING:  # segments know their mirrors
    from steeple.server.index.segments import SealedSegment


class Mirror(Protocol):
    """A copy of a sealed segment in a device's memory, which goes when nothing refers to it. Thread safe."""

    @property
    def limit(self) -> int:
        """Neighbours and probes of a search, at most."""
        ...

    def search(self, assignment: Assignment, neighbours: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """As :meth:`Segment.search`, without a selector.

        Raises:
            UnavailableError: If the device cannot.
        """
        ...


class Device(Protocol):
    """A processor that searches copies of sealed segments."""

    @property
    def name(self) -> str:
        """As in ``GPU 0``."""
        ...

    def mirror(self, segment: SealedSegment) -> Mirror:
        """Copies a segment into the device's memory.

        Raises:
            FailedPreconditionError: If the device does not take it: its codes are of another kind or too many.
        """
        ...
