"""Short queries on a real socket: answered like long ones, and in parts until the answer is certain."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

from steeple.delf import Extractor, FeatureSet, ModelRelease, compact
from steeple.v1.features_pb2 import CompactFeatureSet
from steeple.v1.visual_search_service_pb2 import (
    OUTCOME_IDENTIFIED,
    OUTCOME_UNKNOWN,
    IdentifyRequest,
    IdentifyStreamRequest,
    Query,
)
from tests.scenes import scene


@pytest.fixture(scope="module")
def release() -> ModelRelease:
    return ModelRelease.load()


@pytest.fixture(scope="module")
def views(release: ModelRelease) -> list[FeatureSet]:
    extractor = Extractor(release)
    return [extractor.extract(scene(number)) for number in range(3)]


async def test_four_kilobytes_name_what_forty_six_do(
    start: Any, release: ModelRelease, views: list[FeatureSet]
) -> None:
    async with start() as running:
        await running.server.ready()
        await running.add("big-ben", views[0])
        await running.add("the-bell", views[1])
        for number, name in ((0, "big-ben"), (1, "the-bell")):
            query = Query(compact_features=compact.pack(views[number], release, 4000), include_matches=True)
            request = IdentifyRequest(query=query)
            assert request.ByteSize() <= 4096
            answer = (await running.search.Identify(request)).answer
            assert answer.outcome == OUTCOME_IDENTIFIED
            best = answer.candidates[0]
            assert best.landmark.name == f"landmarks/{name}"
            offsets = [
                max(abs(match.query.x - match.reference.x), abs(match.query.y - match.reference.y))
                for match in best.inlier_matches
            ]
            assert sorted(offsets)[len(offsets) // 2] < 2.0  # the same picture: a match is of one place
        stranger = Query(compact_features=compact.pack(views[2], release, 4000))
        assert (await running.search.Identify(IdentifyRequest(query=stranger))).answer.outcome == OUTCOME_UNKNOWN


async def test_parts_end_when_the_server_is_certain(start: Any, release: ModelRelease, views: list[FeatureSet]) -> None:
    async with start() as running:
        await running.server.ready()
        await running.add("big-ben", views[0], "one")
        await running.add_image("big-ben", views[0], "two")
        for number, certain in ((0, True), (2, False)):
            parts = compact.pack_parts(views[number], release, [450, 450, 950, 1950])
            call = running.search.IdentifyStream()
            sizes, provisional = [], True
            for place, part in enumerate(parts):
                more = place < len(parts) - 1
                await call.write(IdentifyStreamRequest(frame_id=1, query=Query(compact_features=part), more=more))
                response = await call.read()
                sizes.append(response.answer.feature_count)
                provisional = response.provisional
                if not provisional:
                    break
            assert not provisional
            assert (len(sizes) < len(parts)) == certain
            assert sizes == sorted(sizes)
            assert (response.answer.outcome == OUTCOME_IDENTIFIED) == certain
            # What is still on its way when the answer is certain is ignored, and the next frame is not.
            if certain:
                await call.write(IdentifyStreamRequest(frame_id=1, query=Query(compact_features=parts[-1])))
            await call.write(IdentifyStreamRequest(frame_id=2, query=Query(compact_features=parts[0])))
            await call.done_writing()
            last = await call.read()
            assert (last.frame_id, last.provisional) == (2, False)
            assert await call.read() is grpc.aio.EOF


@pytest.mark.parametrize(
    ("broken", "code", "text"),
    [
        ({"model": "models/delf-base"}, "FAILED_PRECONDITION", "does not serve"),
        ({"model": "delf-lite2-v1"}, "INVALID_ARGUMENT", "models/{model}"),
        ({"code_size": 99}, "INVALID_ARGUMENT", "code_size"),
        ({"cells": b"\xff"}, "INVALID_ARGUMENT", "cells end after"),
    ],
)
async def test_what_is_malformed_is_refused(
    start: Any, release: ModelRelease, views: list[FeatureSet], broken: dict[str, Any], code: str, text: str
) -> None:
    message = compact.pack(views[0], release, 512)
    for name, value in broken.items():
        setattr(message, name, value)
    async with start() as running:
        await running.server.ready()
        with pytest.raises(grpc.aio.AioRpcError, match=text) as caught:
            await running.search.Identify(IdentifyRequest(query=Query(compact_features=message)))
        assert caught.value.code() == grpc.StatusCode[code]


async def test_parts_of_different_images_are_refused(
    start: Any, release: ModelRelease, views: list[FeatureSet]
) -> None:
    first, second = compact.pack_parts(views[0], release, [512, 512])
    other = CompactFeatureSet.FromString(second.SerializeToString())
    other.image_width = 700
    async with start() as running:
        await running.server.ready()
        await running.add("big-ben", views[0])
        call = running.search.IdentifyStream()
        await call.write(IdentifyStreamRequest(frame_id=1, query=Query(compact_features=first), more=True))
        response = await call.read()
        if response.provisional:
            await call.write(IdentifyStreamRequest(frame_id=1, query=Query(compact_features=other)))
            with pytest.raises(grpc.aio.AioRpcError, match="do not go together"):
                await call.read()
