"""The regions of R-MAC, for training and use alike."""

from __future__ import annotations

from typing import Final

LEVELS: Final = 3
_OVERLAP: Final = 0.4
_MOST_EXTRA: Final = 6


def region_grid(height: int, width: int, levels: int = LEVELS) -> list[tuple[int, int, int]]:
    """Square regions on several levels (Tolias et al., ICLR 2016, section 3.2).

    At level l their side is 2 min(h, w) / (l + 1), rounded down. Along the shorter side there are l of them, along the
    longer one l + m - 1, spread evenly. m is chosen so that neighbours at the first level overlap by as near to 40 % as
    may be; it is at least 2, and 1 for a square map.

    Args:
        height: Of the map, cells.
        width: Of the map, cells.
        levels: How many.

    Returns:
        Row and column of the first cell, and side, cells; by level, row and column.
    """
    shorter, longer = min(height, width), max(height, width)
    extra = 0  # m - 1
    if longer > shorter:
        steps = range(1, _MOST_EXTRA + 1)
        extra = min(steps, key=lambda count: abs(1 - (longer - shorter) / (count * shorter) - _OVERLAP))
    regions = []
    for level in range(1, levels + 1):
        side = max(1, 2 * shorter // (level + 1))
        tall, wide = (level + (extra if span == longer else 0) for span in (height, width))
        regions += [(row, column, side) for row in _starts(height, side, tall) for column in _starts(width, side, wide)]
    return regions


def _starts(span: int, side: int, count: int) -> list[int]:
    if count == 1:
        return [(span - side) // 2]
    return [number * (span - side) // (count - 1) for number in range(count)]
