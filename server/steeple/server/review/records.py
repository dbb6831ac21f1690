"""What is kept of a query, and under which rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from steeple.delf.features import FeatureSet
from steeple.server.catalogue import LatLng
from steeple.server.identification import Identification
from steeple.server.settings import Settings


class KeepPolicy(StrEnum):
    """Which queries are kept."""

    OFF = "off"
    UNKNOWN = "unknown"
    ALL = "all"


@dataclass(frozen=True)
class KeepRules:
    """Which queries, and what feedback, are kept, and for how long.

    Attributes:
        policy: None, those that were answered with UNKNOWN, or all.
        sample: Share of these that is kept, chosen at random; 0 to 1.
        retention: How long.
        max_bytes: Of all files; the oldest go first.
        excluded_keys: Ids of keys whose queries are never kept, nor those of keys that have replaced them.
        feedback: Whether feedback and proposals are taken.
        feedback_per_day: Of these, that a key may send in 24 hours.
    """

    policy: KeepPolicy
    sample: float
    retention: timedelta
    max_bytes: int
    excluded_keys: frozenset[str]
    feedback: bool
    feedback_per_day: int

    @staticmethod
    def of(settings: Settings) -> KeepRules:
        """Those that the settings state."""
        return KeepRules(
            KeepPolicy(settings.keep_queries),
            settings.keep_queries_sample,
            timedelta(days=settings.kept_queries_retention_days),
            settings.kept_queries_max_bytes,
            frozenset(key.removeprefix("keys/") for key in settings.keep_queries_excluded_keys),
            settings.feedback == "on",
            settings.feedback_per_day,
        )


class Origin(StrEnum):
    """Why a query is kept.

    Attributes:
        QUERY: The settings say so.
        FEEDBACK: Whoever asked has said whether the answer was right.
        PROPOSAL: Somebody proposes the photo for the catalogue.
    """

    QUERY = "query"
    FEEDBACK = "feedback"
    PROPOSAL = "proposal"


class Content(StrEnum):
    """What there is of a query."""

    PHOTO = "photo"
    FEATURES = "features"


class QueryVerdict(StrEnum):
    """What somebody who looked at a query says."""

    NONE = "none"
    RIGHT = "right"
    WRONG = "wrong"
    LANDMARK = "landmark"
    NOT_LANDMARK = "not_landmark"


@dataclass(frozen=True)
class Feedback:
    """What somebody who pointed the camera says; nobody has checked it.

    Attributes:
        verdict: As of a review; NONE in a proposal.
        landmark_id: What it shows, with the verdict LANDMARK; else empty.
        shown_landmark_id: What the application had shown as the answer; empty: that it is unknown.
        suggested_name: What people call it.
        note: Whatever else there is to say.
        location: Where the photo was taken; None: that is not said.
    """

    verdict: QueryVerdict = QueryVerdict.NONE
    landmark_id: str = ""
    shown_landmark_id: str = ""
    suggested_name: str = ""
    note: str = ""
    location: LatLng | None = None


@dataclass(frozen=True)
class QueryDraft:
    """A query that was answered, as long as it is in memory.

    Attributes:
        source: The photo as it came, or its features.
        found: The answer.
        key_id: Of who asked; empty: there was no key.
        request_id: Of the call.
        create_time: UTC; of the answer.
        origin: Why it is kept.
        feedback: Of who sent it, where that is why.
    """

    source: bytes | FeatureSet
    found: Identification
    key_id: str
    request_id: str
    create_time: datetime
    origin: Origin = Origin.QUERY
    feedback: Feedback | None = None

    @property
    def size_bytes(self) -> int:
        """Of memory, about."""
        return len(self.source) if isinstance(self.source, bytes) else self.source.descriptors.nbytes


@dataclass(frozen=True)
class KeptCandidate:
    """A candidate as it was answered.

    Attributes:
        landmark_id: Of the landmark.
        confidence: 0 to 1.
        image_id: Of the reference image that supported it best.
        inliers: Matches that agreed on one geometry.
        matches: All that were tried.
    """

    landmark_id: str
    confidence: float
    image_id: str
    inliers: int
    matches: int


@dataclass(frozen=True)
class KeptQuery:
    """A query that was kept.

    Attributes:
        id: The last segment of ``queries/{id}``; sorts by time.
        create_time: UTC; when it was answered, or feedback came.
        expire_time: UTC; when it goes by itself.
        key_id: Of who asked; empty: there was no key.
        request_id: Of the call.
        identified: Whether it was answered with a landmark.
        candidates: By falling confidence.
        model: Name of the release that served it.
        width: Of the query image, pixels.
        height: Of the query image, pixels.
        feature_count: Features searched with.
        content: What there is of it.
        media_type: Of the photo; empty where there are only features.
        size_bytes: Of the file.
        verdict: What somebody says who looked at it.
        reviewed_landmark_id: What it shows, if the verdict names it; else empty.
        reviewer: Who said so, as in the audit log; empty: nobody has.
        review_time: UTC; None: nobody has.
        image: Ids of landmark and reference image that was made of it; None: there is none.
        origin: Why it is kept.
        feedback: Of who sent it, where that is why; else None.
    """

    id: str
    create_time: datetime
    expire_time: datetime
    key_id: str
    request_id: str
    identified: bool
    candidates: Sequence[KeptCandidate]
    model: str
    width: int
    height: int
    feature_count: int
    content: Content
    media_type: str
    size_bytes: int
    verdict: QueryVerdict = QueryVerdict.NONE
    reviewed_landmark_id: str = ""
    reviewer: str = ""
    review_time: datetime | None = None
    image: tuple[str, str] | None = None
    origin: Origin = Origin.QUERY
    feedback: Feedback | None = None

    @property
    def name(self) -> str:
        """``queries/{id}``."""
        return query_name(self.id)

    @property
    def confidence(self) -> float:
        """Of the first candidate; 0 without one."""
        return self.candidates[0].confidence if self.candidates else 0.0

    @property
    def confirmed_landmark_id(self) -> str:
        """What it shows, as its review confirms; empty: that is not known."""
        if self.verdict is QueryVerdict.RIGHT and self.identified:
            return self.candidates[0].landmark_id
        return self.reviewed_landmark_id


def query_name(query_id: str) -> str:
    """``queries/{query_id}``."""
    return f"queries/{query_id}"
