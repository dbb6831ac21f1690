"""Two servers on one database, which are killed and stopped, and the database too, while clients work with both."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engines.postgres import PostgresServer
from tests.history import report
from tests.history.checker import check
from tests.history.replicas import LAG, ReplicaRunner

pytestmark = pytest.mark.engines

SEED = 1
SECONDS = 40.0


def test_nothing_is_lost_and_nothing_comes_back_while_replicas_and_their_database_are_killed(tmp_path: Path) -> None:
    database = PostgresServer(tmp_path / "postgres")
    database.start()
    try:
        settings = {"STEEPLE_DATABASE_URL": database.database("catalogue")}
        run = ReplicaRunner(tmp_path, SEED, SECONDS, database, settings).run()
    finally:
        database.stop()
    run.history.save(tmp_path / "history.jsonl")
    said = report.facts(run.history, check(run.history, LAG), run.failures, LAG)
    assert not said["violations"] + said["failures"], f"{tmp_path}\n{report.text(said)}"
    assert said["kills"] >= 2
    assert said["outages"] >= 2
    assert said["operations"] > 300
    assert said["identify_compared"] > 20
    assert said["identified"] > 10
