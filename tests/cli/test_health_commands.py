"""``steeple traffic``, ``storage``, ``model calibration`` and ``landmarks coverage``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from steeple.cli.coverage import _bars
from tests.scenes import encoded, scene

from .support import Steeple


def test_traffic(catalogue: Steeple, photos: Callable[..., list[Path]]) -> None:
    assert catalogue("identify", *photos(200)).code == 0
    ran = catalogue("traffic", "--minutes", 60)
    assert ran.code == 0
    for told in ("VisualSearchService/Identify", "CatalogService/CreateReferenceImage", "p99 ms", "verify"):
        assert told in ran.out
    assert "queries answered" in ran.err
    found = catalogue("traffic", "--minutes", 10, "--interval", 60, "--json").json
    assert found["interval"] == 600, "an interval is no longer than the period"
    (identify,) = [one for one in found["methods"] if one["method"] == "VisualSearchService/Identify"]
    assert identify["calls"] >= 1
    assert identify["statuses"]["OK"] >= 1
    assert 0 < identify["latency"]["p50"] <= identify["latency"]["p99"]
    assert {stage["stage"] for stage in found["stages"]} >= {"search", "verify"}
    assert catalogue("traffic", "--minutes", 361).code == 2


def test_storage(catalogue: Steeple) -> None:
    ran = catalogue("storage")
    assert ran.code == 0
    for told in ("database", "photos", "kept queries", "disk of", "free", "in all"):
        assert told in ran.out + ran.err
    found = catalogue("storage", "--json").json
    sizes = {part["kind"]: part["size_bytes"] for part in found["parts"]}
    assert sizes["database"] > 0
    assert found["size_bytes"] == sum(sizes.values())
    assert found["disks"][0]["free_bytes"] > 0


def test_calibration(catalogue: Steeple, tmp_path: Path) -> None:
    diagram = tmp_path / "reliability.svg"
    ran = catalogue("model", "calibration", "--diagram", diagram)
    assert ran.code == 0
    for told in ("models/delf-lite2-v1", "for the release", "confidence 0.722", "7 of 600 strangers", "0.9 to 1.0"):
        assert told in ran.out
    assert "delf-lite2-v1: reliability, ECE 0.030" in diagram.read_text("utf-8")
    found = catalogue("model", "calibration", "delf-lite2-v1", "--json").json
    assert (found["source"], found["threshold"], len(found["reliability"]["bins"])) == ("release", 0.7215, 10)
    assert catalogue("model", "calibration", "delf-none").code == 4
    assert catalogue("model", "calibration", "--diagram", tmp_path / "x.bmp").code == 2


def test_coverage(catalogue: Steeple, tmp_path: Path) -> None:
    picture = scene(260, 520, 400)
    views = {"whole": picture, "part": picture[20:380, 30:510], "other": scene(261, 480, 360)}
    for name, view in views.items():
        (tmp_path / f"{name}.jpg").write_bytes(encoded(view))
    assert catalogue("landmarks", "create", "Covered", "--id", "covered", "--location", "48.5,2.25").code == 0
    names = {}
    for name in views:
        added = catalogue("images", "add", "covered", tmp_path / f"{name}.jpg", "--json")
        names[name] = added.json["added"][0]["name"]
    taken = ("--location", "48.51,2.25", "--taken", "2024-05-01T12:30:00")
    assert catalogue("images", "update", names["whole"], *taken).code == 0
    ran = catalogue("landmarks", "coverage", "covered")
    assert ran.code == 0
    for told in ("3, 3 of them compared", "1, and 1 photos that stand alone", "N 1", "agrees with no other"):
        assert told in ran.out
    found = catalogue("landmarks", "coverage", "landmarks/covered", "--json").json
    assert [len(group["reference_images"]) for group in found["groups"]] == [2]
    assert found["single_images"] == [names["other"]]
    assert (found["partial"], found["compared"], found["sectors"][0]["images"]) == (False, 3, 1)
    assert {"few views", "single images"} <= {gap["kind"] for gap in found["gaps"]}
    assert catalogue("landmarks", "coverage", "nowhere").code == 4


@pytest.mark.parametrize(("counts", "bars"), [((0, 1, 8, 4), " ▁█▄"), ((0, 0), "  "), ((3,), "█"), ((), "")])
def test_bars_are_as_high_as_their_counts(counts: tuple[int, ...], bars: str) -> None:
    assert _bars(counts) == bars
