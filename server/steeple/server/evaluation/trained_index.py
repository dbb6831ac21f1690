"""An index whose codebook is trained on what it is filled with, as a server's is once its catalogue is large enough."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steeple.delf import ModelRelease
from steeple.errors import InvalidArgumentError
from steeple.recognition import Neighbours
from steeple.server.index import FaissIndex, IndexStats, training
from steeple.server.index_factory import IndexFactory


class TrainedIndex:
    """A :class:`~steeple.server.index.DescriptorIndex` that finds nothing until :meth:`train`.

    Args:
        release: Whose descriptors it is for.
        factory: Of the codebook.
    """

    def __init__(self, release: ModelRelease, factory: IndexFactory) -> None:
        self._release = release
        self._factory = factory
        self._waiting: dict[int, NDArray[np.float32]] = {}
        self._index = FaissIndex(release)

    def train(self) -> None:
        """Trains the codebook on all descriptors that were added, and adds them.

        Raises:
            InvalidArgumentError: If they are too few.
        """
        count = sum(map(len, self._waiting.values()))
        if count < self._factory.training_descriptors:
            raise InvalidArgumentError(
                f"index {self._factory} is trained on {self._factory.training_descriptors:,} descriptors at least, and "
                f"the reference photos have {count:,}: name one of fewer lists, or add photos (--fillers)"
            )
        samples = np.concatenate(list(self._waiting.values()))
        codebook = training.train(samples, self._factory, probes=self._release.index.probes)
        self._index = FaissIndex(self._release, codebook=codebook)
        while self._waiting:
            self._index.add(*self._waiting.popitem())

    def add(self, image_key: int, descriptors: NDArray[np.float32]) -> None:
        """See :meth:`DescriptorIndex.add`."""
        self._waiting[image_key] = descriptors

    def remove(self, image_key: int) -> bool:
        """See :meth:`DescriptorIndex.remove`."""
        return self._waiting.pop(image_key, None) is not None or self._index.remove(image_key)

    def __contains__(self, image_key: int) -> bool:
        return image_key in self._waiting or image_key in self._index

    def search(
        self, queries: NDArray[np.float32], neighbours: int, *, within: Collection[int] | None = None
    ) -> Neighbours:
        """See :meth:`DescriptorSearch.search`."""
        return self._index.search(queries, neighbours, within=within)

    def snapshot(self, folder: Path, sequence: int, stopped: Callable[[], bool] = lambda: False) -> None:
        """See :meth:`DescriptorIndex.snapshot`."""
        self._index.snapshot(folder, sequence, stopped)

    def stats(self) -> IndexStats:
        """See :meth:`DescriptorIndex.stats`."""
        return self._index.stats()
