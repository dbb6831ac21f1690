"""Inverted lists that no descriptor was needed for: catalogues too large to be made one descriptor at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf import ModelRelease
from steeple.server.index import FaissIndex, list_file
from steeple.server.index.codebook import Codebook
from steeple.server.index.list_file import ListFile
from steeple.server.index.slots import SlotTable
from steeple.server.scale.synthetic import IMAGE_DESCRIPTORS, key_of, moved

_SPREAD: Final = 0.38
"""Deviation of the logarithm of a list's size: that of 10 million descriptors that were added one by one."""


class SyntheticLists:
    """A catalogue drawn as codes: each descriptor is in a random list, with a random code.

    Sizes of lists are log-normal, codes equally likely. The numbers of the descriptors of an image are spread over the
    lists, as those of a photo are.

    Args:
        codebook: Of the index.
        images: Of 1000 descriptors each.
    """

    def __init__(self, codebook: Codebook, images: int) -> None:
        self._codebook = codebook
        self._images = images
        self.descriptors = images * IMAGE_DESCRIPTORS
        rng = np.random.default_rng((3, images))
        weights = rng.lognormal(0.0, _SPREAD, codebook.lists)
        self._ends = np.rint(np.cumsum(weights) / weights.sum() * self.descriptors).astype(np.int64)
        # Place i of the file has number i * step modulo their count: every number once, and neighbours far apart.
        self._step = next(
            step
            for step in range(int(0.618 * self.descriptors), self.descriptors)
            if math.gcd(step, self.descriptors) == 1
        )

    def index(self, release: ModelRelease, folder: Path, advance: Callable[[], None]) -> FaissIndex:
        """Writes the lists into ``folder`` and makes an index of them.

        Args:
            release: Of the codebook.
            folder: Of the index.
            advance: Told of every list.
        """
        folder.mkdir(parents=True, exist_ok=True)

        def lists() -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
            for number in range(self._codebook.lists):
                yield self._codes(number), self._numbers(number)
                advance()

        file: ListFile = list_file.write(folder / "lists-synthetic", self._codebook.code_size, lists())
        slots = SlotTable()
        for number in range(self._images):
            slots.put(key_of(number), IMAGE_DESCRIPTORS)
        return FaissIndex.assembled(release, self._codebook, slots, [file])

    def copies(self, count: int, distance: float) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Decoded descriptors, moved; as :meth:`SyntheticCatalogue.copies` says."""
        rng = np.random.default_rng((4, self._images))
        places = rng.integers(0, self.descriptors, count)
        return moved(self._decoded(places), distance, rng), places * self._step % self.descriptors

    def image(self, number: int) -> NDArray[np.float32]:
        """float32[1000, 40], L2-normalised: what the codes of an image stand for."""
        numbers = np.arange(number * IMAGE_DESCRIPTORS, (number + 1) * IMAGE_DESCRIPTORS)
        back = pow(self._step, -1, self.descriptors)
        # Python's integers: those of numpy would overflow from three billion descriptors on.
        places = np.array([int(each) * back % self.descriptors for each in numbers], np.int64)
        return self._decoded(places)

    def _decoded(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        lists = np.searchsorted(self._ends, places, side="right")
        codes = np.stack([self._codes(at)[place - self._start(at)] for at, place in zip(lists, places, strict=True)])
        return self._codebook.decode(lists, codes)

    def _start(self, number: int) -> int:
        return int(self._ends[number - 1]) if number else 0

    def _codes(self, number: int) -> NDArray[np.uint8]:
        size = int(self._ends[number]) - self._start(number)
        shape = (size, self._codebook.code_size)
        return np.random.default_rng((5, int(number))).integers(0, 256, shape, np.uint8)

    def _numbers(self, number: int) -> NDArray[np.int64]:
        return np.arange(self._start(number), self._ends[number], dtype=np.int64) * self._step % self.descriptors
