"""Parameters, and what they must be."""

from __future__ import annotations

import math

from steeple.errors import InvalidArgumentError


def whole(name: str, value: object, least: int, most: int = 1 << 24) -> int:
    """A parameter that is a whole number.

    Raises:
        InvalidArgumentError: If it is none, or out of range.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidArgumentError(f"{name} is {value!r}; it must be a whole number from {least} to {most}")
    return value


def real(name: str, value: object, least: float, most: float) -> float:
    """A parameter that is a number.

    Raises:
        InvalidArgumentError: If it is none, or out of range.
    """
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not least <= value <= most:  # type: ignore[arg-type, operator]
        raise InvalidArgumentError(f"{name} is {value!r}; it must be a number from {least} to {most}")
    return float(value)  # type: ignore[arg-type]


def enough(count: int, least: int, method: str, what: str) -> None:
    """Training data must be enough.

    Raises:
        InvalidArgumentError: If there are fewer than the least.
    """
    if count < least:
        raise InvalidArgumentError(
            f"{method} takes at least {least} {what} to be fitted, not {count}; "
            "give more training photos or smaller parameters, or take 'exact', which takes none"
        )
