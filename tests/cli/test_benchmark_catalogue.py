from __future__ import annotations

from pathlib import Path

import pytest

from .support import Steeple


def test_a_catalogue_is_made_once_and_asked(steeple: Steeple, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEEPLE_DATABASE_URL", f"sqlite:///{tmp_path / 'of-the-user.db'}")
    size = ("benchmark", "catalogue", "--landmarks", 300, "--images", 900, "--folder", tmp_path / "data")
    made = steeple(*size, "--only-fill")
    assert made.code == 0
    assert "300 landmarks and 900 reference images written" in made.out
    ran = steeple(*size, "--runs", 1, "--limit-ms", 60_000, "--json")
    assert ran.code == 0
    told = ran.json
    assert (told["fill_seconds"], told["passed"], told["landmarks"]) == (None, True, 300)
    totals = {(call["kind"], call["asked"]): call["total"] for call in told["calls"]}
    everything = totals["filter", "(all)"]
    assert 280 <= everything <= 300
    assert totals["deleted too", "create_time desc"] == 300
    for one, other in (("labels:church", "NOT labels:church"), ("church", "NOT church")):
        assert 0 < totals["filter", one] < everything
        assert totals["filter", one] + totals["filter", other] == everything
    assert totals["filter", "metadata.wikidata = Q777"] == 0
    assert totals["filter", "metadata.wikidata != Q777"] == totals["filter", "metadata:city"] == everything
    assert totals["page in the middle", "create_time desc"] == everything
    assert totals["map", "zoom 4, the earth"] == totals["map", "zoom 0, the earth"] <= everything
    assert {call["kind"] for call in told["calls"] if not call["bound"]} == {"write"}
    assert not (tmp_path / "of-the-user.db").exists()

    slow = steeple(*size, "--runs", 1, "--limit-ms", 1)
    assert slow.code == 1
    assert "calls take more than 1 ms" in slow.out
    another = steeple("benchmark", "catalogue", "--landmarks", 200, "--images", 900, "--folder", tmp_path / "data")
    assert another.code == 2
    assert "holds 300 landmarks and 900 images" in another.err
