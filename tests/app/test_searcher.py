from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import grpc
import pytest

from steeple.app.connection import client_of, connect
from steeple.app.data import AppData
from steeple.app.found import Origin
from steeple.app.pack_shelf import PackShelf
from steeple.app.searcher import Searcher
from steeple.app.settings import AnswersFrom, AppSettings
from steeple.delf.features import FeatureSet
from steeple.delf.release import ModelRelease
from steeple.errors import (
    FeatureSetError,
    InternalError,
    InvalidArgumentError,
    ModelMismatchError,
    SteepleError,
    UnauthenticatedError,
    UnavailableError,
)
from tests.client.peer import PATIENCE, Peer, fail, info

from .known import GATE, features_of
from .serving import Served

PLAIN = AppSettings(tls=False, max_bytes=4096)


class Changes:
    """Keeps what a searcher says of its server."""

    def __init__(self) -> None:
        self.told: list[bool] = []
        self._changed = threading.Condition()

    def __call__(self, online: bool) -> None:
        with self._changed:
            self.told.append(online)
            self._changed.notify_all()

    def wait_for(self, *told: bool) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.told == list(told), PATIENCE), self.told


@contextmanager
def searching(
    peer: Peer | Served, settings: AppSettings = PLAIN, packs: PackShelf | None = None, changes: Changes | None = None
) -> Iterator[Searcher]:
    settings = replace(settings, server=f"127.0.0.1:{peer.port}")
    client, release = client_of(settings, None), ModelRelease.load()
    with Searcher(settings, client, packs, release=release, on_online=changes or Changes()) as searcher:
        yield searcher


def test_a_query_carries_what_the_settings_say_and_no_more(peer: Peer) -> None:
    with searching(peer) as searcher:
        searcher.place = GATE
        found = searcher.identify(features_of(1000), include_matches=True, include_thumbnails=True)
        assert (found.origin, found.pack) == (Origin.SERVER, None)
    everything = replace(PLAIN, send_location=True, allow_keeping=True, max_bytes=49152, search_radius_meters=750.0)
    with searching(peer, everything) as searcher:
        searcher.identify(features_of(1000), near=GATE)
    little, much = (request.query for request in peer.calls("Identify"))
    assert little.ByteSize() <= 4096
    assert little.WhichOneof("source") == "compact_features"
    assert (little.no_keep, little.include_matches, little.include_thumbnails) == (True, True, True)
    assert not little.HasField("restriction")
    assert len(much.features.descriptors) == 40 * 1000
    assert (much.no_keep, much.include_matches, much.include_thumbnails) == (False, False, False)
    near = much.restriction
    assert (near.near.latitude, near.near.longitude, near.radius_meters) == (GATE.latitude, GATE.longitude, 750)


def test_a_photo_is_sent_if_it_is_given_and_only_then(peer: Peer) -> None:
    with searching(peer) as searcher:
        searcher.identify(features_of(100))
        searcher.identify(features_of(100), photo=b"\xff\xd8photo")
    without, photo = (request.query for request in peer.calls("Identify"))
    assert without.WhichOneof("source") != "image"
    assert photo.image == b"\xff\xd8photo"


def test_packs_answer_while_the_server_does_not_and_it_is_left_alone(
    peer: Peer, data: AppData, packs: Path, features: Mapping[int, FeatureSet]
) -> None:
    data.packs.add(packs / "gate-50.pack")
    changes = Changes()
    peer.script("Identify", fail(grpc.StatusCode.UNAVAILABLE))
    peer.script("ListModels", fail(grpc.StatusCode.UNAVAILABLE))
    with searching(peer, packs=data.packs, changes=changes) as searcher:
        assert searcher.online
        found = searcher.identify(features[1], include_matches=True, include_thumbnails=True)
        tries = len(peer.calls("Identify"))
        again = searcher.identify(features[1])
        assert len(peer.calls("Identify")) == tries
        assert {found.origin, again.origin} == {Origin.PACK}
        assert (found.pack, found.answer.landmark and found.answer.landmark.id) == ("Gate-50", "gate")
        assert found.answer.best is not None
        assert found.answer.best.thumbnail
        assert (searcher.online, type(searcher.server_problem)) == (False, UnavailableError)
        peer.script("Identify", peer.normally)
        peer.script("ListModels", peer.normally)
        searcher.retry_now()
        changes.wait_for(False, True)
        assert (searcher.online, searcher.server_problem) == (True, None)
        assert searcher.identify(features[1]).origin is Origin.SERVER


