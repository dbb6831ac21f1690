"""A device whose memory is the host's: it copies files of an index as a GPU does, and searches with the processor."""

from __future__ import annotations

import tempfile
import threading
import weakref
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from steeple.delf import ModelRelease
from steeple.errors import FailedPreconditionError, UnavailableError
from steeple.server.index import FaissIndex
from steeple.server.index.codebook import Assignment
from steeple.server.index.device import Device
from steeple.server.index.segments import LiveSegment, SealedSegment


class HostMirror:
    limit = 2048

    def __init__(self, device: HostDevice, copied: LiveSegment) -> None:
        self._device = device
        self._copied = copied

    def search(self, assignment: Assignment, neighbours: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        with self._device.lock:
            if self._device.broken:
                raise UnavailableError("the device fell off the bus")
            self._device.searches += 1
            return self._copied.search(assignment, neighbours, None)


class HostDevice:
    """A device.

    Args:
        room: Descriptors of a file, at most.
    """

    name = "host memory"

    def __init__(self, room: int = 1 << 30) -> None:
        self.room = room
        self.broken = False
        self.searches = 0
        self.most_held = 0
        self.lock = threading.Lock()
        self._mirrors: weakref.WeakSet[HostMirror] = weakref.WeakSet()
        self._sizes: dict[int, int] = {}

    @property
    def mirrors(self) -> int:
        """That are in use."""
        return len(self._mirrors)

    @property
    def held(self) -> int:
        """Descriptors of all mirrors."""
        return sum(self._sizes[id(mirror)] for mirror in self._mirrors)

    def mirror(self, segment: SealedSegment) -> HostMirror:
        if len(segment) > self.room:
            raise FailedPreconditionError(f"room for {self.room}, not for {len(segment)}")
        assert isinstance(segment.over_flat_centroids().quantizer, faiss.Index)
        copied = LiveSegment(segment.codebook)
        for number in range(segment.codebook.lists):
            codes, numbers = segment.inverted_list(number)
            if len(numbers):
                copied.restore(number, codes.copy(), numbers.copy())
        mirror = HostMirror(self, copied)
        self._sizes[id(mirror)] = len(segment)
        self._mirrors.add(mirror)
        self.most_held = max(self.most_held, self.held)
        return mirror


class SavedAtOnce(FaissIndex):
    """Everything that is added goes to a file, and from there to a device, before it is searched."""

    def __init__(self, release: ModelRelease, device: Device) -> None:
        super().__init__(release)
        self._scratch = tempfile.TemporaryDirectory()
        weakref.finalize(self, self._scratch.cleanup)
        self.serve_from(device)

    def add(self, image_key: int, descriptors: NDArray[np.float32]) -> None:
        super().add(image_key, descriptors)
        self.snapshot(Path(self._scratch.name), 0)
