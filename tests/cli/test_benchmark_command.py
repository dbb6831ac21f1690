"""``steeple benchmark`` against a real server."""

from __future__ import annotations

from pathlib import Path

from steeple.cli.benchmark_query import vga
from steeple.delf.image import read_image

from .support import Steeple, jpeg, scene


def test_the_benchmark_measures_every_stage(catalogue: Steeple, address: str, tmp_path: Path) -> None:
    photo = tmp_path / "vga.jpg"
    photo.write_bytes(vga(jpeg(scene(200, 900, 500))))
    assert read_image(photo).shape == (480, 640, 3)
    ran = catalogue("benchmark", "query", photo, "--runs", 2, "--server", address, "--json")
    assert ran.code == 0
    (measured,) = ran.json["photos"]
    assert (measured["width"], measured["height"]) == (640, 480)
    stages = ("decode", "extract", "network_alone", "round_trip", "empty_round_trip", "search", "verify")
    assert all(measured[stage] > 0 for stage in stages)
    assert measured["decode"] < measured["extract"]
    assert measured["search"] + measured["verify"] < measured["server_total"] < measured["round_trip"]
    text = catalogue("benchmark", "query", photo, "--runs", 1, "--server", address)
    assert "reference: network alone" in text.out
