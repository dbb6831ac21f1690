"""A minute of kills. For longer, with seeds of one's own: ``make history SECONDS=600 SEED=1``."""

from __future__ import annotations

from pathlib import Path

from tests.history import report
from tests.history.checker import check
from tests.history.runner import Runner

SEED = 1
SECONDS = 50.0  # and some for the last start, and to ask for everything


def test_nothing_is_lost_and_nothing_comes_back_in_a_minute_of_kills(tmp_path: Path) -> None:
    run = Runner(tmp_path, SEED, SECONDS).run()
    run.history.save(tmp_path / "history.jsonl")
    said = report.facts(run.history, check(run.history), run.failures)
    assert not said["violations"] + said["failures"], f"{tmp_path}\n{report.text(said)}"
    assert said["kills"] >= 3
    assert said["operations"] > 500
    assert said["identify_compared"] > 50
    assert said["identified"] > 20
