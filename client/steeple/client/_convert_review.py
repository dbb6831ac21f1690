"""Protocol messages of kept queries to the SDK's types, and back."""

from __future__ import annotations

from typing import Final

from steeple.client._times import to_time
from steeple.client.review import KeptCandidate, KeptQuery, QueryContent, QueryVerdict
from steeple.errors import InvalidArgumentError
from steeple.v1 import review_service_pb2 as api
from steeple.v1.visual_search_service_pb2 import OUTCOME_IDENTIFIED

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


def query_name(query: str | KeptQuery) -> str:
    """``queries/{id}`` of an id, a name or a query."""
    if isinstance(query, KeptQuery):
        return query.name
    return query if query.startswith("queries/") else f"queries/{query}"


def verdict_value(verdict: QueryVerdict | str) -> api.KeptQuery.Verdict.ValueType:
    """The number of a verdict, or of its name.

    Raises:
        InvalidArgumentError: If there is none of that name.
    """
    try:
        return _VERDICTS[QueryVerdict(verdict)]
    except (ValueError, KeyError):
        names = ", ".join(known.value for known in _VERDICTS)
        raise InvalidArgumentError(f"a verdict is one of {names}, not {verdict!r}", field="verdict") from None


def to_kept_query(message: api.KeptQuery) -> KeptQuery:
    """A kept query."""
    verdicts = {value: verdict for verdict, value in _VERDICTS.items()}
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
        verdict=verdicts.get(message.verdict, QueryVerdict.OTHER),
        landmark=message.landmark,
        reviewer=message.reviewer,
        review_time=to_time(message.review_time) if message.HasField("review_time") else None,
        reference_image=message.reference_image,
    )
