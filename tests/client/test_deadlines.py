from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from steeple.delf.features import FeatureSet
from steeple.errors import CancelledError, DeadlineExceededError, FailedPreconditionError, InvalidArgumentError
from steeple.v1.model_pb2 import Model

from .conftest import make_features
from .harness import AsyncHarness, Harness
from .peer import PATIENCE, Peer

IMAGE = "landmarks/a/images/1"
CALLS: dict[str, tuple[float, Callable[..., Any]]] = {
    "Identify": (7, lambda client, features, **options: client.identify(features, **options)),
    "GetModel": (7, lambda client, _, **options: client.get_model("delf-lite2-v1", **options)),
    "ListModels": (7, lambda client, _, **options: client.list_models(**options)),
    "GetServerInfo": (7, lambda client, _, **options: client.server_info(**options)),
    "CreateLandmark": (7, lambda client, _, **options: client.create_landmark("A", **options)),
    "GetLandmark": (7, lambda client, _, **options: client.get_landmark("a", **options)),
    "ListLandmarks": (7, lambda client, _, **options: list(client.list_landmarks(**options))),
    "UpdateLandmark": (7, lambda client, _, **options: client.update_landmark("a", description="b", **options)),
    "DeleteLandmark": (7, lambda client, _, **options: client.delete_landmark("a", **options)),
    "CreateReferenceImage": (
        70,
        lambda client, features, **options: client.add_reference_image("a", features, **options),
    ),
    "GetReferenceImage": (7, lambda client, _, **options: client.get_reference_image(IMAGE, **options)),
    "ListReferenceImages": (7, lambda client, _, **options: list(client.list_reference_images("a", **options))),
    "DeleteReferenceImage": (7, lambda client, _, **options: client.delete_reference_image(IMAGE, **options)),
    "DownloadReferenceImage": (70, lambda client, _, **options: client.download_reference_image(IMAGE, **options)),
}


@pytest.mark.parametrize("method", CALLS)
def test_every_call_has_a_deadline_and_keeps_to_it(
    harness: Harness, target: str, peer: Peer, features: FeatureSet, method: str
) -> None:
    peer.models["models/delf-lite2-v1"] = Model(name="models/delf-lite2-v1")
    client = harness.client(target, timeout=7, long_timeout=70)
    expected, call = CALLS[method]
    call(client, features)
    (received,) = peer.received
    assert received.time_remaining is not None
    assert expected - 3 < received.time_remaining < expected + 1  # gRPC rounds up what it sends
    peer.script(method, peer.blocked)
    for timeout in (0.2, 1.0, 3.0):
        start = time.monotonic()
        with pytest.raises(DeadlineExceededError, match=rf"within {timeout:g} s"):
            call(client, features, timeout=timeout)
        assert timeout <= time.monotonic() - start < 5
        if peer.entered.is_set():  # on a busy machine a short deadline passes before the call arrives
            break
    assert peer.cancelled.wait(PATIENCE)


def test_uploads_and_forced_deletes_get_the_long_timeout(harness: Harness, target: str, peer: Peer) -> None:
    client = harness.client(target, timeout=7, long_timeout=70)
    client.identify(b"photo", upload=True)
    client.delete_landmark("a", force=True)
    assert [60 < (call.time_remaining or 0) < 71 for call in peer.received] == [True, True]


def test_the_defaults_are_10_and_60_seconds(client: Any, peer: Peer, features: FeatureSet) -> None:
    client.identify(features)
    client.identify(b"photo", upload=True)
    short, long = (call.time_remaining or 0 for call in peer.received)
    assert 5 < short < 11  # gRPC rounds up what it sends
    assert 55 < long < 61


def test_a_stream_has_a_deadline_if_it_is_given_one(client: Any, peer: Peer, features: FeatureSet) -> None:
    assert len(list(client.identify_stream([features]))) == 1
    assert peer.received[0].time_remaining is None or peer.received[0].time_remaining > 1e6
    peer.script("IdentifyStream", peer.blocked)
    with pytest.raises(DeadlineExceededError, match=r"within 0\.2 s"):
        list(client.identify_stream([features], timeout=0.2))


@pytest.mark.parametrize("timeout", [0, -1, math.nan, math.inf])
def test_a_timeout_must_be_a_positive_number(
    harness: Harness, target: str, client: Any, peer: Peer, features: FeatureSet, timeout: float
) -> None:
    attempts: list[Callable[[], Any]] = [
        lambda: client.identify(features, timeout=timeout),
        lambda: client.identify_stream([features], timeout=timeout),
        lambda: client.wait_until_ready(timeout),
        lambda: harness.client(target, timeout=timeout),
        lambda: harness.client(target, long_timeout=timeout),
    ]
    for attempt in attempts:
        with pytest.raises(InvalidArgumentError, match="positive number of seconds"):
            attempt()
    assert peer.received == []


# --- closing ---


def test_a_closed_client_says_so(client: Any, peer: Peer, features: FeatureSet) -> None:
    client.identify(features)
    client.close()
    client.close()
    attempts: list[Callable[[], Any]] = [
        lambda: client.identify(features),
        lambda: client.get_landmark("a"),
        lambda: list(client.list_landmarks()),
        lambda: list(client.identify_stream([features])),
        lambda: client.wait_until_ready(1),
    ]
    for attempt in attempts:
        with pytest.raises(FailedPreconditionError, match="the client is closed; make another"):
            attempt()
    assert len(peer.received) == 1


def test_closing_cancels_what_is_under_way(client: Any, peer: Peer, features: FeatureSet) -> None:
    peer.script("Identify", peer.blocked)
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(client.identify, features)
        assert peer.entered.wait(PATIENCE)
        client.close()
        with pytest.raises(CancelledError):
            call.result(PATIENCE)
    assert peer.cancelled.wait(PATIENCE)


def test_a_with_block_closes(harness: Harness, target: str, features: FeatureSet) -> None:
    if isinstance(harness, AsyncHarness):
        wrapped = harness.client(target).wrapped

        async def use() -> None:
            async with wrapped as client:
                await client.identify(features)
            await client.identify(features)

        with pytest.raises(FailedPreconditionError):
            harness.run(use())
    else:
        with harness.client(target) as client:
            client.identify(features)
        with pytest.raises(FailedPreconditionError):
            client.identify(features)


def test_one_client_serves_many_threads(client: Any, peer: Peer) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda count: client.identify(make_features(count)), range(40)))
    assert [answer.feature_count for answer in answers] == list(range(40))
