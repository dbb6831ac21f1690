"""Identifications are counted per key, and a quota ends them, one by one and in streams."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest

from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.server.access import Credential, Limits, MonthlyUsage, NewKey, Scope
from steeple.v1.visual_search_service_pb2 import IdentifyRequest, IdentifyStreamRequest, Query

from .conftest import Refused, Running, Start
from .test_access import bearer, make_key

MakeFeatures = Callable[..., FeatureSet]


@pytest.fixture
async def closed(start: Start, make_features: MakeFeatures) -> AsyncIterator[Running]:
    """A server that asks for keys, with one landmark."""
    async with start(access="keys") as server:
        await server.add("tower", make_features(1), metadata=bearer((await make_key(server, Scope.EDITOR)).secret))
        yield server


def query(features: FeatureSet) -> Query:
    return Query(features=wire.pack(features))


async def usage(running: Running, key: NewKey) -> tuple[tuple[int, int], ...]:
    keyring = (await running.server.ready()).keyring
    keyring.flush()
    months: tuple[MonthlyUsage, ...] = keyring.store.get(key.key.id).usage
    return tuple((month.identified, month.unknown) for month in months)


async def test_answers_are_counted_and_failures_are_not(
    closed: Running, make_features: MakeFeatures, refused: Refused
) -> None:
    key = await make_key(closed, Scope.DEVICE, limits=Limits(monthly_identifications=3))
    metadata = bearer(key.secret)

    def ask(features: FeatureSet) -> Any:
        return closed.search.Identify(IdentifyRequest(query=query(features)), metadata=metadata)

    await ask(make_features(1))
    await refused(closed.search.Identify(IdentifyRequest(), metadata=metadata))
    await ask(make_features(2))
    assert await usage(closed, key) == ((1, 1),)
    await ask(make_features(1))
    found = await refused(ask(make_features(1)))
    assert found.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert found.details["ErrorInfo"].metadata["limit"] == "monthly_identifications"
    assert found.details["RetryInfo"].retry_delay.seconds <= 31 * 86400
    assert await usage(closed, key) == ((2, 1),)


async def stream(running: Running, key: NewKey, requests: list[IdentifyStreamRequest]) -> list[object]:
    """Whether each answer was provisional, and the status if it is not OK; requests wait for the answer before."""
    call: Any = running.search.IdentifyStream(metadata=bearer(key.secret))
    answers: list[object] = []
    try:
        for request in requests:
            await call.write(request)
            answers.append((await call.read()).provisional)
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF
    except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
        answers.append(await call.code())
    return answers


async def test_frames_of_a_stream_are_counted_and_end_with_the_quota(
    closed: Running, make_features: MakeFeatures
) -> None:
    key = await make_key(closed, Scope.DEVICE, limits=Limits(monthly_identifications=3))
    frames = [IdentifyStreamRequest(frame_id=number, query=query(make_features(1 + number))) for number in range(5)]
    assert await stream(closed, key, frames[:2]) == [False, False]
    assert await usage(closed, key) == ((1, 1),)
    assert await stream(closed, key, frames) == [False, grpc.StatusCode.RESOURCE_EXHAUSTED]
    assert await usage(closed, key) == ((2, 1),)
    assert await stream(closed, key, frames) == [grpc.StatusCode.RESOURCE_EXHAUSTED]


async def test_a_frame_in_parts_is_counted_once_even_if_it_is_never_finished(
    closed: Running, make_features: MakeFeatures
) -> None:
    key = await make_key(closed, Scope.DEVICE)
    parts = [
        IdentifyStreamRequest(frame_id=number, query=query(make_features(5 + number)), more=True)
        for number in (0, 0, 1, 2, 2)
    ]
    assert await stream(closed, key, parts) == [True] * 5
    assert await usage(closed, key) == ((0, 3),)


async def test_a_stream_ends_with_its_key(closed: Running, make_features: MakeFeatures) -> None:
    key = await make_key(closed, Scope.DEVICE)
    call: Any = closed.search.IdentifyStream(metadata=bearer(key.secret))
    await call.write(IdentifyStreamRequest(frame_id=0, query=query(make_features(1))))
    assert (await call.read()).frame_id == 0
    keyring = (await closed.server.ready()).keyring
    keyring.store.revoke(key.key.id)
    keyring.reload()
    await call.write(IdentifyStreamRequest(frame_id=1, query=query(make_features(1))))
    with pytest.raises(grpc.aio.AioRpcError, match="was revoked"):
        await call.read()
    assert await call.code() is grpc.StatusCode.UNAUTHENTICATED
    assert await usage(closed, key) == ((1, 0),)


async def test_a_stream_goes_no_faster_than_its_key_may(closed: Running, make_features: MakeFeatures) -> None:
    key = await make_key(closed, Scope.DEVICE, limits=Limits(requests_per_second=100, burst=2))
    keyring = (await closed.server.ready()).keyring
    waits: list[float] = []
    take = keyring.take

    def noted(key: Credential) -> float:
        waits.append(take(key))
        return waits[-1]

    keyring.take = noted  # type: ignore[method-assign]
    keyring._seconds = itertools.count(0, 0.002).__next__  # a fifth of a token from one look at the clock to the next
    frames = [IdentifyStreamRequest(frame_id=number, query=query(make_features(1))) for number in range(6)]
    assert await stream(closed, key, frames) == [False] * 6
    # The call and each of the six frames take a token. Two are there at first, and one comes with every five looks.
    assert sum(wait == 0.0 for wait in waits) == 7
    assert 20 <= len(waits) <= 30
