"""How far an import is: its checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Progress:
    """What is done, and what came of it.

    Attributes:
        planned: Whether there is a plan.
        plan: SHA-256 of it, hex; empty: not known.
        again: Whether some of it was done before, by another plan.
        landmarks: Of the plan that are there.
        photos: Of the plan, from the first, that are done: added, found there already, or refused.
        counts: What became of landmarks and photos, by the names that the results have.
        duplicates: The first few photos that have duplicates, in words.
    """

    def __init__(self, checkpoint: Mapping[str, Any]) -> None:
        self.planned = bool(checkpoint.get("planned", False))
        self.plan = str(checkpoint.get("plan", ""))
        self.again = bool(checkpoint.get("again", False))
        self.landmarks = int(checkpoint.get("landmarks", 0))
        self.photos = int(checkpoint.get("photos", 0))
        self.counts: dict[str, int] = dict(checkpoint.get("counts", {}))
        self.duplicates: list[str] = list(checkpoint.get("duplicates", ()))

    def count(self, what: str, more: int = 1) -> None:
        """Counts some more."""
        self.counts[what] = self.counts.get(what, 0) + more

    def to_json(self) -> dict[str, Any]:
        """As a checkpoint."""
        return {
            "planned": self.planned,
            "plan": self.plan,
            "again": self.again,
            "landmarks": self.landmarks,
            "photos": self.photos,
            "counts": dict(self.counts),
            "duplicates": list(self.duplicates),
        }

    def begin_anew(self) -> None:
        """Goes by another plan from its beginning; what is done already is found there."""
        self.__dict__.update(Progress({}).__dict__, again=True)

    def copy(self) -> Progress:
        """Another that changes by itself, for what is not certain yet."""
        return Progress(self.to_json())

    def take(self, other: Progress) -> None:
        """Is as far as ``other`` from now on."""
        self.__dict__.update(other.copy().__dict__)
