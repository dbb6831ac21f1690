"""What a person can do when nothing is recognised."""

from __future__ import annotations

import enum


class Advice(enum.Enum):
    """What would help. :mod:`steeple.app.phrases` says it in words."""

    MORE_LIGHT = "more-light"
    LESS_LIGHT = "less-light"
    STEADIER = "steadier"
    FOCUS = "focus"
    CLOSER = "closer"
    FARTHER = "farther"
    ANOTHER_VIEW = "another-view"
