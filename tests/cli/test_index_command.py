"""``steeple index``: what it refuses. What it does is tested with a real Milvus."""

from __future__ import annotations

from pathlib import Path

import pytest

from steeple.cli.main import main


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--to", "milvus"], "name it with --milvus-uri"),
        (["--to", "elsewhere"], "--to is faiss or milvus"),
        (["--to", "milvus", "--milvus-uri", "milvus:19530"], "must read http://HOST:PORT"),
    ],
)
def test_it_says_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["index", "migrate", "--data-dir", str(tmp_path), *arguments]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["some_1"], "name it with --milvus-uri"),
        (["some_1", "--milvus-uri", "http://127.0.0.1:1"], "nobody can be asked here; say --yes"),
        (["some_1", "--milvus-uri", "http://127.0.0.1:1", "--json"], "nobody can be asked here; say --yes"),
        (["--yes", "--milvus-uri", "http://127.0.0.1:1"], "Missing argument 'COLLECTION'"),
    ],
)
def test_nothing_is_deleted_unasked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["index", "drop", "--data-dir", str(tmp_path), *arguments]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
