"""Protocol messages of kept queries and feedback to the SDK's types, and back."""

from __future__ import annotations

from typing import Final

from steeple.client._convert import to_place
from steeple.client._requests import number_of, prefixed
from steeple.client._times import to_time
from steeple.client.review import (
    Feedback,
    KeptCandidate,
    KeptQuery,
    KeptQueryGroup,
    KeptQueryGroups,
    QueryContent,
    QueryOrigin,
    QueryVerdict,
)
from steeple.v1 import review_service_pb2 as api
from steeple.v1.visual_search_service_pb2 import OUTCOME_IDENTIFIED

_ORIGINS: Final = {
    api.KeptQuery.ORIGIN_QUERY: QueryOrigin.QUERY,
    api.KeptQuery.ORIGIN_FEEDBACK: QueryOrigin.FEEDBACK,
    api.KeptQuery.ORIGIN_PROPOSAL: QueryOrigin.PROPOSAL,
    # A server of before there was feedback has no other.
    api.KeptQuery.ORIGIN_UNSPECIFIED: QueryOrigin.QUERY,
}
_CONTENTS: Final = {
    api.KeptQuery.CONTENT_PHOTO: QueryContent.PHOTO,
    api.KeptQuery.CONTENT_FEATURES: QueryContent.FEATURES,
}
_VERDICTS: Final = {
    QueryVerdict.NONE: api.KeptQuery.VERDICT_UNSPECIFIED,
    QueryVerdict.RIGHT: api.KeptQuery.VERDICT_RIGHT,
    QueryVerdict.WRONG: api.KeptQuery.VERDICT_WRONG,
    QueryVerdict.LANDMARK: api.KeptQuery.VERDICT_LANDMARK,
    QueryVerdict.NOT_LANDMARK: api.KeptQuery.VERDICT_NOT_LANDMARK,
}
_VERDICT_OF: Final = {number: verdict for verdict, number in _VERDICTS.items()}


def query_name(query: str | KeptQuery) -> str:
    """``queries/{id}`` of an id, a name or a query."""
    return query.name if isinstance(query, KeptQuery) else prefixed("queries/", query)


def verdict_value(verdict: QueryVerdict | str) -> api.KeptQuery.Verdict.ValueType:
    """The number of a verdict, or of its name.

    Raises:
        InvalidArgumentError: If there is none of that name.
    """
    return number_of(verdict, _VERDICTS, says="a verdict is one of", field="verdict")


def to_kept_query(message: api.KeptQuery) -> KeptQuery:
    """A kept query."""
    return KeptQuery(
        name=message.name,
        create_time=to_time(message.create_time),
        expire_time=to_time(message.expire_time),
        key=message.key,
        request_id=message.request_id,
        identified=message.outcome == OUTCOME_IDENTIFIED,
        candidates=tuple(
            KeptCandidate(one.landmark, one.confidence, one.reference_image, one.inliers, one.matches)
            for one in message.candidates
        ),
        model=message.model,
        width=message.image_width,
        height=message.image_height,
        feature_count=message.feature_count,
        content=_CONTENTS.get(message.content, QueryContent.OTHER),
        media_type=message.media_type,
        size_bytes=message.size_bytes,
        verdict=_VERDICT_OF.get(message.verdict, QueryVerdict.OTHER),
        landmark=message.landmark,
        reviewer=message.reviewer,
        review_time=to_time(message.review_time) if message.HasField("review_time") else None,
        reference_image=message.reference_image,
        origin=_ORIGINS.get(message.origin, QueryOrigin.OTHER),
        feedback=_feedback(message.feedback) if message.HasField("feedback") else None,
    )


def to_kept_query_groups(message: api.GroupKeptQueriesResponse) -> KeptQueryGroups:
    """Kept queries by what they show."""
    return KeptQueryGroups(
        groups=tuple(
            KeptQueryGroup(tuple(map(to_kept_query, group.kept_queries)), group.landmark) for group in message.groups
        ),
        compared=message.compared_count,
        waiting=message.waiting_count,
        unusable=message.unusable_count,
        total_size=message.total_size,
    )


def _feedback(message: api.Feedback) -> Feedback:
    return Feedback(
        verdict=_VERDICT_OF.get(message.verdict, QueryVerdict.OTHER),
        landmark=message.landmark,
        shown_landmark=message.shown_landmark,
        suggested_name=message.suggested_name,
        note=message.note,
        location=to_place(message.location) if message.HasField("location") else None,
    )
