"""Times as people give them: a span from now, or a date."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from steeple.errors import InvalidArgumentError

_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN: Final = re.compile(r"(\d{1,6})([mhdw])", re.ASCII)


def read_time(text: str, option: str, *, towards: Literal["future", "past"], now: datetime | None = None) -> datetime:
    """``90d`` from now, or ago, or ``2027-01-31``, or ``2027-01-31T12:00``; UTC unless the text says otherwise.

    Args:
        text: As given.
        option: Whose value it is.
        towards: Where a span leads.
        now: The time; None: that of the clock.

    Raises:
        InvalidArgumentError: If it is no time.
    """
    span = _SPAN.fullmatch(text)
    try:
        if span is not None:
            length = timedelta(**{_UNITS[span[2]]: int(span[1])})
            now = now or datetime.now(UTC)
            return now + length if towards == "future" else now - length
        time = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise InvalidArgumentError(
            f"{option} must be a span such as 90d, 12h or 30m, or a date such as 2027-01-31 or 2027-01-31T12:00, "
            f"not {text!r}"
        ) from error
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time
