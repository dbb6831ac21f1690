"""Queries that a server has kept for review."""

from __future__ import annotations

import enum
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from steeple.client.resources import LatLng, last_part


class QueryOrigin(enum.Enum):
    """Why a server keeps a query.

    Attributes:
        QUERY: Its settings say so.
        FEEDBACK: Whoever asked has said whether the answer was right.
        PROPOSAL: Somebody proposes the photo for the catalogue.
        OTHER: Something that this version of the SDK does not know.
    """

    QUERY = "query"
    FEEDBACK = "feedback"
    PROPOSAL = "proposal"
    OTHER = "other"


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
class Feedback:
    """What somebody who pointed the camera says; nobody has checked it.

    Attributes:
        verdict: As of a review; ``NONE`` in a proposal.
        landmark: ``landmarks/{id}`` that it shows, of the verdict ``LANDMARK``; else empty.
        shown_landmark: ``landmarks/{id}`` that the application had shown as the answer; empty: that it is unknown.
        suggested_name: What people call it.
        note: Whatever else there is to say.
        location: Where the photo was taken; None: that is not said.
    """

    verdict: QueryVerdict = QueryVerdict.NONE
    landmark: str = ""
    shown_landmark: str = ""
    suggested_name: str = ""
    note: str = ""
    location: LatLng | None = None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "verdict": self.verdict.value}


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
        create_time: UTC; when it was answered, or feedback came.
        expire_time: UTC; when it goes by itself.
        key: ``keys/{id}`` of who asked; empty: there was no key, or a person asked.
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
        reviewer: Who said so: ``keys/{id}``, ``people/{id}`` or ``open``; empty: nobody has.
        review_time: UTC; None: nobody has.
        reference_image: ``landmarks/{landmark}/images/{id}`` that was made of it; empty: none was.
        origin: Why it is kept.
        feedback: Of who sent it, where that is why; else None.
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
    origin: QueryOrigin = QueryOrigin.QUERY
    feedback: Feedback | None = None

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
            "origin": self.origin.value,
            "feedback": None if self.feedback is None else self.feedback.to_dict(),
            "review_time": None if self.review_time is None else self.review_time.isoformat(),
        }


@dataclass(frozen=True)
class KeptQueryGroup:
    """Kept queries that seem to show the same.

    Attributes:
        queries: The newest first; two or more.
        landmark: ``landmarks/{id}`` that they show, as reviews or answers have it; empty: that is not known.
    """

    queries: tuple[KeptQuery, ...]
    landmark: str

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"queries": [query.to_dict() for query in self.queries], "landmark": self.landmark}


@dataclass(frozen=True)
class KeptQueryGroups:
    """What became of the kept queries that were to be grouped.

    Attributes:
        groups: Those of most queries first.
        compared: Queries that were compared, those that are alike no other one included.
        waiting: Queries that are still to be compared; another call goes on with them.
        unusable: Queries that cannot be compared.
        total_size: All that there were to choose from.
    """

    groups: tuple[KeptQueryGroup, ...]
    compared: int
    waiting: int
    unusable: int
    total_size: int

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "groups": [group.to_dict() for group in self.groups],
            "compared": self.compared,
            "waiting": self.waiting,
            "unusable": self.unusable,
            "total_size": self.total_size,
        }
