"""Where an axis has its ticks: round numbers, not too many."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Final

_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)
_PADDING: Final = 0.05  # of a logarithmic axis, at both ends

_ONE_PLACE: Final = 1e-5  # of the larger number: closer ones have the same label


def linear_ticks(low: float, high: float, intervals: int) -> list[float]:
    """Round numbers at equal distances, from at most ``low`` to at least ``high``.

    Args:
        low: Of what there is.
        high: Of what there is.
        intervals: Between ticks; about as many.
    """
    if high - low <= _ONE_PLACE * max(abs(low), abs(high)):  # with room on both sides
        room = abs(low) / 2 or 1.0
        low, high = low - room if low < 0 else max(0.0, low - room), high + room
    wanted = (high - low) / max(1, intervals)
    power = 10.0 ** math.floor(math.log10(wanted))
    step = next(power * each for each in _STEPS if power * each >= wanted * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{number * step:.10g}") for number in range(first, last + 1)]


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers from ``low`` to ``high``: 1, 2 and 5 times powers of ten, or powers alone if these are too many.

    Args:
        low: Above 0.
        high: At least ``low``.
        most: Ticks.
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        ticks = [float(f"{factor}e{power}") for power, factor in itertools.product(powers, factors)]
        within = [tick for tick in ticks if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)]
        if len(within) <= most:
            break
    else:
        within = within[:: -(-len(within) // max(1, most))]
    if len(within) < 2:  # less than a factor of two or three: as good as linear
        within = [tick for tick in linear_ticks(low, high, max(2, most - 1)) if low <= tick <= high]
    return within


def log_range(values: Sequence[float]) -> tuple[float, float]:
    """What a logarithmic axis reaches over: the values, with some room at both ends.

    Raises:
        ValueError: If one is not above 0.
    """
    low, high = min(values, default=1.0), max(values, default=10.0)
    if low <= 0:
        raise ValueError(f"a logarithmic axis has no place for {low}")
    room = max((high / low) ** _PADDING, 1.1)
    return low / room, high * room
