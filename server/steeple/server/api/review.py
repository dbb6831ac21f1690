"""``steeple.v1.ReviewService``."""

from __future__ import annotations

from typing import Any, Final

import grpc

from steeple.delf import wire
from steeple.errors import InvalidArgumentError
from steeple.server.access.records import key_name
from steeple.server.api.conversion import read_landmark_draft, within
from steeple.server.api.kinds import GROUPING, THUMBNAIL
from steeple.server.api.names import (
    check_chosen_id,
    image_name,
    landmark_name,
    model_name,
    parse_key,
    parse_landmark,
    parse_query,
)
from steeple.server.api.pools import Pool
from steeple.server.api.readiness import Readiness
from steeple.server.api.resources import duplicate_message, image_message, read_duplicate_policy, timestamp
from steeple.server.api.status import FIELD
from steeple.server.catalogue import LandmarkDraft
from steeple.server.catalogue.limits import checked_landmark_draft
from steeple.server.catalogue.pages import ListRequest
from steeple.server.review import Content, Feedback, KeptQuery, Origin, QueryVerdict, Review
from steeple.v1 import review_service_pb2 as api
from steeple.v1 import review_service_pb2_grpc
from steeple.v1.landmark_pb2 import LatLng
from steeple.v1.visual_search_service_pb2 import OUTCOME_IDENTIFIED, OUTCOME_UNKNOWN

Context = grpc.aio.ServicerContext[Any, Any]

_ORIGINS: Final = {
    Origin.QUERY: api.KeptQuery.ORIGIN_QUERY,
    Origin.FEEDBACK: api.KeptQuery.ORIGIN_FEEDBACK,
    Origin.PROPOSAL: api.KeptQuery.ORIGIN_PROPOSAL,
}
_CONTENTS: Final = {
    Content.PHOTO: api.KeptQuery.CONTENT_PHOTO,
    Content.FEATURES: api.KeptQuery.CONTENT_FEATURES,
}
_VERDICTS: Final = {
    QueryVerdict.NONE: api.KeptQuery.VERDICT_UNSPECIFIED,
    QueryVerdict.RIGHT: api.KeptQuery.VERDICT_RIGHT,
    QueryVerdict.WRONG: api.KeptQuery.VERDICT_WRONG,
    QueryVerdict.LANDMARK: api.KeptQuery.VERDICT_LANDMARK,
    QueryVerdict.NOT_LANDMARK: api.KeptQuery.VERDICT_NOT_LANDMARK,
}


class ReviewService(review_service_pb2_grpc.ReviewServiceServicer):
    """Looks through kept queries.

    Args:
        readiness: Where the engine, and so the queries, are.
        calls: Threads for what only reads and writes the catalogue.
        queries: Threads that decode and extract, shared with the queries.
    """

    def __init__(self, readiness: Readiness, calls: Pool, queries: Pool) -> None:
        self._readiness = readiness
        self._calls = calls
        self._queries = queries

    async def ListKeptQueries(  # noqa: N802
        self, request: api.ListKeptQueriesRequest, context: Context
    ) -> api.ListKeptQueriesResponse:
        """Kept queries, a page at a time."""
        asked = ListRequest(request.page_size, request.page_token, request.filter, request.order_by)
        page = await self._calls.run(self._review.list, asked)
        return api.ListKeptQueriesResponse(
            kept_queries=[_message(query) for query in page.items],
            next_page_token=page.next_page_token,
            total_size=page.total_size,
        )

    async def GetKeptQuery(  # noqa: N802
        self, request: api.GetKeptQueryRequest, context: Context
    ) -> api.GetKeptQueryResponse:
        """A kept query by name."""
        query = await self._calls.run(self._review.get, parse_query(request.name))
        return api.GetKeptQueryResponse(kept_query=_message(query))

    async def DownloadKeptQuery(  # noqa: N802
        self, request: api.DownloadKeptQueryRequest, context: Context
    ) -> api.DownloadKeptQueryResponse:
        """What was searched with."""
        query, source = await self._calls.run(self._review.source, parse_query(request.name))
        if isinstance(source, bytes):
            return api.DownloadKeptQueryResponse(image=source, media_type=query.media_type)
        return api.DownloadKeptQueryResponse(features=wire.pack(source))

    async def GetKeptQueryThumbnail(  # noqa: N802
        self, request: api.GetKeptQueryThumbnailRequest, context: Context
    ) -> api.GetKeptQueryThumbnailResponse:
        """The photo made small."""
        # On a thread that extracts: decoding a photo takes memory, and so may not be done by many at once.
        image = await self._queries.run_as(THUMBNAIL, self._review.thumbnail, parse_query(request.name))
        return api.GetKeptQueryThumbnailResponse(image=image)

    async def ReviewQuery(  # noqa: N802
        self, request: api.ReviewQueryRequest, context: Context
    ) -> api.ReviewQueryResponse:
        """Says what a query shows."""
        query = await self._calls.run(
            self._review.review,
            parse_query(request.name),
            read_verdict(request.verdict, "verdict"),
            parse_landmark(request.landmark, "landmark") if request.landmark else "",
        )
        return api.ReviewQueryResponse(kept_query=_message(query))

    async def PromoteQuery(  # noqa: N802
        self, request: api.PromoteQueryRequest, context: Context
    ) -> api.PromoteQueryResponse:
        """Makes a reference image of a query."""
        query, image = await self._queries.run(
            self._review.promote,
            parse_query(request.name),
            image_id=check_chosen_id(request.reference_image_id, "reference_image_id"),
            metadata=dict(request.metadata),
            duplicate_policy=read_duplicate_policy(request.duplicate_policy),
            request_id=request.request_id,
            new_landmark=_read_new_landmark(request),
            landmark_id=check_chosen_id(request.landmark_id, "landmark_id"),
        )
        return api.PromoteQueryResponse(
            kept_query=_message(query),
            reference_image=image_message(image),
            duplicates=[duplicate_message(duplicate) for duplicate in image.duplicates],
        )

    async def EraseQueries(  # noqa: N802
        self, request: api.EraseQueriesRequest, context: Context
    ) -> api.EraseQueriesResponse:
        """Erases queries for good."""
        erased = await self._calls.run(
            self._review.erase,
            names=[parse_query(name, "names") for name in request.names],
            key_id=parse_key(request.key, "key") if request.key else "",
            filter=request.filter,
            every=request.all,
        )
        return api.EraseQueriesResponse(erased_count=erased)

    async def GroupKeptQueries(  # noqa: N802
        self, request: api.GroupKeptQueriesRequest, context: Context
    ) -> api.GroupKeptQueriesResponse:
        """Queries that show the same."""
        found = await self._queries.run_as(
            GROUPING, self._readiness.engine.query_groups.group, request.filter, request.max_queries
        )
        return api.GroupKeptQueriesResponse(
            groups=[
                api.KeptQueryGroup(
                    kept_queries=[_message(query) for query in group.queries],
                    landmark=landmark_name(group.landmark_id) if group.landmark_id else "",
                )
                for group in found.groups
            ],
            compared_count=found.compared,
            waiting_count=found.waiting,
            unusable_count=found.unusable,
            total_size=found.total_size,
        )

    @property
    def _review(self) -> Review:
        return self._readiness.engine.review


