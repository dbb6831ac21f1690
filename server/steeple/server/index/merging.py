"""Files of an index: which of them to merge, and how, as a log-structured merge tree does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from steeple.errors import CancelledError
from steeple.server.index import list_file
from steeple.server.index.codebook import Codebook
from steeple.server.index.segments import SealedSegment, Segment
from steeple.server.index.snapshot import SnapshotFolder

DEAD_SHARE: Final = 0.1
"""Dead descriptors among all that lists hold, from which on everything is merged to be rid of them."""

_GROWTH: Final = 8  # a segment is merged with newer ones once they have an eighth of what it has


def first_to_merge(older: Sequence[Segment], *, dead: int, held: int) -> int:
    """Of segments, oldest first, which is the first that newer ones should be merged with; their number: none.

    Args:
        older: Segments that do not grow.
        dead: Descriptors of removed images in lists.
        held: Descriptors in lists.
    """
    if dead > DEAD_SHARE * held:
        return 0
    first, total = len(older), 0
    for number, segment in reversed(list(enumerate(older))):
        if isinstance(segment, SealedSegment) and (not total or len(segment) > _GROWTH * total):
            break
        first, total = number, total + len(segment)
    return first


def merged(
    codebook: Codebook,
    folder: SnapshotFolder,
    parts: Sequence[Segment],
    alive: NDArray[np.uint8],
    stopped: Callable[[], bool],
) -> SealedSegment:
    """What is alive of ``parts``, in a new file.

    Args:
        codebook: Of the parts.
        folder: Of the file.
        parts: Segments that do not grow.
        alive: Bitmap of descriptor numbers.
        stopped: Asked now and then whether to give up.

    Raises:
        CancelledError: If it was stopped.
        OSError: If the file cannot be written.
    """

    def lists() -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
        for number in range(codebook.lists):
            if stopped():
                raise CancelledError("saving the index was interrupted; it is complete all the same")
            found = [segment.inverted_list(number) for segment in parts]
            codes, numbers = (np.concatenate(column) for column in zip(*found, strict=True))
            there = are_set(alive, numbers)
            yield codes[there], numbers[there]

    folder.path.mkdir(parents=True, exist_ok=True)
    file = list_file.write(folder.path / f"lists-{uuid4().hex[:16]}", codebook.code_size, lists())
    return SealedSegment(codebook, file)


def are_set(bitmap: NDArray[np.uint8], numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether bits are set; any if a number is negative."""
    bits = (bitmap[numbers >> 3] >> (numbers & 7).astype(np.uint8)) & 1
    return np.asarray(bits, np.bool_)
