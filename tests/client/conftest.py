from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from steeple.delf.features import FeatureSet

from .harness import AsyncHarness, Harness, SyncHarness
from .peer import Peer


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    server = peer.start()
    yield peer
    peer.gate.set()
    server.stop(0).wait()


@pytest.fixture(params=[SyncHarness, AsyncHarness], ids=["Client", "AsyncClient"])
def harness(request: pytest.FixtureRequest) -> Iterator[Harness]:
    harness = request.param()
    yield harness
    harness.close()


@pytest.fixture
def target(peer: Peer) -> str:
    return f"127.0.0.1:{peer.port}"


@pytest.fixture
def client(harness: Harness, target: str) -> Any:
    return harness.client(target)


def make_features(count: int = 25, width: int = 640, height: int = 480, seed: int = 1) -> FeatureSet:
    random = np.random.default_rng(seed)
    return FeatureSet(
        model="delf-lite2-v1",
        width=width,
        height=height,
        descriptors=random.integers(-127, 128, (count, 40)).astype(np.int8),
        keypoints=(random.random((count, 2)) * [width - 1, height - 1]).astype(np.float32),
        scales=np.exp2(random.random(count) * 4 - 1).astype(np.float32),
        scores=np.sort(random.random(count)).astype(np.float32)[::-1].copy(),
    )


@pytest.fixture
def features() -> FeatureSet:
    return make_features()
