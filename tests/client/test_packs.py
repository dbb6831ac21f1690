"""Offline packs made and fetched through both clients, over connections that break."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from steeple.client import LatLng, PackState
from steeple.delf.features import DIMENSIONS, FeatureSet, quantize_descriptors
from steeple.delf.release import DEFAULT_RELEASE
from steeple.errors import FailedPreconditionError, NotFoundError, UnavailableError
from steeple.packs import Pack
from steeple.server.catalogue import LandmarkDraft
from steeple.server.catalogue import LatLng as Place

from .harness import Harness
from .proxy import cutting
from .test_files import Served

HERE = LatLng(48.8584, 2.2945)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with a landmark of many features."""
    made = Served(tmp_path_factory.mktemp("packs") / "data")
    draft = LandmarkDraft("Tower", location=Place(HERE.latitude, HERE.longitude))
    made.engine.catalogue.create_landmark(draft, landmark_id="tower")
    for number in range(20):
        made.engine.ingest.create_image("tower", features(number))
    yield made
    made.close()


def features(seed: int) -> FeatureSet:
    random = np.random.default_rng(seed)
    vectors = random.standard_normal((500, DIMENSIONS)).astype(np.float32)
    return FeatureSet(
        model=DEFAULT_RELEASE,
        width=640,
        height=480,
        descriptors=quantize_descriptors(vectors / np.linalg.norm(vectors, axis=1, keepdims=True)),
        keypoints=(random.random((500, 2)) * [639, 479]).astype(np.float32),
        scales=np.ones(500, np.float32),
        scores=np.linspace(1, 0.1, 500, dtype=np.float32),
    )


def test_a_pack_is_made_fetched_refreshed_and_deleted(harness: Harness, filled: Served, tmp_path: Path) -> None:
    client = harness.client(f"127.0.0.1:{filled.port}")
    begun = client.create_pack(
        "paris", display_name="Paris", near=HERE, radius_meters=500, max_images=3, max_features=400
    )
    name = client.wait_operation(begun).results["pack"]
    found = client.get_pack(name)
    assert (found.id, found.display_name, found.state) == ("paris", "Paris", PackState.CURRENT)
    assert (found.near, found.radius_meters, found.max_images, found.image_count) == (HERE, 500, 3, 3)
    assert list(client.list_packs(page_size=1)) == [found]
    told: list[tuple[int, int]] = []
    target = tmp_path / "here.pack"
    got = client.download_pack("paris", target, progress=lambda done, total: told.append((done, total)))
    assert got == found
    assert told[-1] == (found.size_bytes, found.size_bytes) == (target.stat().st_size, target.stat().st_size)
    pack = Pack.open(target)
    assert [landmark.display_name for landmark in pack.landmarks.values()] == ["Tower"]
    pack.close()
    document = found.to_dict()
    assert (document["id"], document["state"], document["near"]) == ("paris", "current", HERE.to_dict())
    assert client.wait_operation(client.refresh_pack(found)).results["pack"] == name
    client.delete_pack(found)
    with pytest.raises(NotFoundError, match="no packs/paris"):
        client.download_pack(found, tmp_path / "gone.pack")
    with pytest.raises(FailedPreconditionError, match="no landmark"):
        client.create_pack("none", display_name="None", labels=["none"])
    done = client.wait_operation(client.export_pack("mine", display_name="Mine", exact_descriptors=True))
    client.download_operation_file(done, done.results["file"], tmp_path / "mine.pack")
    assert Pack.open(tmp_path / "mine.pack").manifest.exact
    assert list(client.list_packs()) == []


def test_a_download_goes_on_where_it_broke_off_unless_the_pack_was_replaced(
    harness: Harness, filled: Served, tmp_path: Path
) -> None:
    direct = harness.client(f"127.0.0.1:{filled.port}")
    direct.wait_operation(direct.create_pack("all", display_name="All", max_images=20, exact_descriptors=True))
    found, target = direct.get_pack("all"), tmp_path / "all.pack"
    later = tmp_path / "later" / "all.pack"
    later.parent.mkdir()
    with cutting(filled.port, [600_000, 100_000, *[0] * 100_000]) as proxy:
        client = harness.client(f"127.0.0.1:{proxy.port}", timeout=0.5, long_timeout=1.0)
        with pytest.raises(UnavailableError):
            client.download_pack(found, target)
    assert not target.exists()
    (part,) = tmp_path.glob(".*.part")
    assert 100_000 < part.stat().st_size < found.size_bytes, "of messages of 128 KiB, some have come whole"
    shutil.copy(part, later.parent)
    told: list[int] = []
    assert direct.download_pack("all", target, progress=lambda done, _: told.append(done)) == found
    assert (told[0] > 0, told[-1]) == (True, found.size_bytes)
    assert told[:-1] == sorted(set(told)), "nothing comes twice"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.pack", "later"]

    direct.update_landmark("tower", description=f"Renamed {found.sha256}")
    assert direct.get_pack("all").state is PackState.STALE
    direct.wait_operation(direct.refresh_pack("all"))
    old = target.read_bytes()
    for place in (target, later):
        with pytest.raises(FailedPreconditionError, match="was made anew"):
            direct.download_pack(found, place)
    assert list(later.parent.iterdir()) == [], "nothing is left that cannot be gone on with"
    assert target.read_bytes() == old
    direct.download_pack("all", target)
    assert target.read_bytes() != old
    direct.delete_pack("all")
