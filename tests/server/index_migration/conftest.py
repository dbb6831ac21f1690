"""A place for indexes, for tests that are marked ``engines``."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import SecretStr

from steeple.server.shared_index.milvus import MilvusEngine

from .places import Place


@pytest.fixture
def place(tmp_path: Path, milvus_uri: str) -> Iterator[Place]:
    prefix = f"test_{secrets.token_hex(6)}"
    config = tmp_path / "steeple.toml"
    config.write_text(f'milvus_prefix = "{prefix}"\n', encoding="utf-8")
    yield Place(milvus_uri, config, tmp_path / "data")
    with closing(MilvusEngine(milvus_uri, SecretStr(""), prefix=prefix, identity="", kind="IVF_PQ")) as engine:
        for collection in engine.others():
            engine.drop(collection)
