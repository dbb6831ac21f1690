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
