"""Queries within a budget of bytes, whole and in parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from steeple.client import StreamAnswer
from steeple.delf import ModelRelease, compact
from steeple.delf.features import FeatureSet
from steeple.errors import FailedPreconditionError, InvalidArgumentError, UnavailableError
from steeple.v1 import visual_search_service_pb2 as search

from .conftest import make_features
from .peer import Peer, abort


@pytest.fixture
def many() -> FeatureSet:
    return make_features(2500)


def counted(query: search.Query) -> int:
    return len(compact.unpack(query.compact_features, ModelRelease.load()))


class Wants:
    """A server that is certain when it has had as many parts of a frame."""

    def __init__(self, parts: int) -> None:
        self.requests: list[search.IdentifyStreamRequest] = []
        self._parts = parts

    def __call__(self, requests: Any, _: grpc.ServicerContext) -> Iterator[search.IdentifyStreamResponse]:
        had: dict[int, int] = {}
        for request in requests:
            self.requests.append(request)
            had[request.frame_id] = had.get(request.frame_id, 0) + 1
            yield search.IdentifyStreamResponse(
                frame_id=request.frame_id,
                answer=search.Answer(feature_count=had[request.frame_id]),
                provisional=request.more and had[request.frame_id] < self._parts,
            )


@pytest.mark.parametrize("budget", [256, 1000, 4096, 16_384])
def test_a_request_takes_no_more_bytes_than_it_may(client: Any, peer: Peer, many: FeatureSet, budget: int) -> None:
    answer = client.identify(many, max_bytes=budget, max_candidates=7, metadata={"city": "Paris"})
    (request,) = peer.calls("Identify")
    assert request.ByteSize() <= budget
    assert answer.request_bytes == request.ByteSize()
    assert counted(request.query) > 0
    assert budget > 15_000 or request.ByteSize() > budget - 48
    assert (request.query.max_candidates, request.query.restriction.metadata["city"]) == (7, "Paris")


def test_what_fits_whole_goes_whole(client: Any, peer: Peer, features: FeatureSet) -> None:
    client.identify(features, max_bytes=4096)
    (request,) = peer.calls("Identify")
    assert request.query.WhichOneof("source") == "features"


def test_the_least_budget_grows_with_what_else_a_request_carries(client: Any, many: FeatureSet) -> None:
    with pytest.raises(InvalidArgumentError, match="at least 256"):
        client.identify(many, max_bytes=255)
    with pytest.raises(InvalidArgumentError, match="at least 4"):
        client.identify(many, max_bytes=300, metadata={"note": "x" * 300})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_bytes": 4096, "upload": True}, "leave upload out"),
        ({"progressive": True}, "give max_bytes as well"),
    ],
)
def test_options_that_contradict_each_other_are_refused(client: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        client.identify(b"photo", **options)
    with pytest.raises(InvalidArgumentError, match=message):
        client.identify_stream([], **options)


def test_a_release_without_a_compact_codebook_says_so(harness: Any, target: str) -> None:
    old = harness.client(target, release="delf-base")
    features = make_features(2500)
    with pytest.raises(FailedPreconditionError, match="delf-base"):
        old.identify(features, max_bytes=4096)


@pytest.mark.parametrize(("wanted", "sent"), [(1, 1), (3, 3), (99, 4)])
def test_parts_are_sent_until_the_server_is_certain(
    client: Any, peer: Peer, many: FeatureSet, wanted: int, sent: int
) -> None:
    server = Wants(wanted)
    peer.script("IdentifyStream", server)
    answer = client.identify(many, max_bytes=4096, progressive=True)
    assert answer.feature_count == sent
    assert len(server.requests) == sent
    assert [request.more for request in server.requests] == [number < 4 for number in range(1, sent + 1)]
    total = sum(request.ByteSize() for request in server.requests)
    assert answer.request_bytes == total <= 4096
    assert server.requests[0].ByteSize() <= 512
    if sent == 4:
        assert sum(counted(request.query) for request in server.requests) > 400


def test_a_camera_in_parts_is_answered_frame_by_frame(client: Any, peer: Peer, many: FeatureSet) -> None:
    server = Wants(2)
    peer.script("IdentifyStream", server)
    answers: list[StreamAnswer] = list(client.identify_stream([many] * 3, max_bytes=4096, progressive=True))
    assert [(one.frame_id, one.provisional) for one in answers] == [
        (0, True), (0, False), (1, True), (1, False), (2, True), (2, False),
    ]  # fmt: skip
    assert answers[0].to_dict()["provisional"] is True
    assert answers[1].answer.request_bytes > answers[0].answer.request_bytes
    assert [request.frame_id for request in server.requests] == [0, 0, 1, 1, 2, 2]


def test_a_camera_within_a_budget_takes_one_request_a_frame(client: Any, peer: Peer, many: FeatureSet) -> None:
    server = Wants(1)
    peer.script("IdentifyStream", server)
    answers = list(client.identify_stream([many, many], max_bytes=1024))
    assert [(one.frame_id, one.provisional) for one in answers] == [(0, False), (1, False)]
    assert all(request.ByteSize() <= 1024 and not request.more for request in server.requests)


def test_a_camera_in_parts_can_be_left_between_parts(harness: Any, client: Any, peer: Peer, many: FeatureSet) -> None:
    peer.script("IdentifyStream", Wants(99))
    answers = harness.take(client, iter([many] * 100), 2, max_bytes=4096, progressive=True)
    assert [(one.frame_id, one.provisional) for one in answers] == [(0, True), (0, True)]
    assert not harness.busy()


def test_a_server_that_fails_or_says_nothing_is_an_error(client: Any, peer: Peer, many: FeatureSet) -> None:
    def fail(_: Any, context: grpc.ServicerContext) -> Iterator[search.IdentifyStreamResponse]:
        abort(context, grpc.StatusCode.INVALID_ARGUMENT, "not this one")

    def nothing(_: Any, __: grpc.ServicerContext) -> Iterator[search.IdentifyStreamResponse]:
        yield from ()

    peer.script("IdentifyStream", fail, nothing)
    with pytest.raises(InvalidArgumentError, match="not this one"):
        client.identify(many, max_bytes=4096, progressive=True)
    with pytest.raises(UnavailableError, match="without an answer"):
        client.identify(many, max_bytes=4096, progressive=True)
