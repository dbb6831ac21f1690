"""An index in Milvus, for tests that are marked ``engines``."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from steeple.delf import ModelRelease
from steeple.server.index.milvus import MilvusConnection, MilvusIndex

RELEASE = ModelRelease.load()


@pytest.fixture(scope="session")
def milvus_connection(milvus_uri: str) -> Iterator[MilvusConnection]:
    """To the Milvus that tests share."""
    connection = MilvusConnection(milvus_uri, timeout=60.0)
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def shared_milvus_index(milvus_connection: MilvusConnection) -> Iterator[MilvusIndex]:
    """One whose collection is made once, as that takes two seconds."""
    index = MilvusIndex(milvus_connection, RELEASE, prefix=f"test_{secrets.token_hex(4)}")
    yield index
    index.drop()


@pytest.fixture
def milvus_index(milvus_connection: MilvusConnection, shared_milvus_index: MilvusIndex) -> Iterator[MilvusIndex]:
    """An empty one."""
    yield shared_milvus_index
    shared_milvus_index.remove_many(shared_milvus_index.keys())