@pytest.mark.parametrize(
    ("code", "reason", "error"),
    [
        (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED", UnauthenticatedError),
        (grpc.StatusCode.FAILED_PRECONDITION, "MODEL_MISMATCH", ModelMismatchError),
        (grpc.StatusCode.INTERNAL, "INTERNAL", InternalError),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "RESOURCE_EXHAUSTED", UnavailableError),  # which time mends
        (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", UnavailableError),
    ],
)
def test_what_the_server_said_is_told_if_no_pack_can_answer(
    code: grpc.StatusCode,
    reason: str,
    error: type[SteepleError],
    peer: Peer,
    data: AppData,
    packs: Path,
    features: Mapping[int, FeatureSet],
) -> None:
    peer.script("Identify", fail(code, "so there", info(reason, resource="x")))
    peer.script("ListModels", fail(code, "so there", info(reason, resource="x")))
    with searching(peer, packs=data.packs) as searcher:
        for _ in range(2):
            with pytest.raises(error, match="so there; and no pack on this device can answer") as caught:
                searcher.identify(features[1])
            assert caught.value.metadata["resource"] == "x"
        assert len(peer.calls("Identify")) == 1
        data.packs.add(packs / "gate-50.pack")
        assert searcher.identify(features[1]).origin is Origin.PACK
        assert searcher.server_problem is not None
        assert searcher.server_problem.reason == reason


def test_a_query_that_nobody_can_answer_is_no_fault_of_the_server(peer: Peer, data: AppData, packs: Path) -> None:
    data.packs.add(packs / "gate-50.pack")
    peer.script("Identify", fail(grpc.StatusCode.INVALID_ARGUMENT))
    with searching(peer, packs=data.packs) as searcher:
        with pytest.raises(InvalidArgumentError):
            searcher.identify(features_of(100))
        with pytest.raises(FeatureSetError, match="take another"):
            searcher.identify(features_of(0))
        assert searcher.online
        assert len(peer.calls("Identify")) == 1


def test_a_server_that_comes_back_with_another_release_stays_away(peer: Peer) -> None:
    changes = Changes()
    peer.script("Identify", fail(grpc.StatusCode.UNAVAILABLE))
    peer.models.clear()
    with searching(peer, changes=changes) as searcher:
        with pytest.raises(UnavailableError):
            searcher.identify(features_of(100))
        searcher.retry_now()
        while not isinstance(searcher.server_problem, ModelMismatchError):
            threading.Event().wait(0.01)
        assert changes.told == [False]


def test_packs_alone_ask_no_server(peer: Peer, data: AppData, packs: Path, features: Mapping[int, FeatureSet]) -> None:
    settings = replace(PLAIN, answers_from=AnswersFrom.PACKS)
    with searching(peer, settings, data.packs) as searcher:
        with pytest.raises(UnavailableError, match="packs answer alone, as the settings say; and no pack"):
            searcher.identify(features[1])
        data.packs.add(packs / "gate-50.pack")
        assert searcher.identify(features[1]).answer.identified
        (found,) = searcher.stream([features[1]])
        assert (found.frame, found.origin, found.answer.identified) == (0, Origin.PACK, True)
        searcher.retry_now()
        assert not searcher.online
    assert peer.received == []


def test_without_a_server_it_is_told(data: AppData) -> None:
    assert connect(data.settings.current, data.keys) is None
    with Searcher(data.settings.current, None, data.packs) as searcher:
        assert not searcher.online
        with pytest.raises(UnavailableError, match="no server is set"):
            searcher.identify(features_of(10))
        with pytest.raises(UnavailableError, match="no server is set"):
            next(searcher.stream([features_of(10)]))


def test_the_key_of_the_server_goes_to_it_alone(peer: Peer, data: AppData) -> None:
    data.settings.change(server=f"localhost:{peer.port}", tls=False)
    data.keys.set(f"localhost:{peer.port}", "stp_1_mine")
    data.keys.set("localhost:1", "stp_2_other")
    client = connect(data.settings.current, data.keys)
    with Searcher(data.settings.current, client, None) as searcher:
        searcher.identify(features_of(10))
    assert [call.metadata.get("authorization") for call in peer.received] == ["Bearer stp_1_mine"]


def test_a_real_server_answers_as_its_client_says(berlin: Served, features: Mapping[int, FeatureSet]) -> None:
    with searching(berlin, replace(PLAIN, max_bytes=16384)) as searcher:
        found = searcher.identify(features[2], include_thumbnails=True, include_matches=True)
        best = found.answer.best
        assert best is not None
        assert (best.landmark.id, found.answer.identified, best.thumbnail[:2]) == ("hall", True, b"\xff\xd8")
        assert found.answer.request_bytes <= 16384
        answers = list(searcher.stream([features[2], features[1]]))
    assert answers[-1].frame == 1
    assert answers[-1].answer.landmark is not None
    assert answers[-1].answer.landmark.id == "gate"
    assert len(answers[-1].answer.candidates[0].query_points) == answers[-1].answer.candidates[0].inliers
