"""``steeple.v1.FeedbackService``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import grpc

from steeple.delf.features import FeatureSet
from steeple.server.api import conversion
from steeple.server.api.caller import current_caller
from steeple.server.api.kinds import kind_of, kind_of_photo
from steeple.server.api.names import parse_landmark
from steeple.server.api.pools import Pool
from steeple.server.api.readiness import Readiness
from steeple.server.api.review import read_verdict
from steeple.server.api.status import about
from steeple.server.identification import Identification
from steeple.server.logs import current_request_id
from steeple.server.review import Feedback, Origin, query_name
from steeple.v1 import feedback_service_pb2 as api
from steeple.v1 import feedback_service_pb2_grpc
from steeple.v1.review_service_pb2 import Feedback as FeedbackMessage
from steeple.v1.visual_search_service_pb2 import Query

Context = grpc.aio.ServicerContext[Any, Any]

_FIELDS: Final = ("verdict", "landmark", "suggested_name", "note", "location")


class FeedbackService(feedback_service_pb2_grpc.FeedbackServiceServicer):
    """Takes what people who point the camera have to say.

    Args:
        readiness: Where the engine is.
        queries: Threads that extract, search and verify.
    """

    def __init__(self, readiness: Readiness, queries: Pool) -> None:
        self._readiness = readiness
        self._queries = queries

    async def SendFeedback(  # noqa: N802
        self, request: api.SendFeedbackRequest, context: Context
    ) -> api.SendFeedbackResponse:
        """Says whether an answer was right."""
        query_id = await self._queries.run_as(kind_of(request.query), self._send, request)
        return api.SendFeedbackResponse(name=query_name(query_id))

    async def ProposePhoto(  # noqa: N802
        self, request: api.ProposePhotoRequest, context: Context
    ) -> api.ProposePhotoResponse:
        """Proposes a photo for the catalogue."""
        query_id = await self._queries.run_as(kind_of_photo(request.image), self._propose, request)
        return api.ProposePhotoResponse(name=query_name(query_id))

    def _send(self, request: api.SendFeedbackRequest) -> str:  # on a thread of the pool, as what follows
        query = request.query
        source = conversion.read_source(query, self._readiness.engine.release_of)
        feedback = _read_feedback(request.feedback)
        answer = self._answerer(query, source, f"query.{query.WhichOneof('source')}")
        with conversion.within("feedback", _FIELDS):
            return self._take(source, feedback, answer, Origin.FEEDBACK, request.request_id)

    def _propose(self, request: api.ProposePhotoRequest) -> str:
        feedback = Feedback(
            suggested_name=request.suggested_name,
            note=request.note,
            location=conversion.read_location(request),
        )
        answer = self._answerer(Query(), request.image, "image")
        return self._take(request.image, feedback, answer, Origin.PROPOSAL, request.request_id)

    def _answerer(self, query: Query, source: bytes | FeatureSet, field: str) -> Callable[[], Identification]:
        max_candidates = conversion.read_max_candidates(query)
        restriction = conversion.read_restriction(query)

        def answer() -> Identification:
            with about(field):
                return self._readiness.engine.identify(
                    source, max_candidates=max_candidates, restriction=restriction, counted=False
                )

        return answer

    def _take(
        self,
        source: bytes | FeatureSet,
        feedback: Feedback,
        answer: Callable[[], Identification],
        origin: Origin,
        request_id: str,
    ) -> str:
        return self._readiness.engine.review.feedback.take(
            source,
            feedback,
            answer,
            origin=origin,
            key_id=current_caller().key_id,
            call_id=current_request_id(),
            request_id=request_id,
        )


def _read_feedback(message: FeedbackMessage) -> Feedback:
    landmark, shown = message.landmark, message.shown_landmark
    return Feedback(
        verdict=read_verdict(message.verdict, "feedback.verdict"),
        landmark_id=parse_landmark(landmark, "feedback.landmark") if landmark else "",
        shown_landmark_id=parse_landmark(shown, "feedback.shown_landmark") if shown else "",
        suggested_name=message.suggested_name,
        note=message.note,
        location=conversion.read_location(message),
    )
