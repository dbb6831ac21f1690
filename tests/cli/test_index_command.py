"""``steeple index``: what it refuses. What it does is tested with a real Milvus."""

from __future__ import annotations

from pathlib import Path

import pytest

from steeple.cli.main import main

AWAY = ["--milvus-uri", "http://127.0.0.1:1"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["migrate", "--to", "milvus"], "name it with --milvus-uri"),
        (["migrate", "--to", "elsewhere"], "--to is faiss or milvus"),
        (["migrate", "--to", "milvus", "--milvus-uri", "milvus:19530"], "must read http://HOST:PORT"),
        (["drop", "some_1"], "name it with --milvus-uri"),
        (["drop", "some_1", *AWAY], "nobody can be asked here; say --yes"),
        (["drop", "some_1", *AWAY, "--json"], "nobody can be asked here; say --yes"),
        (["drop", "--yes", *AWAY], "Missing argument 'COLLECTION'"),
    ],
)
def test_it_says_what_is_wrong_and_does_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["index", *arguments, "--data-dir", str(tmp_path)]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
