"""Queries that a server has kept for review."""

from __future__ import annotations

import enum
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from steeple.client.resources import last_part


class QueryContent(enum.Enum):
    """What a server has of a query."""

    PHOTO = "photo"
    FEATURES = "features"
    OTHER = "other"
    """Something that this version of the SDK does not know."""


class QueryVerdict(enum.Enum):
    """What somebody who looked at a query says.

    Attributes:
        NONE: Nothing; nobody has.
        RIGHT: The answer is right. Of UNKNOWN: the landmark is not in the catalogue.
        WRONG: The answer is wrong, and nobody knows what it shows.
        LANDMARK: It shows a certain landmark, whatever the answer was.
        NOT_LANDMARK: It shows no landmark at all.
        OTHER: Something that this version of the SDK does not know.
    """

    NONE = "none"
    RIGHT = "right"
    WRONG = "wrong"
    LANDMARK = "landmark"
    NOT_LANDMARK = "not_landmark"
    OTHER = "other"


@dataclass(frozen=True)
class KeptCandidate:
    """A candidate as it was answered.

    Attributes:
        landmark: ``landmarks/{id}``.
        confidence: 0 to 1.
        reference_image: The one that supported it best.
        inliers: Matches that agreed on one geometry.
        matches: All that were tried.
    """

    landmark: str
    confidence: float
    reference_image: str
    inliers: int
    matches: int


@dataclass(frozen=True)
class KeptQuery:
    """A query that was answered, and what came of it.

    Attributes:
        name: ``queries/{id}``. Names sort by time.
        create_time: UTC; when it was answered.
        expire_time: UTC; when it goes by itself.
        key: ``keys/{id}`` of who asked; empty: there was no key.
        request_id: Of the call, as in the server's log.
        identified: Whether the first candidate was the answer; else it was UNKNOWN.
        candidates: By falling confidence.
        model: ``models/{id}`` that served it.
        width: Of the query image, pixels.
        height: Of the query image, pixels.
        feature_count: Features searched with.
        content: What the server has of it.
        media_type: Of the photo; empty where there are only features.
        size_bytes: On the server's disk.
        verdict: What somebody says who looked at it.
        landmark: ``landmarks/{id}`` that the verdict names; else empty.
        reviewer: Who said so: ``keys/{id}`` or ``open``; empty: nobody has.
        review_time: UTC; None: nobody has.
        reference_image: ``landmarks/{landmark}/images/{id}`` that was made of it; empty: none was.
    """

    name: str
    create_time: datetime
    expire_time: datetime
    key: str
    request_id: str
    identified: bool
    candidates: tuple[KeptCandidate, ...]
    model: str
    width: int
    height: int
    feature_count: int
    content: QueryContent
    media_type: str
    size_bytes: int
    verdict: QueryVerdict = QueryVerdict.NONE
    landmark: str = ""
    reviewer: str = ""
    review_time: datetime | None = None
    reference_image: str = ""

    @property
    def id(self) -> str:
        """``{id}`` of the name."""
        return last_part(self.name)

    @property
    def best(self) -> KeptCandidate | None:
        """The first candidate, whether it was the answer or not."""
        return self.candidates[0] if self.candidates else None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            **asdict(self),
            "id": self.id,
            "create_time": self.create_time.isoformat(),
            "expire_time": self.expire_time.isoformat(),
            "content": self.content.value,
            "verdict": self.verdict.value,
            "review_time": None if self.review_time is None else self.review_time.isoformat(),
        }
