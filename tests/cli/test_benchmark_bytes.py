"""``steeple benchmark bytes`` on pictures with known answers."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.known_photos import write_known_photos

from .support import Steeple


def test_fewer_bytes_recognise_less_and_parts_take_no_more(steeple: Steeple, tmp_path: Path) -> None:
    known = write_known_photos(tmp_path / "known", strangers=3)
    plot = tmp_path / "bytes.svg"
    ran = steeple("benchmark", "bytes", known, "--budgets", "512,4096,49152", "--plot", plot, "--json")
    assert ran.code == 0, ran.err
    points = ran.json["points"]
    assert [(point["max_bytes"], point["in_parts"]) for point in points] == [
        (512, False), (512, True), (4096, False), (4096, True), (49_152, False), (49_152, True),
    ]  # fmt: skip
    assert all(point["mean_bytes"] <= point["max_bytes"] for point in points)
    one = {point["max_bytes"]: point for point in points if not point["in_parts"]}
    parts = {point["max_bytes"]: point for point in points if point["in_parts"]}
    assert one[512]["mean_features"] < one[4096]["mean_features"] < one[49_152]["mean_features"]
    assert one[4096]["recall_at_1"] == one[49_152]["recall_at_1"] == 1.0
    assert one[512]["recall_at_1"] >= 0.5
    assert parts[49_152]["mean_bytes"] < one[49_152]["mean_bytes"]
    assert parts[4096]["recall_at_1"] == 1.0
    assert ElementTree.parse(plot).getroot().tag.endswith("svg")  # noqa: S314 - our own


@pytest.mark.parametrize("budgets", ["", "100", "512,x", "4096,-1"])
def test_budgets_that_are_none_are_refused(steeple: Steeple, tmp_path: Path, budgets: str) -> None:
    ran = steeple("benchmark", "bytes", tmp_path, "--budgets", budgets)
    assert ran.code == 2
    assert "each 256 or more" in ran.err
