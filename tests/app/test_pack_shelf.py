from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from steeple.app.data import AppData
from steeple.app.found import Origin
from steeple.app.pack_shelf import PackShelf
from steeple.app.places import distance_meters
from steeple.app.shelved_packs import ShelfState
from steeple.client import Client, LatLng
from steeple.delf.features import FeatureSet
from steeple.delf.release import ModelRelease
from steeple.errors import (
    CancelledError,
    DataLossError,
    FailedPreconditionError,
    ModelMismatchError,
    NotFoundError,
    UnavailableError,
)

from .known import GATE, HALL, STRANGER, features_of
from .serving import Served


@pytest.fixture
def client(berlin: Served) -> Iterator[Client]:
    with Client(berlin.address) as client:
        yield client


def test_a_pack_answers_as_the_server_does(data: AppData, client: Client, features: Mapping[int, FeatureSet]) -> None:
    assert data.packs.identify(features[1]) is None
    data.packs.download(client, "gate-50")
    data.packs.download(client, "hall-50")
    for seed, name in ((1, "landmarks/gate"), (2, "landmarks/hall"), (STRANGER, None)):
        told = client.identify(features[seed], include_matches=True, include_thumbnails=True)
        found = data.packs.identify(features[seed], include_matches=True, include_thumbnails=True)
        assert found is not None
        answer = found.answer
        assert (answer.identified, answer.landmark and answer.landmark.name) == (name is not None, name)
        assert answer.identified == told.identified
        assert (answer.width, answer.height, answer.model) == (told.width, told.height, told.model)
        assert found.origin is Origin.PACK
        if answer.best is not None and told.best is not None and name is not None:
            ours, theirs = answer.best, told.best
            assert ours.confidence == pytest.approx(theirs.confidence, abs=0.05)
            # The query was cut out of the reference image, from (30, 20) on.
            off = np.abs(ours.reference_points - ours.query_points - np.array([30, 20]))
            assert np.median(off) < 8
            assert len(ours.outline) >= 4
            assert ours.reference_image == theirs.reference_image
            assert (ours.reference_width, ours.reference_height) == (640, 480)
            assert ours.thumbnail == theirs.thumbnail != b""
            assert ours.landmark.description == "Of sandstone."
            assert len(ours.query_points) == len(ours.reference_points) == ours.inliers
            assert found.pack == {"landmarks/gate": "Gate-50", "landmarks/hall": "Hall-50"}[name]
    bare = data.packs.identify(features[1])
    assert bare is not None
    assert bare.answer.best is not None
    assert (len(bare.answer.best.query_points), bare.answer.best.thumbnail) == (0, b"")


def test_what_a_server_offers_is_compared_with_what_is_here(data: AppData, client: Client) -> None:
    def states() -> dict[str, ShelfState]:
        return {offer.pack.id: offer.state for offer in data.packs.offered(client)}

    assert states() == {"gate-50": ShelfState.ABSENT, "hall-50": ShelfState.ABSENT}
    shelved = data.packs.download(client, "gate-50")
    assert states() == {"gate-50": ShelfState.CURRENT, "hall-50": ShelfState.ABSENT}
    assert data.packs.list() == (shelved,)
    assert (shelved.display_name, shelved.landmark_count, shelved.near, shelved.radius_meters) == (
        "Gate-50",
        1,
        GATE,
        50,
    )
    assert shelved.size_bytes == shelved.path.stat().st_size
    data.packs.delete("gate-50")
    data.packs.delete("gate-50")
    assert data.packs.list() == ()
    assert states()["gate-50"] is ShelfState.ABSENT


def test_a_pack_that_was_made_anew_is_outdated(data: AppData, client: Client, packs: Path) -> None:
    (packs / "gate-50.pack").rename(packs / "x")  # the file of another pack under its name
    data.packs.download(client, "gate-50")
    (data.folder / "packs" / "gate-50.pack").write_bytes((packs / "hall-50.pack").read_bytes())
    (packs / "x").rename(packs / "gate-50.pack")
    assert {offer.pack.id: offer.state for offer in data.packs.offered(client)}["gate-50"] is ShelfState.OUTDATED
    data.packs.download(client, "gate-50")
    assert {offer.pack.id: offer.state for offer in data.packs.offered(client)}["gate-50"] is ShelfState.CURRENT


def test_a_download_that_is_stopped_goes_on_where_it_was(data: AppData, client: Client) -> None:
    told: list[tuple[int, int]] = []

    def stop(here: int, size: int) -> bool:
        told.append((here, size))
        return here < 100_000

    with pytest.raises(CancelledError, match="goes on from there"):
        data.packs.download(client, "gate-50", on_progress=stop)
    offer = next(offer for offer in data.packs.offered(client) if offer.pack.id == "gate-50")
    assert (offer.state, offer.received_bytes) == (ShelfState.PARTIAL, told[-1][0])
    assert data.packs.list() == ()
    before, told[:] = told[-1][0], []

    def go_on(here: int, size: int) -> bool:
        told.append((here, size))
        return True

    data.packs.download(client, "gate-50", on_progress=go_on)
    assert told[0][0] == before >= 100_000
    assert told[-1] == (data.packs.list()[0].size_bytes,) * 2
    assert len(data.packs.list()) == 1
    assert [path.name for path in (data.folder / "packs").iterdir()] == ["gate-50.pack"]


