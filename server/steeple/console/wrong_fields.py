"""What is wrong with a form, field by field."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Final

from steeple.console.rendering import sentence
from steeple.errors import InvalidArgumentError, SteepleError

FIELD: Final = "field"


def problem_of(error: SteepleError, names: Mapping[str, str]) -> dict[str, str]:
    """The error beside the field that it is about.

    Args:
        error: Of the server.
        names: Of the form's fields, by the names that the server has for them.

    Raises:
        SteepleError: The same, if it is about none of them.
    """
    path = error.metadata.get(FIELD, "")
    for part in (path, path.rpartition(".")[2]):
        if part in names:
            return {names[part]: sentence(error.message)}
    raise error


def read_number(text: str, field: str, *, whole: bool) -> float:
    """A number of a form; nothing is 0.

    Raises:
        InvalidArgumentError: If it is none, or below 0.
    """
    try:
        value = float(int(text) if whole else float(text)) if text else 0.0
    except ValueError:
        value = -1.0
    if not math.isfinite(value) or value < 0:
        kind = "a whole number" if whole else "a number"
        raise InvalidArgumentError(f"this takes {kind}, 0 or more", field=field)
    return value


def read_date(text: str, field: str, *, end: bool = False) -> datetime | None:
    """A day of a form, UTC: its beginning, or its end; nothing is None.

    Raises:
        InvalidArgumentError: If it is none.
    """
    if not text:
        return None
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise InvalidArgumentError("this takes a day, such as 2027-01-31", field=field) from None
    return datetime.combine(day, time(23, 59, 59), UTC) if end else day
