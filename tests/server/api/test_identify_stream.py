"""A camera on a real socket."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc

from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.server.engine import Engine
from steeple.server.identification import Identification
from steeple.server.settings import Settings
from steeple.v1.visual_search_service_pb2 import OUTCOME_IDENTIFIED, IdentifyStreamRequest, Query

MakeFeatures = Callable[..., FeatureSet]
Refused = Callable[[Awaitable[object]], Awaitable[Any]]

STREAM = "/steeple.v1.VisualSearchService/IdentifyStream"


class GatedEngine(Engine):
    """An engine that says when it has begun to identify, and waits to be let."""

    def __init__(self, settings: Settings, stopping: threading.Event) -> None:
        super().__init__(settings, stopping=stopping)
        self.begun = threading.Event()
        self.opened = threading.Event()

    def identify(self, source: FeatureSet | bytes, **how: Any) -> Identification:
        self.begun.set()
        assert self.opened.wait(10)
        return super().identify(source, **how)


class Arrivals(grpc.aio.ServerInterceptor):
    """Says when the server has taken in a number of frames."""

    def __init__(self, expected: int) -> None:
        self._missing = expected
        self.all_in = asyncio.Event()

    async def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        handler = await continuation(handler_call_details)
        if handler_call_details.method != STREAM:
            return handler

        async def counted(requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
            async for request in requests:
                yield request
                self._missing -= 1  # asked for the next: this one is in
                if not self._missing:
                    self.all_in.set()

        async def call(requests: AsyncIterator[Any], context: Any) -> None:
            await handler.stream_stream(counted(requests), context)

        return grpc.stream_stream_rpc_method_handler(call, handler.request_deserializer, handler.response_serializer)


def frame(number: int, features: FeatureSet) -> IdentifyStreamRequest:
    return IdentifyStreamRequest(frame_id=number, query=Query(features=wire.pack(features)))


async def test_frames_that_were_overtaken_are_dropped_and_counted(start: Any, make_features: MakeFeatures) -> None:
    arrivals = Arrivals(6)
    async with start(engine=GatedEngine, interceptors=(arrivals,)) as running:
        engine = await running.server.ready()
        await running.add("big-ben", make_features(1))
        call = running.search.IdentifyStream()
        await call.write(frame(10, make_features(0)))
        assert await asyncio.to_thread(engine.begun.wait, 10)
        for number in (11, 12, 13, 14, 15):  # the last one shows what is in the catalogue
            await call.write(frame(number, make_features(number % 14)))
        await asyncio.wait_for(arrivals.all_in.wait(), 10)
        engine.opened.set()
        await call.done_writing()
        answers = [answer async for answer in call]
    assert [(answer.frame_id, answer.dropped_frames) for answer in answers] == [(10, 4), (15, 4)]
    assert [answer.answer.outcome == OUTCOME_IDENTIFIED for answer in answers] == [False, True]
    assert answers[1].answer.candidates[0].landmark.name == "landmarks/big-ben"


async def test_a_camera_that_waits_for_its_answers_loses_no_frame(running: Any, make_features: MakeFeatures) -> None:
    await running.add("big-ben", make_features(1))
    call = running.search.IdentifyStream()
    for number in range(1, 9):
        await call.write(frame(number, make_features(number % 2)))
        answer = await call.read()
        assert (answer.frame_id, answer.dropped_frames) == (number, 0)
        assert (answer.answer.outcome == OUTCOME_IDENTIFIED) == (number % 2 == 1)
    await call.done_writing()
    assert await call.read() is grpc.aio.EOF


async def test_frame_ids_must_rise(running: Any, refused: Refused, make_features: MakeFeatures) -> None:
    call = running.search.IdentifyStream()
    await call.write(frame(5, make_features(0)))
    assert (await call.read()).frame_id == 5
    await call.write(frame(5, make_features(0)))
    refusal = await refused(call.read())
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.details["BadRequest"].field_violations[0].field == "frame_id"


async def test_a_malformed_frame_ends_the_stream_as_identify_would(
    running: Any, refused: Refused, make_features: MakeFeatures
) -> None:
    for query, reason in (
        (Query(image=b"not an image"), "IMAGE_INVALID"),
        (Query(features=wire.pack(make_features(0, count=0))), "FEATURE_SET_INVALID"),
        (Query(features=wire.pack(make_features(0, model="delf-other"))), "MODEL_MISMATCH"),
        (Query(), "INVALID_ARGUMENT"),
    ):
        call = running.search.IdentifyStream()
        await call.write(IdentifyStreamRequest(frame_id=1, query=query))
        assert (await refused(call.read())).details["ErrorInfo"].reason == reason
    assert await running.ask(make_features(0))


async def test_more_cameras_than_the_server_takes(start: Any, refused: Refused, make_features: MakeFeatures) -> None:
    async with start(max_streams=1) as running:
        first = running.search.IdentifyStream()
        await first.write(frame(1, make_features(0)))
        await first.read()
        second = running.search.IdentifyStream()
        refusal = await refused(second.read())
        assert refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert refusal.details["RetryInfo"].retry_delay.seconds == 1
        await first.done_writing()
        assert await first.read() is grpc.aio.EOF
        third = running.search.IdentifyStream()
        await third.write(frame(1, make_features(0)))
        assert (await third.read()).frame_id == 1
        third.cancel()


async def test_a_camera_is_told_when_the_server_stops(
    start: Any, refused: Refused, make_features: MakeFeatures
) -> None:
    async with start() as running:
        call = running.search.IdentifyStream()
        await call.write(frame(1, make_features(0)))
        await call.read()
        stopping = asyncio.create_task(running.server.stop(60.0))
        refusal = await refused(call.read())
        assert refusal.code is grpc.StatusCode.UNAVAILABLE
        assert "stopping" in refusal.message
        await asyncio.wait_for(stopping, 30)
