"""``steeple.v1.ExplainService``."""

from __future__ import annotations

from typing import Any, Final

import grpc

from steeple.recognition import ExplainedImage, Verdict
from steeple.server import identification
from steeple.server.api import conversion
from steeple.server.api.kinds import explaining, kind_of
from steeple.server.api.names import image_name, model_name
from steeple.server.api.pools import Pool
from steeple.server.api.readiness import Readiness
from steeple.server.api.resources import landmark_message
from steeple.server.api.status import about
from steeple.server.catalogue import Landmark, ReferenceImage
from steeple.v1 import explain_service_pb2, explain_service_pb2_grpc, visual_search_service_pb2

Context = grpc.aio.ServicerContext[Any, Any]

_VERDICTS: Final = {verdict: explain_service_pb2.Verdict.Value(f"VERDICT_{verdict.name}") for verdict in Verdict}


class ExplainService(explain_service_pb2_grpc.ExplainServiceServicer):
    """Tells why a query is answered as it is.

    Args:
        readiness: Where the engine is.
        queries: Threads that extract, search and verify.
    """

    def __init__(self, readiness: Readiness, queries: Pool) -> None:
        self._readiness = readiness
        self._queries = queries

    async def ExplainIdentify(  # noqa: N802
        self, request: explain_service_pb2.ExplainIdentifyRequest, context: Context
    ) -> explain_service_pb2.ExplainIdentifyResponse:
        """What Identify weighs for the same query."""
        explanation = await self._queries.run_as(explaining(kind_of(request.query)), self._explain, request.query)
        return explain_service_pb2.ExplainIdentifyResponse(explanation=explanation)

    def _explain(
        self, query: visual_search_service_pb2.Query
    ) -> explain_service_pb2.Explanation:  # on a thread of the pool, all of it
        engine = self._readiness.engine
        source = conversion.read_source(query, engine.release_of)
        restriction = conversion.read_restriction(query)
        with about(f"query.{query.WhichOneof('source')}"):
            found = engine.explain(source, restriction=restriction)
        return _message(found, include_matches=query.include_matches)


def _message(found: identification.Explanation, *, include_matches: bool) -> explain_service_pb2.Explanation:
    identified, unknown = visual_search_service_pb2.OUTCOME_IDENTIFIED, visual_search_service_pb2.OUTCOME_UNKNOWN
    return explain_service_pb2.Explanation(
        outcome=identified if found.identified else unknown,
        model=model_name(found.model),
        image_width=found.width,
        image_height=found.height,
        feature_count=found.feature_count,
        bias=found.calibration.bias,
        threshold=found.calibration.threshold,
        images=[_image_message(*each, include_matches=include_matches) for each in found.images],
    )


def _image_message(
    image: ReferenceImage, landmark: Landmark, told: ExplainedImage, *, include_matches: bool
) -> explain_service_pb2.ExplainedImage:
    voted = told.voted
    message = explain_service_pb2.ExplainedImage(
        reference_image=image_name(image.landmark_id, image.id),
        landmark=landmark_message(landmark),
        verdict=_VERDICTS[told.verdict],
        votes=voted.votes,
        matches=voted.matches,
        inliers=voted.inliers,
        distinct=voted.distinct,
        evidence=[
            explain_service_pb2.Evidence(
                name=part.name, value=part.value, weight=part.weight, contribution=part.contribution
            )
            for part in told.evidence
        ],
        confidence=told.confidence or 0.0,
        outline=conversion.polygon_message(told.outline),
    )
    if include_matches:
        message.inlier_matches.extend(conversion.match_messages(voted.query_points, voted.reference_points))
    return message
