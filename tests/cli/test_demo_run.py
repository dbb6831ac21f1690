"""The demo, from the catalogue to the pictures, on made scenes in the place of its photographs."""

from __future__ import annotations

from pathlib import Path

import pytest

from steeple.cli.demo.pictures import prepare_directory, save_pictures
from steeple.cli.demo.report import print_results, summary
from steeple.cli.demo.run import Verdict, ask, fill_catalogue
from steeple.cli.demo.scenario import CatalogueEntry, DemoQuery
from steeple.cli.local_server import local_server
from steeple.cli.output import Output
from steeple.client import Client
from steeple.delf.image import read_image
from tests.scenes import encoded, scene


def test_the_demo_asks_judges_prints_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos = {
        "tower": encoded(scene(300, 800, 600)),
        "gate": encoded(scene(301, 800, 600)),
        "other": encoded(scene(302, 480, 360)),
    }
    entries = [CatalogueEntry(name, name.title(), "A scene.", name, (1.0, 2.0)) for name in ("tower", "gate")]
    queries = [
        DemoQuery("tower-phone", "Tower, by phone", "tower", "tower", phone_seed=3),
        DemoQuery("stranger", "Another scene", None, "other"),
        DemoQuery("gate-missed", "Not the gate", "gate", "other"),
    ]
    pictures = tmp_path / "pictures"
    prepare_directory(pictures)
    with local_server(tmp_path / "data", tmp_path / "log") as address, Client(address) as client:
        fill_catalogue(client, photos, entries)
        results = ask(client, photos, queries=queries)
        paths = save_pictures(client, results, "Demo", pictures)
    assert [result.verdict for result in results] == [Verdict.RIGHT, Verdict.RIGHT, Verdict.MISSED]
    assert summary(results) == "2 of 3 as expected, 1 missed"
    assert sorted(path.name for path in pictures.iterdir()) == [
        "01-tower-phone.jpg",
        "02-stranger.jpg",
        "03-gate-missed.jpg",
        "overview.jpg",
    ]
    assert {key: read_image(path).shape[1] for key, path in paths.items()} == {
        "tower-phone": 1600,
        "stranger": 1600,
        "gate-missed": 1600,
        "overview": 1680,
    }
    facts = results[0].to_dict()
    assert (facts["identified"], facts["verdict"]) == ("tower", "as expected")
    assert results[0].total_milliseconds > 0
    print_results(Output(as_json=False), results)
    lines = capsys.readouterr().out.splitlines()
    assert any("Tower, by phone" in line and "as expected" in line for line in lines)
    assert any("Not the gate" in line and "UNKNOWN" in line and "MISSED" in line for line in lines)
