"""``steeple.v1.VisualSearchService``."""

from __future__ import annotations

import functools
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, Final

import grpc

from steeple.errors import ResourceExhaustedError
from steeple.recognition import Accumulated
from steeple.server.api import conversion
from steeple.server.api.caller import current_caller
from steeple.server.api.kinds import kind_of
from steeple.server.api.metrics import Metrics
from steeple.server.api.names import parse_model
from steeple.server.api.pools import Pool
from steeple.server.api.readiness import Readiness
from steeple.server.api.status import RETRY_DELAY, about
from steeple.server.api.streams import FrameAnswerer, answer_frames
from steeple.server.logs import current_request_id
from steeple.server.review import KeptOfCall
from steeple.v1 import model_pb2, visual_search_service_pb2, visual_search_service_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]

_RETRY_DELAY_SECONDS: Final = "1"


class VisualSearchService(visual_search_service_pb2_grpc.VisualSearchServiceServicer):
    """Names the landmark in a photo.

    Args:
        readiness: Where the engine is.
        queries: Threads that extract, search and verify.
        metrics: Where stages are measured.
        limits: What is taken in a request.
        max_streams: Cameras connected at once.
    """

    def __init__(
        self,
        readiness: Readiness,
        queries: Pool,
        metrics: Metrics,
        limits: model_pb2.RequestLimits,
        *,
        max_streams: int,
    ) -> None:
        self._limits = limits
        self._readiness = readiness
        self._queries = queries
        self._metrics = metrics
        self._max_streams = max_streams
        self._streams = 0

    async def Identify(  # noqa: N802
        self, request: visual_search_service_pb2.IdentifyRequest, context: Context
    ) -> visual_search_service_pb2.IdentifyResponse:
        """Answers one query."""
        arrival = time.perf_counter()
        keeping = self._keeping()
        answer, _ = await self._queries.run_as(kind_of(request.query), self._answer, keeping, request.query, arrival)
        keeping.close()
        return visual_search_service_pb2.IdentifyResponse(answer=answer)

    async def IdentifyStream(  # noqa: N802
        self, request_iterator: AsyncIterator[visual_search_service_pb2.IdentifyStreamRequest], context: Context
    ) -> AsyncIterator[visual_search_service_pb2.IdentifyStreamResponse]:
        """Answers a camera."""
        if self._streams >= self._max_streams:
            raise ResourceExhaustedError(
                f"the server is at its limit of {self._max_streams} cameras; try again shortly",
                **{RETRY_DELAY: _RETRY_DELAY_SECONDS},
            )
        self._streams += 1
        keeping = self._keeping()
        answerer = functools.partial(self._answerer, keeping)
        try:
            answers = answer_frames(request_iterator, answerer, self._queries, self._readiness)
            async with aclosing(answers):
                async for answer in answers:
                    yield answer
        finally:
            self._streams -= 1
            keeping.close()

    async def GetModel(  # noqa: N802
        self, request: visual_search_service_pb2.GetModelRequest, context: Context
    ) -> visual_search_service_pb2.GetModelResponse:
        """The release of that name."""
        release = self._readiness.engine.model(parse_model(request.name))
        default = release is self._readiness.engine.release
        return visual_search_service_pb2.GetModelResponse(model=conversion.model_message(release, default=default))

    async def ListModels(  # noqa: N802
        self, request: visual_search_service_pb2.ListModelsRequest, context: Context
    ) -> visual_search_service_pb2.ListModelsResponse:
        """The releases served, the default first."""
        served = self._readiness.engine.models()
        models = [conversion.model_message(one, default=one is served[0]) for one in served]
        return visual_search_service_pb2.ListModelsResponse(models=models, limits=self._limits)

    def _keeping(self) -> KeptOfCall:
        return self._readiness.engine.review.keeper.call(current_caller().key_id, current_request_id())

    def _answerer(self, keeping: KeptOfCall) -> FrameAnswerer:
        return functools.partial(self._answer, keeping, so_far=Accumulated())

    def _answer(
        self,
        keeping: KeptOfCall,
        query: visual_search_service_pb2.Query,
        arrival: float,
        last: bool = True,
        so_far: Accumulated | None = None,
    ) -> tuple[visual_search_service_pb2.Answer, bool]:  # on a thread of the pool, all of it
        engine = self._readiness.engine
        source = conversion.read_source(query, engine.release_of)
        max_candidates = conversion.read_max_candidates(query)
        restriction = conversion.read_restriction(query)
        with about(f"query.{query.WhichOneof('source')}"):
            found = engine.identify(source, max_candidates=max_candidates, restriction=restriction, so_far=so_far)
        self._metrics.worked(found)
        if so_far is not None and so_far.features is not None and not isinstance(source, bytes):
            source = so_far.features
        keeping.answered(source, found, no_keep=query.no_keep, frame=so_far)
        # A provisional answer goes without: they take time, and would cost a slow link more than they are worth.
        wanted = query.include_thumbnails and (last or found.certain)
        shown = found.candidates[: conversion.MAX_THUMBNAILS] if wanted else ()
        small = [engine.ingest.thumbnails.if_there(candidate.image) for candidate in shown]
        answer = conversion.answer_message(
            found,
            include_matches=query.include_matches,
            total_seconds=time.perf_counter() - arrival,
            thumbnails=small,
        )
        return answer, found.certain
