"""How good reference images are, in words."""

from __future__ import annotations

from typing import Final

_GRADES: Final = (
    "hardly ever found",
    "seldom found",
    "found now and then",
    "found mostly",
    "good",
    "nothing to complain about",
)


def grade_words(grade: int) -> str:
    """What a grade, 0 to 5, means."""
    return _GRADES[grade] if 0 <= grade < len(_GRADES) else ""
