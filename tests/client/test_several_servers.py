"""A client of several servers: which targets name them, and what it does when one of them goes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme

from steeple.client._targets import Target
from steeple.delf.features import FeatureSet
from steeple.errors import InvalidArgumentError, UnavailableError
from steeple.v1 import visual_search_service_pb2 as search

from .conftest import make_features
from .harness import Harness
from .peer import PATIENCE, Peer, abort, answer_of, fail


@pytest.fixture
def peers() -> Iterator[tuple[Peer, Peer]]:
    peers = Peer(), Peer()
    servers = [peer.start() for peer in peers]
    yield peers
    for peer, server in zip(peers, servers, strict=True):
        peer.gate.set()
        server.stop(0).wait()


@pytest.fixture
def both(peers: tuple[Peer, Peer]) -> str:
    return ",".join(f"127.0.0.1:{peer.port}" for peer in peers)


@pytest.mark.parametrize(
    ("text", "for_grpc", "spread"),
    [
        ("localhost:50051", "localhost:50051", False),
        ("unix:/run/steeple.sock", "unix:/run/steeple.sock", False),
        ("dns:///search.example.org:50051", "dns:///search.example.org:50051", True),
        ("ipv4:10.0.0.1:1,10.0.0.2:2", "ipv4:10.0.0.1:1,10.0.0.2:2", True),
        ("10.0.0.1:1, 10.0.0.2", "ipv4:10.0.0.1:1,10.0.0.2:50051", True),
        ("[fd00::1]:1,[fd00::2]:2", "ipv6:[fd00::1]:1,[fd00::2]:2", True),
        ("10.0.0.1:1,10.0.0.1:1", "ipv4:10.0.0.1:1", True),
        ("localhost:7,127.0.0.1:8", "ipv4:127.0.0.1:7,127.0.0.1:8", True),
        ("nowhere.invalid:7,127.0.0.1:8", "ipv4:127.0.0.1:8", True),
    ],
)
def test_targets(text: str, for_grpc: str, spread: bool) -> None:
    target = Target.parse(text)
    assert (target.for_grpc(), target.spread) == (for_grpc, spread)


@pytest.mark.parametrize("text", ["a:1,", "a:1,b:x", "a:1,b:0", "a:1,dns:///b:1", "a:1,b:70000", ",a:1"])
def test_a_list_of_something_else_is_refused(harness: Harness, text: str) -> None:
    with pytest.raises(InvalidArgumentError, match="several servers are given as HOST:PORT,HOST:PORT or"):
        harness.client(text)


def test_a_list_of_unknown_names_is_unavailable(harness: Harness, features: FeatureSet) -> None:
    with pytest.raises(UnavailableError, match=r"none of the servers a\.invalid:1,b\.invalid:1 is known"):
        harness.client("a.invalid:1,b.invalid:1").identify(features)


def test_calls_are_spread(harness: Harness, peers: tuple[Peer, Peer], both: str, features: FeatureSet) -> None:
    client = harness.client(both)
    client.wait_until_ready(PATIENCE)
    while not all(peer.calls("Identify") for peer in peers):  # until both are connected
        client.identify(features)
    before = [len(peer.calls("Identify")) for peer in peers]
    for _ in range(10):
        client.identify(features)
    assert [len(peer.calls("Identify")) for peer in peers] == [count + 5 for count in before]


def test_one_server_of_a_list_will_do(harness: Harness, peer: Peer, features: FeatureSet) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        client = harness.client(f"127.0.0.1:{unused.getsockname()[1]},127.0.0.1:{peer.port}")
        for _ in range(5):
            client.identify(features)
    assert len(peer.calls("Identify")) == 5


def test_a_call_goes_to_another_server_where_one_refuses_it(
    harness: Harness, peers: tuple[Peer, Peer], both: str, features: FeatureSet
) -> None:
    def stopping(_: Any, context: grpc.ServicerContext) -> None:
        abort(context, grpc.StatusCode.UNAVAILABLE, "stopping")

    peers[0].script("CreateLandmark", stopping)
    client = harness.client(both)
    client.wait_until_ready(PATIENCE)
    for number in range(10):
        client.create_landmark(str(number))
    done = [request.request_id for request in peers[1].calls("CreateLandmark")]
    assert len(done) == len(set(done)) == 10
    assert {request.request_id for request in peers[0].calls("CreateLandmark")} <= set(done)


def breaks_after(count: int, seen: list[int]) -> Any:
    """Answers so many frames, takes one more and goes."""

    def step(requests: Any, context: grpc.ServicerContext) -> Iterator[search.IdentifyStreamResponse]:
        for number, request in enumerate(requests):
            seen.append(request.frame_id)
            if number == count:
                abort(context, grpc.StatusCode.UNAVAILABLE, "killed")
            yield search.IdentifyStreamResponse(
                frame_id=request.frame_id, answer=answer_of(request.query), dropped_frames=2 if number else 0
            )

    return step


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_stream_goes_on_where_it_broke(harness: Harness, client: Any, peer: Peer, count: int) -> None:
    seen: list[int] = []
    peer.script("IdentifyStream", breaks_after(count, seen), peer.normally)
    answers = list(client.identify_stream([make_features(number + 1) for number in range(8)]))
    assert [found.frame_id for found in answers] == list(range(8))
    assert [found.answer.feature_count for found in answers] == list(range(1, 9))
    assert [found.dropped_frames for found in answers][-1] == (2 if count > 1 else 0)
    assert seen == list(range(count + 1))
    assert all(found.answer.request_bytes > 46 for found in answers)


def test_a_stream_is_given_up_that_gets_no_answer_however_often(client: Any, peer: Peer, features: FeatureSet) -> None:
    seen: list[int] = []
    peer.script("IdentifyStream", breaks_after(2, seen), breaks_after(0, seen))
    answers = client.identify_stream([features] * 5)
    assert [next(answers).frame_id for _ in range(2)] == [0, 1]
    with pytest.raises(UnavailableError, match="killed"):
        next(answers)
    assert seen == [0, 1, 2, 2, 2, 2]  # the call that had answered, and three more


def test_a_camera_that_waits_is_no_reason_to_lose_a_frame(harness: Harness, client: Any, peer: Peer) -> None:
    broken, taken = threading.Event(), threading.Event()

    def break_off(requests: Any, context: grpc.ServicerContext) -> Iterator[search.IdentifyStreamResponse]:
        request = next(requests)
        yield search.IdentifyStreamResponse(frame_id=0, answer=answer_of(request.query))
        assert taken.wait(PATIENCE)
        broken.set()
        abort(context, grpc.StatusCode.UNAVAILABLE, "killed")

    def camera() -> Iterator[FeatureSet]:
        yield make_features(1)
        taken.set()
        assert broken.wait(PATIENCE)
        yield make_features(2)
        yield make_features(3)

    peer.script("IdentifyStream", break_off, peer.normally)
    answers = list(client.identify_stream(harness.camera(camera()), timeout=PATIENCE))
    assert [(found.frame_id, found.answer.feature_count) for found in answers] == [(0, 1), (1, 2), (2, 3)]


def test_parts_of_a_frame_are_sent_again(client: Any, peer: Peer) -> None:
    parts: list[list[tuple[int, bool]]] = []

    def step(breaks_at: int) -> Any:
        def answers(requests: Any, context: grpc.ServicerContext) -> Iterator[search.IdentifyStreamResponse]:
            parts.append([])
            for number, request in enumerate(requests):
                parts[-1].append((request.frame_id, request.more))
                if number == breaks_at:
                    abort(context, grpc.StatusCode.UNAVAILABLE, "killed")
                yield search.IdentifyStreamResponse(
                    frame_id=request.frame_id, answer=answer_of(request.query), provisional=request.more
                )

        return answers

    peer.script("IdentifyStream", step(1), step(-1))
    answers = list(client.identify_stream([make_features(900, seed=2)], max_bytes=4096, progressive=True))
    assert not answers[-1].provisional
    assert {found.frame_id for found in answers} == {0}
    assert parts[0] == parts[1][:2] == [(0, True), (0, True)]
    assert parts[1][-1] == (0, False)
    assert answers[-1].answer.request_bytes > 2048


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[bytes, bytes, Path]:
    authority = trustme.CA()
    issued = authority.issue_cert("search.example.org")
    root = tmp_path / "root.pem"
    authority.cert_pem.write_to_path(root)
    return issued.private_key_pem.bytes(), issued.cert_chain_pems[0].bytes(), root


def test_servers_of_a_list_have_the_certificate_of_the_first(
    harness: Harness,
    certificate: tuple[bytes, bytes, Path],
    features: FeatureSet,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_up = socket.getaddrinfo

    def names(host: str, *more: Any, **how: Any) -> Any:
        return looked_up("127.0.0.1" if host.endswith(".example.org") else host, *more, **how)

    monkeypatch.setattr(socket, "getaddrinfo", names)
    key, chain, root = certificate
    peers = Peer(), Peer()
    servers = [peer.start("127.0.0.1:0", grpc.ssl_server_credentials([(key, chain)])) for peer in peers]
    hosts = [f"search.example.org:{peers[0].port}", f"127.0.0.1:{peers[1].port}"]
    client = harness.client(",".join(hosts), root_certificates=root)
    while not all(peer.calls("Identify") for peer in peers):
        client.identify(features)
    other = harness.client(",".join(reversed(hosts)), root_certificates=root, max_attempts=1)
    with pytest.raises(UnavailableError):
        other.identify(features)
    for server in servers:
        server.stop(0).wait()


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (grpc.StatusCode.INTERNAL, "Stream removed (RST_STREAM (Received RST_STREAM with error code 2))"),
        (grpc.StatusCode.CANCELLED, "CANCELLED"),
    ],
    ids=["a proxy that has lost its server", "a server that closes its connections"],
)
def test_what_is_said_of_a_lost_call_is_no_answer(
    client: Any, peer: Peer, features: FeatureSet, code: grpc.StatusCode, text: str
) -> None:
    lost = fail(code, text)
    peer.script("Identify", lost, lost, peer.normally)
    assert client.identify(features).feature_count == 25
    peer.script("IdentifyStream", lost, peer.normally)
    assert [found.frame_id for found in client.identify_stream([features] * 2)] == [0, 1]
    peer.script("Identify", lost)
    with pytest.raises(UnavailableError, match=r"RST_STREAM|CANCELLED"):
        client.identify(features)
    assert len(peer.calls("Identify")) == 3 + 4
