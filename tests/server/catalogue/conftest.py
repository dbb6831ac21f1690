from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from steeple.delf.features import FeatureSet
from steeple.server.catalogue import Catalogue

MakeFeatures = Callable[..., FeatureSet]


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/catalogue.db"


@pytest.fixture
def sqlite_catalogue(sqlite_url: str) -> Iterator[Catalogue]:
    with Catalogue.open(sqlite_url) as opened:
        yield opened


@pytest.fixture
def url(catalogue_url: str) -> str:
    return catalogue_url


@pytest.fixture
def catalogue(url: str) -> Iterator[Catalogue]:
    with Catalogue.open(url) as opened:
        yield opened


@pytest.fixture(scope="session")
def make_features() -> MakeFeatures:
    def make(
        seed: int = 0, count: int = 7, model: str = "delf-lite2-v1", width: int = 640, height: int = 480
    ) -> FeatureSet:
        rng = np.random.default_rng(seed)
        return FeatureSet(
            model=model,
            width=width,
            height=height,
            descriptors=rng.integers(-127, 128, (count, 40)).astype(np.int8),
            keypoints=rng.uniform(0, [width - 1, height - 1], (count, 2)).astype(np.float32),
            scales=rng.uniform(1, 4, count).astype(np.float32),
            scores=np.sort(rng.uniform(0, 9, count).astype(np.float32))[::-1],
        )

    return make
