from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest

from steeple.app.data import AppData
from steeple.app.secrets import FileSecrets
from steeple.client import Client
from steeple.delf.extractor import Extractor
from steeple.delf.features import FeatureSet
from steeple.delf.release import ModelRelease
from steeple.v1.model_pb2 import Model
from tests.client.peer import Peer
from tests.scenes import encoded, scene

from .known import GATE, HALL, STRANGER
from .serving import Served, serving


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
    return {seed: extractor.extract((image * 0.9).astype(np.uint8)).best(500) for seed, image in seen.items()}


@pytest.fixture(scope="session")
def berlin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with two landmarks, and a pack of each; tests leave it as it is."""
    with serving(tmp_path_factory.mktemp("berlin") / "data") as served, Client(served.address) as client:
        for seed, name, place in ((1, "Gate", GATE), (2, "Hall", HALL)):
            client.create_landmark(name, landmark_id=name.lower(), location=place, description="Of sandstone.")
            client.add_reference_image(name.lower(), encoded(scene(seed)))
        for number, place in (("gate-50", GATE), ("hall-50", HALL)):
            client.wait_operation(
                client.create_pack(number, display_name=number.title(), near=place, radius_meters=50.0)
            )
        yield served


@pytest.fixture(scope="session")
def packs(berlin: Served, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of both packs."""
    folder = tmp_path_factory.mktemp("packs")
    with Client(berlin.address) as client:
        for pack in client.list_packs():
            client.download_pack(pack, folder / f"{pack.id}.pack")
    return folder


@pytest.fixture
def peer() -> Iterator[Peer]:
    """A server that does as it is told."""
    peer = Peer()
    release = ModelRelease.load()
    peer.models[f"models/{release.name}"] = Model(name=f"models/{release.name}", tflite_sha256=release.tflite_sha256)
    server = peer.start()
    yield peer
    peer.gate.set()
    server.stop(0).wait()
