"""Progress of work that goes through stages."""

from __future__ import annotations

import sys

import pytest

from steeple.cli.output import Output
from steeple.cli.stages import staged


@pytest.mark.parametrize("terminal", [True, False])
def test_each_stage_has_a_bar_where_there_is_a_terminal(
    terminal: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    monkeypatch.setenv("TERM", "xterm")
    with staged(Output(as_json=False)) as progress:
        for done in range(4):
            progress("gallery", done, 3)
        for _ in range(2):  # a stage may begin anew
            progress("queries", 0, 2)
            progress("queries", 2, 2)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert all((part in printed.err) is terminal for part in ("gallery", "3/3", "queries", "2/2"))
