"""What only the asynchronous client has: tasks that are cancelled."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator

import pytest

from steeple.client import AsyncClient
from steeple.delf.features import FeatureSet

from .peer import PATIENCE, Peer


async def test_cancelling_a_task_cancels_its_call(peer: Peer, target: str, features: FeatureSet) -> None:
    peer.script("Identify", peer.blocked)
    async with AsyncClient(target) as client:
        call = asyncio.create_task(client.identify(features))
        assert await asyncio.to_thread(peer.entered.wait, PATIENCE)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await asyncio.to_thread(peer.cancelled.wait, PATIENCE)


async def test_a_timeout_of_asyncio_is_its_own(peer: Peer, target: str, features: FeatureSet) -> None:
    peer.script("Identify", peer.blocked)
    async with AsyncClient(target) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await client.identify(features)
        assert await asyncio.to_thread(peer.cancelled.wait, PATIENCE)


async def test_many_calls_at_once(target: str, features: FeatureSet) -> None:
    async with AsyncClient(target) as client:
        answers = await asyncio.gather(*(client.identify(features.best(count)) for count in range(25)))
    assert [answer.feature_count for answer in answers] == list(range(25))


async def test_leaving_early_ends_a_camera_that_waits(peer: Peer, target: str, features: FeatureSet) -> None:
    ended = asyncio.Event()

    async def camera() -> AsyncIterator[FeatureSet]:
        try:
            yield features
            await asyncio.Event().wait()  # for ever
        finally:
            ended.set()

    async with AsyncClient(target) as client:
        async for _ in client.identify_stream(camera()):
            break
        async with asyncio.timeout(PATIENCE):
            await ended.wait()
        assert await asyncio.to_thread(peer.cancelled.wait, PATIENCE)
    gc.collect()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_error_of_the_server_ends_a_camera_that_waits(peer: Peer, target: str, features: FeatureSet) -> None:
    ended = asyncio.Event()

    async def camera() -> AsyncIterator[FeatureSet]:
        try:
            yield features
            await asyncio.Event().wait()
        finally:
            ended.set()

    peer.script("IdentifyStream", lambda *_: iter(()))
    async with AsyncClient(target) as client:
        assert [answer async for answer in client.identify_stream(camera())] == []
        async with asyncio.timeout(PATIENCE):
            await ended.wait()
