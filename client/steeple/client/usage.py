"""How much a server was used."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from steeple.client.access import MonthlyUsage


@dataclass(frozen=True)
class LandmarkUsage:
    """The answers that identified a landmark in one month, each frame of a stream counting as one.

    Attributes:
        month: UTC, as ``2026-03``.
        identified: Answers.
    """

    month: str
    identified: int

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True)
class KeyUsage:
    """The queries that came with a key.

    Attributes:
        key: ``keys/{id}``.
        identified: Answered with a landmark.
        unknown: Answered with UNKNOWN.
    """

    key: str
    identified: int
    unknown: int


@dataclass(frozen=True)
class IdentifiedLandmark:
    """How often a landmark was the answer.

    Attributes:
        landmark: ``landmarks/{id}``.
        display_name: What people call it.
        identified: Answers.
    """

    landmark: str
    display_name: str
    identified: int


@dataclass(frozen=True)
class Usage:
    """The usage of a whole server.

    Attributes:
        months: The latest first.
        keys: Of these months together, the most used first; queries without a key are not among them.
        landmarks: Of these months together, the most identified first.
    """

    months: tuple[MonthlyUsage, ...]
    keys: tuple[KeyUsage, ...]
    landmarks: tuple[IdentifiedLandmark, ...]

    @property
    def identified(self) -> int:
        """Queries answered with a landmark, of all months."""
        return sum(month.identified for month in self.months)

    @property
    def unknown(self) -> int:
        """Queries answered with UNKNOWN, of all months."""
        return sum(month.unknown for month in self.months)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"identified": self.identified, "unknown": self.unknown, **asdict(self)}
