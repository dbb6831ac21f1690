"""The example of docs/client/data.md runs as it stands, and what the page says of files is so."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from steeple.app import data, pack_shelf, proposals, waiting
from steeple.app.settings import AppSettings

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "client" / "data.md").read_text("utf-8")


def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "docs/client/data.md", "exec"), {})  # noqa: S102
    assert capsys.readouterr().out == "the server answers\n"
    assert (tmp_path / "app-data" / data.SETTINGS).is_file()
    assert (tmp_path / "app-data" / data.DATABASE).is_file()


def test_the_page_names_files_settings_and_limits_as_they_are() -> None:
    for name in (data.SETTINGS, data.DATABASE, f"{data.PACKS}/", data.SECRETS):
        assert f"| `{name}` |" in PAGE
    assert {"keep_history", "send_location", "allow_keeping"} <= {field.name for field in fields(AppSettings)}
    assert f"At most {waiting.MOST} wait" in " ".join(PAGE.split())
    assert f"At most {proposals.MOST} wait" in " ".join(PAGE.split())
    assert pack_shelf.SUFFIX == ".pack"


def test_the_links_of_the_page_lead_somewhere() -> None:
    folder = Path(__file__).resolve().parents[2] / "docs" / "client"
    links = [link for link in re.findall(r"\]\(([^)#]+)", PAGE) if not link.startswith("http")]
    assert links
    assert [link for link in links if not (folder / link).exists()] == []
