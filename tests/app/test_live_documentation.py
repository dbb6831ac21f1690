"""The example of docs/client/live.md runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .answering import film

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "client" / "live.md").read_text("utf-8")


def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film(1, seconds=0.2).write(tmp_path / "walk.avi")
    monkeypatch.chdir(tmp_path)
    asked: list[str] = []

    def answer_at_once(question: str) -> str:
        asked.append(question)
        return ""

    monkeypatch.setattr("builtins.input", answer_at_once)
    (example,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    exec(compile(example, "docs/client/live.md", "exec"), {})  # noqa: S102
    assert asked == ["Enter ends it. "]
