from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest

from steeple.delf.features import FeatureSet
from steeple.errors import InternalError, InvalidArgumentError, ResourceExhaustedError, UnavailableError

from .harness import Harness
from .peer import PATIENCE, Peer, abort, fail, info, retry_after

UNAVAILABLE = fail(grpc.StatusCode.UNAVAILABLE, "restarting", info("UNAVAILABLE"))
CHANGES: dict[str, Callable[[Any, FeatureSet], Any]] = {
    "CreateLandmark": lambda client, _: client.create_landmark("A"),
    "UpdateLandmark": lambda client, _: client.update_landmark("a", description="b"),
    "DeleteLandmark": lambda client, _: client.delete_landmark("a"),
    "CreateReferenceImage": lambda client, features: client.add_reference_image("a", features),
    "DeleteReferenceImage": lambda client, _: client.delete_reference_image("landmarks/a/images/1"),
}


@pytest.mark.parametrize("method", CHANGES)
def test_a_change_is_sent_again_under_the_same_request_id(
    client: Any, peer: Peer, features: FeatureSet, method: str
) -> None:
    peer.script(method, UNAVAILABLE, UNAVAILABLE, peer.normally)
    CHANGES[method](client, features)
    first = peer.calls(method)
    assert len(first) == 3
    assert len({request.SerializeToString(deterministic=True) for request in first}) == 1
    assert uuid.UUID(first[0].request_id).version == 4
    CHANGES[method](client, features)
    assert peer.calls(method)[3].request_id != first[0].request_id


def test_a_change_can_be_given_the_request_id_of_a_lost_one(client: Any, peer: Peer, features: FeatureSet) -> None:
    request_id = "5bd1c8c2-5f0c-4e5e-9d2a-000000000001"
    client.create_landmark("A", request_id=request_id)
    client.update_landmark("a", description="b", request_id=request_id)
    client.delete_landmark("a", request_id=request_id)
    client.add_reference_image("a", features, request_id=request_id)
    client.delete_reference_image("landmarks/a/images/1", request_id=request_id)
    assert [call.request.request_id for call in peer.received] == [request_id] * 5


def test_a_query_is_sent_again(client: Any, peer: Peer, features: FeatureSet) -> None:
    peer.script("Identify", UNAVAILABLE, UNAVAILABLE, peer.normally)
    assert client.identify(features).feature_count == 25
    assert len(peer.calls("Identify")) == 3


def test_a_photo_of_megabytes_is_sent_again(client: Any, peer: Peer) -> None:
    photo = bytes(3 * 2**20)  # beyond the 256 KiB that gRPC would keep for another attempt by itself
    peer.script("Identify", UNAVAILABLE, UNAVAILABLE, peer.normally)
    client.identify(photo, upload=True)
    assert [len(request.query.image) for request in peer.calls("Identify")] == [len(photo)] * 3


def test_frames_are_sent_again(client: Any, peer: Peer, features: FeatureSet) -> None:
    peer.script("IdentifyStream", UNAVAILABLE, peer.normally)
    assert [answer.frame_id for answer in client.identify_stream([features] * 3)] == [0, 1, 2]


def test_a_frame_is_sent_again_while_the_next_waits_for_its_answer(
    harness: Harness, client: Any, peer: Peer, features: FeatureSet
) -> None:
    asked_for_another, answered = threading.Event(), threading.Event()

    def break_off(requests: Any, context: grpc.ServicerContext) -> None:
        next(requests)
        assert asked_for_another.wait(PATIENCE)
        abort(context, grpc.StatusCode.UNAVAILABLE, "restarting")

    def camera() -> Iterator[FeatureSet]:
        yield features
        asked_for_another.set()
        assert answered.wait(PATIENCE)

    peer.script("IdentifyStream", break_off, peer.normally)
    numbers = []
    for answer in client.identify_stream(harness.camera(camera()), timeout=PATIENCE):
        numbers.append(answer.frame_id)
        answered.set()
    assert numbers == [0]


def test_attempts_end(client: Any, peer: Peer, features: FeatureSet) -> None:
    peer.script("Identify", UNAVAILABLE)
    with pytest.raises(UnavailableError, match="restarting"):
        client.identify(features)
    assert len(peer.calls("Identify")) == 4


@pytest.mark.parametrize("attempts", [1, 2])
def test_the_number_of_attempts_can_be_set(
    harness: Harness, target: str, peer: Peer, features: FeatureSet, attempts: int
) -> None:
    peer.script("Identify", UNAVAILABLE)
    with pytest.raises(UnavailableError):
        harness.client(target, max_attempts=attempts).identify(features)
    assert len(peer.calls("Identify")) == attempts


@pytest.mark.parametrize("attempts", [0, 6])
def test_other_numbers_of_attempts_are_refused(harness: Harness, target: str, attempts: int) -> None:
    with pytest.raises(InvalidArgumentError, match=f"max_attempts must be 1 .* to 5, not {attempts}"):
        harness.client(target, max_attempts=attempts)


def test_what_failed_otherwise_is_not_sent_again(client: Any, peer: Peer, features: FeatureSet) -> None:
    peer.script("Identify", fail(grpc.StatusCode.INTERNAL, "a defect", info("INTERNAL")))
    with pytest.raises(InternalError):
        client.identify(features)
    assert len(peer.calls("Identify")) == 1


def busy(*details: Any) -> Any:
    return fail(grpc.StatusCode.RESOURCE_EXHAUSTED, "32 queries wait", info("RESOURCE_EXHAUSTED"), *details)


def test_a_busy_server_is_asked_again_when_it_says(client: Any, peer: Peer, features: FeatureSet) -> None:
    peer.script("CreateLandmark", busy(retry_after(0.05)), busy(retry_after(0.1)), peer.normally)
    start = time.monotonic()
    client.create_landmark("A")
    assert time.monotonic() - start >= 0.15
    assert len({request.request_id for request in peer.calls("CreateLandmark")}) == 1
    assert len(peer.calls("CreateLandmark")) == 3


def test_a_busy_server_that_does_not_say_is_not_asked_again(client: Any, peer: Peer, features: FeatureSet) -> None:
    peer.script("Identify", busy())
    with pytest.raises(ResourceExhaustedError, match="32 queries wait"):
        client.identify(features)
    assert len(peer.calls("Identify")) == 1


def test_a_delay_beyond_the_deadline_is_not_waited_for(client: Any, peer: Peer, features: FeatureSet) -> None:
    peer.script("Identify", busy(retry_after(30)))
    start = time.monotonic()
    with pytest.raises(ResourceExhaustedError, match="32 queries wait"):
        client.identify(features, timeout=5)
    assert time.monotonic() - start < 4
    assert len(peer.calls("Identify")) == 1


def test_a_server_that_stays_busy_is_given_up(client: Any, peer: Peer, features: FeatureSet) -> None:
    peer.script("Identify", busy(retry_after(0.01)))
    with pytest.raises(ResourceExhaustedError):
        client.identify(features)
    assert len(peer.calls("Identify")) == 4
