"""Sets of numbers in few bits: the gaps between them, Golomb-Rice coded."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.errors import FeatureSetError

MAX_PARAMETER: Final = 24


def parameter_for(count: int, limit: int) -> int:
    """The Rice parameter that suits ``count`` numbers below ``limit``, spread evenly: 0 to :data:`MAX_PARAMETER`."""
    if count < 1:
        return 0
    # Gaps are geometric; the best power of two is near ln 2 times their mean (Golomb, 1966).
    mean = max(limit / count - 1.0, 0.0)
    return min(MAX_PARAMETER, max(0, math.ceil(math.log2(math.log(2.0) * mean))) if mean > 1.0 else 0)


def encode(numbers: NDArray[np.int64], parameter: int) -> bytes:
    """Numbers, int64[N], not negative and each more than the one before, as bits.

    Of each, the gap since the one before, less 1 but for the first: ``gap >> parameter`` ones and a zero, then the last
    ``parameter`` bits, highest first. The last byte is filled up with ones.
    """
    if not len(numbers):
        return b""
    gaps = np.diff(numbers, prepend=-1) - 1
    quotients = gaps >> parameter
    ends = np.cumsum(quotients + 1 + parameter)
    bits = np.ones(-(-int(ends[-1]) // 8) * 8, np.uint8)
    bits[ends - parameter - 1] = 0
    for place in range(parameter):
        bits[ends - 1 - place] = (gaps >> place) & 1
    return np.packbits(bits).tobytes()


def decode(data: bytes, parameter: int, count: int, limit: int) -> NDArray[np.int64]:
    """int64[count]: what :func:`encode` made the bits of.

    Raises:
        FeatureSetError: If they are not ``count`` numbers below ``limit``, or are more bytes than these take.
    """
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    zeros = np.flatnonzero(bits == 0)
    gaps, start, seen = np.empty(count, np.int64), 0, 0
    places = zeros.tolist()  # a Python list is quicker to step through
    for number in range(count):
        while seen < len(places) and places[seen] < start:
            seen += 1  # zeros of the bits behind the last quotient
        if seen == len(places) or places[seen] + parameter >= len(bits):
            raise FeatureSetError(f"cells end after {number} of {count} features", field="cells")
        gaps[number] = places[seen] - start
        start = places[seen] + 1 + parameter
    ends = np.cumsum(gaps + 1 + parameter)
    low = np.zeros(count, np.int64)
    for place in range(parameter):
        low |= bits[ends - 1 - place].astype(np.int64) << place
    numbers = np.cumsum((gaps << parameter) + low + 1) - 1
    used = int(ends[-1]) if count else 0
    if -(-used // 8) != len(data) or not bits[used:].all():
        raise FeatureSetError(
            f"cells are {len(data)} bytes, and {count} features take {-(-used // 8)}, filled up with ones",
            field="cells",
        )
    if count and not 0 <= numbers[-1] < limit:
        raise FeatureSetError(f"a cell is beyond the {limit} that an image of this size has", field="cells")
    return numbers
