"""Request ids: in the log, in the trailing metadata of every answer, and in the details of errors."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

import grpc
import pytest

from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.server.api.pools import Pool
from steeple.server.logs import JsonFormatter, current_request_id, within_request
from steeple.v1.catalog_service_pb2 import GetLandmarkRequest
from steeple.v1.visual_search_service_pb2 import IdentifyRequest, IdentifyStreamRequest, ListModelsRequest, Query

MakeFeatures = Callable[..., FeatureSet]

MADE = re.compile(r"[0-9a-f]{16}")


async def trailer(call: Any) -> str:
    await call
    return str(dict(await call.trailing_metadata())["x-request-id"])


async def test_an_id_comes_back(running: Any) -> None:
    call = running.search.ListModels(ListModelsRequest(), metadata=(("x-request-id", "phone-7/42"),))
    assert await trailer(call) == "phone-7/42"


async def test_a_call_without_one_gets_another_each_time(running: Any) -> None:
    made = {await trailer(running.search.ListModels(ListModelsRequest())) for _ in range(3)}
    assert len(made) == 3
    assert all(MADE.fullmatch(one) for one in made)


@pytest.mark.parametrize("bad", ["two words", "x" * 129, ""])
async def test_what_cannot_be_an_id_is_replaced(running: Any, bad: str) -> None:
    made = await trailer(running.search.ListModels(ListModelsRequest(), metadata=(("x-request-id", bad),)))
    assert MADE.fullmatch(made)


async def test_errors_carry_it_twice(running: Any, refused: Any) -> None:
    call = running.catalog.GetLandmark(
        GetLandmarkRequest(name="landmarks/nowhere"), metadata=(("x-request-id", "abc"),)
    )
    refusal = await refused(call)
    assert refusal.code is grpc.StatusCode.NOT_FOUND
    assert refusal.details["RequestInfo"].request_id == "abc"
    assert dict(await call.trailing_metadata())["x-request-id"] == "abc"


async def test_streams_carry_it(running: Any, make_features: MakeFeatures) -> None:
    request = IdentifyStreamRequest(frame_id=1, query=Query(features=wire.pack(make_features(0))))
    call = running.search.IdentifyStream(iter([request]), metadata=(("x-request-id", "camera"),))
    assert [answer.frame_id async for answer in call] == [1]
    assert dict(await call.trailing_metadata())["x-request-id"] == "camera"


async def test_every_line_of_a_request_has_it(
    running: Any, make_features: MakeFeatures, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []

    class Formatted(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(JsonFormatter().format(record))

    logger = logging.getLogger("steeple")
    handler = Formatted()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        engine = await running.server.ready()

        def broken(*_: Any, **__: Any) -> None:  # on a thread of the pool
            logging.getLogger("steeple.deep").info("deep inside")
            raise RuntimeError("broken")

        monkeypatch.setattr(engine, "identify", broken)
        call = running.search.Identify(
            IdentifyRequest(query=Query(features=wire.pack(make_features(0)))), metadata=(("x-request-id", "abc"),)
        )
        with pytest.raises(grpc.aio.AioRpcError):
            await call
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    assert len(lines) == 2
    assert all('"request_id": "abc"' in line for line in lines)


async def test_work_on_a_thread_belongs_to_the_request() -> None:
    pool = Pool("pieces", threads=1, capacity=1)
    with within_request("abc"):
        assert await pool.run(current_request_id) == "abc"
    assert await pool.run(current_request_id) == ""
    pool.close()