def test_a_download_needs_space_for_what_is_missing(
    data: AppData, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = client.get_pack("gate-50").size_bytes

    def free(count: int) -> None:
        monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=count))

    free(size - 1)
    with pytest.raises(FailedPreconditionError, match="make space"):
        data.packs.download(client, "gate-50")
    free(size)
    with pytest.raises(CancelledError):
        data.packs.download(client, "gate-50", on_progress=lambda here, _: here < 100_000)
    received = next(offer.received_bytes for offer in data.packs.offered(client) if offer.pack.id == "gate-50")
    free(size - received - 1)
    with pytest.raises(FailedPreconditionError, match="make space"):
        data.packs.download(client, "gate-50")
    free(size - received)
    assert data.packs.download(client, "gate-50").size_bytes == size


def test_a_server_that_is_away_is_told_and_what_is_here_serves(
    data: AppData, client: Client, features: Mapping[int, FeatureSet]
) -> None:
    data.packs.download(client, "gate-50")
    with Client("localhost:1", max_attempts=1) as nobody:
        with pytest.raises(UnavailableError):
            data.packs.download(nobody, "gate-50")
        with pytest.raises(UnavailableError):
            data.packs.offered(nobody)
    with pytest.raises(NotFoundError):
        data.packs.download(client, "nowhere")
    found = data.packs.identify(features[1])
    assert found is not None
    assert found.answer.identified


def test_a_pack_of_a_file_is_added(data: AppData, packs: Path, features: Mapping[int, FeatureSet]) -> None:
    assert data.packs.add(packs / "hall-50.pack").id == "hall-50"
    found = data.packs.identify(features[2])
    assert found is not None
    assert found.answer.landmark is not None
    with pytest.raises(NotFoundError):
        data.packs.add(packs / "none.pack")


@pytest.mark.parametrize("keep", [0, 1000, -1])
def test_a_damaged_pack_is_not_added_and_one_that_was_damaged_here_is_told(
    keep: int, data: AppData, packs: Path, tmp_path: Path, features: Mapping[int, FeatureSet]
) -> None:
    whole = (packs / "hall-50.pack").read_bytes()
    (tmp_path / "half.pack").write_bytes(whole[:keep])
    with pytest.raises(DataLossError):
        data.packs.add(tmp_path / "half.pack")
    assert data.packs.list() == ()
    data.packs.add(packs / "hall-50.pack")
    (data.folder / "packs" / "hall-50.pack").unlink()
    (data.folder / "packs" / "hall-50.pack").write_bytes(whole[:keep])
    (broken,) = data.packs.list()
    assert (broken.id, broken.problem is None) == ("hall-50", False)
    assert data.packs.identify(features[2]) is None
    data.packs.add(packs / "hall-50.pack")
    assert data.packs.list()[0].problem is None


def test_a_pack_of_another_release_cannot_be_used(data: AppData, packs: Path, client: Client, tmp_path: Path) -> None:
    data.packs.add(packs / "gate-50.pack")
    shelf = PackShelf(data.folder / "packs", ModelRelease.load("delf-lite0-v1"))
    (pack,) = shelf.list()
    assert pack.problem is not None
    assert "update the app" in pack.problem
    assert shelf.choose(GATE) == ()
    assert shelf.identify(features_of(50)) is None
    assert {offer.state for offer in shelf.offered(client)} == {ShelfState.UNUSABLE}
    with pytest.raises(ModelMismatchError, match="delf-lite0-v1"):
        shelf.download(client, "hall-50")
    with pytest.raises(ModelMismatchError):
        PackShelf(tmp_path / "other", ModelRelease.load("delf-lite0-v1")).add(packs / "gate-50.pack")
    shelf.close()


def test_packs_are_asked_by_place(data: AppData, packs: Path) -> None:
    data.packs.add(packs / "gate-50.pack")
    data.packs.add(packs / "hall-50.pack")

    def order(place: LatLng | None) -> list[str]:
        return [pack.id for pack in data.packs.choose(place)]

    assert order(GATE) == ["gate-50", "hall-50"]
    assert order(HALL) == ["hall-50", "gate-50"]
    assert order(LatLng(HALL.latitude + 0.1, HALL.longitude)) == [
        "hall-50",
        "gate-50",
    ]  # outside of both, nearer to one
    assert order(None) == ["hall-50", "gate-50"]  # that came last
    made = data.packs.list()[0].create_time
    assert made is not None
    assert made <= datetime.now(UTC)


def test_a_pack_is_replaced_while_it_is_used(data: AppData, packs: Path, features: Mapping[int, FeatureSet]) -> None:
    data.packs.add(packs / "gate-50.pack")
    before = data.packs.identify(features[1])
    data.packs.add(packs / "gate-50.pack")
    after = data.packs.identify(features[1])
    data.packs.delete("gate-50")
    assert data.packs.identify(features[1]) is None
    assert before is not None
    assert after is not None
    assert before.answer.to_dict() | {"timings": {}} == after.answer.to_dict() | {"timings": {}}


@pytest.mark.parametrize("pack_id", ["", "../secrets", "a/b", ".x"])
def test_ids_are_no_paths(pack_id: str, data: AppData) -> None:
    with pytest.raises(NotFoundError):
        data.packs.delete(pack_id)


def test_distances_are_those_of_the_earth() -> None:
    paris, seoul = LatLng(48.8566, 2.3522), LatLng(37.5665, 126.9780)
    assert distance_meters(paris, paris) == 0
    assert distance_meters(paris, seoul) == pytest.approx(8_968_000, rel=0.005)
    assert distance_meters(LatLng(0, 179.999), LatLng(0, -179.999)) == pytest.approx(222.4, rel=0.001)
    assert distance_meters(LatLng(0, 0), LatLng(0, 180)) == pytest.approx(20_015_000, rel=0.005)