def read_verdict(given: int, field: str) -> QueryVerdict:
    """A verdict.

    Args:
        given: Its number.
        field: Of the request, that has it.

    Raises:
        InvalidArgumentError: If there is none of that number.
    """
    for verdict, value in _VERDICTS.items():
        if given == value:
            return verdict
    names = ", ".join(api.KeptQuery.Verdict.Name(value) for value in _VERDICTS.values())
    raise InvalidArgumentError(f"{field} must be one of {names}, not {given}", **{FIELD: field})


def _read_new_landmark(request: api.PromoteQueryRequest) -> LandmarkDraft | None:
    if not request.HasField("new_landmark"):
        return None
    with within("new_landmark"):
        return checked_landmark_draft(read_landmark_draft(request.new_landmark))


def _message(query: KeptQuery) -> api.KeptQuery:
    return api.KeptQuery(
        name=query.name,
        create_time=timestamp(query.create_time),
        expire_time=timestamp(query.expire_time),
        key=key_name(query.key_id) if query.key_id else "",
        request_id=query.request_id,
        outcome=OUTCOME_IDENTIFIED if query.identified else OUTCOME_UNKNOWN,
        candidates=[
            api.KeptCandidate(
                landmark=landmark_name(candidate.landmark_id),
                confidence=candidate.confidence,
                reference_image=image_name(candidate.landmark_id, candidate.image_id),
                inliers=candidate.inliers,
                matches=candidate.matches,
            )
            for candidate in query.candidates
        ],
        model=model_name(query.model),
        image_width=query.width,
        image_height=query.height,
        feature_count=query.feature_count,
        content=_CONTENTS[query.content],
        media_type=query.media_type,
        size_bytes=query.size_bytes,
        verdict=_VERDICTS[query.verdict],
        landmark=landmark_name(query.reviewed_landmark_id) if query.reviewed_landmark_id else "",
        reviewer=query.reviewer,
        review_time=timestamp(query.review_time),
        reference_image=image_name(*query.image) if query.image else "",
        origin=_ORIGINS[query.origin],
        feedback=None if query.feedback is None else _feedback_message(query.feedback),
    )


def _feedback_message(feedback: Feedback) -> api.Feedback:
    location = feedback.location
    return api.Feedback(
        verdict=_VERDICTS[feedback.verdict],
        landmark=landmark_name(feedback.landmark_id) if feedback.landmark_id else "",
        shown_landmark=landmark_name(feedback.shown_landmark_id) if feedback.shown_landmark_id else "",
        suggested_name=feedback.suggested_name,
        note=feedback.note,
        location=None if location is None else LatLng(latitude=location.latitude, longitude=location.longitude),
    )
