"""``steeple benchmark`` against a real server."""

from __future__ import annotations

from pathlib import Path

from steeple.cli.benchmark_query import STAGES, vga
from steeple.delf.image import read_image
from tests.scenes import encoded, scene

from .support import Steeple


def test_the_benchmark_measures_every_stage(catalogue: Steeple, address: str, tmp_path: Path) -> None:
    photo = tmp_path / "vga.jpg"
    photo.write_bytes(vga(encoded(scene(200, 900, 500))))
    assert read_image(photo).shape == (480, 640, 3)
    ran = catalogue("benchmark", "query", photo, "--runs", 1, "--server", address, "--json")
    assert ran.code == 0
    (measured,) = ran.json["photos"]
    assert (measured["width"], measured["height"]) == (640, 480)
    fastest = {stage: spread["fastest"] for stage, spread in measured["milliseconds"].items()}
    assert fastest.keys() == STAGES.keys()
    assert all(value > 0 for value in fastest.values())
    assert all(spread["median"] >= spread["fastest"] for spread in measured["milliseconds"].values())
    assert fastest["decode"] < fastest["extract"]
    assert fastest["search"] + fastest["verify"] < fastest["server_total"] < fastest["round_trip"]
    photo.write_bytes(encoded(scene(200, 160, 120)))  # what is left to see does not depend on the photo
    text = catalogue("benchmark", "query", photo, "--runs", 1, "--server", address, "--plot", tmp_path / "query.svg")
    assert "reference: network alone" in text.out
    drawn = (tmp_path / "query.svg").read_text(encoding="utf-8")
    for part in ("vga.jpg: 160x120", "network", "votes and verification", "on the server"):
        assert part in drawn
