"""A place for indexes, for tests that are marked ``engines``."""

from __future__ import annotations

from pathlib import Path

import pytest

from .places import Place


@pytest.fixture
def place(tmp_path: Path, milvus_uri: str, milvus_prefix: str) -> Place:
    config = tmp_path / "steeple.toml"
    config.write_text(f'milvus_prefix = "{milvus_prefix}"\n', encoding="utf-8")
    return Place(milvus_uri, config, tmp_path / "data")
