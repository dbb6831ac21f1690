from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from steeple.app.data import AppData
from steeple.app.secrets import FileSecrets
from steeple.client import Answer, Candidate, Client, Landmark, LatLng, Timings
from steeple.delf.extractor import Extractor
from steeple.delf.features import FeatureSet
from tests.scenes import encoded, scene

from .serving import Served, serving

GATE, HALL = LatLng(52.5163, 13.3777), LatLng(52.5186, 13.3761)
STRANGER = 77


@pytest.fixture
def data(tmp_path: Path) -> Iterator[AppData]:
    folder = tmp_path / "app"
    with AppData.open(folder, secrets=FileSecrets(tmp_path / "secrets.json")) as opened:
        yield opened


@pytest.fixture(scope="session")
def features() -> Mapping[int, FeatureSet]:
    """Of some scenes, by seed, each a little cropped and dimmed against the reference image."""
    extractor = Extractor()
    seen = {seed: scene(seed)[20:460, 30:620] for seed in (1, 2, STRANGER)}
    return {seed: extractor.extract((image * 0.9).astype(np.uint8)) for seed, image in seen.items()}


@pytest.fixture(scope="session")
def berlin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with two landmarks, and a pack of each; tests leave it as it is."""
    with serving(tmp_path_factory.mktemp("berlin") / "data") as served, Client(served.address) as client:
        for seed, name, place in ((1, "Gate", GATE), (2, "Hall", HALL)):
            client.create_landmark(name, landmark_id=name.lower(), location=place, description="Of sandstone.")
            client.add_reference_image(name.lower(), encoded(scene(seed)), upload=True)
        for number, place in (("gate-50", GATE), ("hall-50", HALL)):
            client.wait_operation(
                client.create_pack(number, display_name=number.title(), near=place, radius_meters=50.0)
            )
        yield served


def answer_of(name: str = "Gate", *, identified: bool = True, thumbnail: bytes = b"", **more: object) -> Answer:
    """An answer with one candidate."""
    square = np.array([[10.5, 10], [90, 10], [90, 70], [10, 70.25]], np.float32)
    landmark = Landmark(
        f"landmarks/{name.lower()}",
        name,
        description="Of sandstone.",
        location=GATE,
        metadata={"k": "v"},
        create_time=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        aliases={"de": ("Tor",), "ko": ("문",)},
        labels=("gate",),
    )
    candidate = Candidate(
        landmark, 0.875, f"{landmark.name}/images/a", 42, 60, square, square[:2], square[2:], 640, 480, thumbnail
    )
    timings = Timings(search=1.5, verify=2.5, total=4.25, round_trip=9.0)
    return Answer(identified, (candidate,), "models/delf-lite2-v1", 640, 480, 900, timings, 4096)
