from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from steeple.client import StreamAnswer
from steeple.delf.features import FeatureSet
from steeple.errors import CancelledError, ImageError, InvalidArgumentError
from steeple.v1 import visual_search_service_pb2 as search

from .conftest import make_features
from .harness import AsyncHarness, Harness
from .peer import PATIENCE, Peer, abort, answer_of, info


def test_every_frame_that_the_server_takes_is_answered_in_order(client: Any) -> None:
    frames = [make_features(count) for count in range(30)]
    answers = list(client.identify_stream(frames))
    assert [answer.frame_id for answer in answers] == list(range(30))
    assert [answer.answer.feature_count for answer in answers] == list(range(30))
    assert all(answer.dropped_frames == 0 for answer in answers)
    assert all(answer.answer.timings.round_trip > 0 for answer in answers)


def test_frames_that_the_server_overtook_are_counted(client: Any, peer: Peer) -> None:
    def every_third(requests: Any, _: grpc.ServicerContext) -> Iterator[search.IdentifyStreamResponse]:
        for dropped, request in enumerate(requests, start=1):
            if request.frame_id % 3 == 2:
                answer = answer_of(request.query)
                yield search.IdentifyStreamResponse(
                    frame_id=request.frame_id, answer=answer, dropped_frames=dropped - (request.frame_id + 1) // 3
                )

    peer.script("IdentifyStream", every_third)
    answers = list(client.identify_stream([make_features(count) for count in range(9)]))
    assert [(answer.frame_id, answer.dropped_frames) for answer in answers] == [(2, 2), (5, 4), (8, 6)]
    # Facts of the frame that is answered, not of those that were dropped.
    sizes = [answer.answer.request_bytes for answer in answers]
    assert [round((size - sizes[0]) / 46) for size in sizes] == [0, 3, 6]


def test_frames_say_how_to_answer(client: Any, peer: Peer, features: FeatureSet) -> None:
    asked: list[search.Query] = []

    def remember(requests: Any, _: grpc.ServicerContext) -> Iterator[search.IdentifyStreamResponse]:
        for request in requests:
            asked.append(request.query)
            yield search.IdentifyStreamResponse(frame_id=request.frame_id)

    peer.script("IdentifyStream", remember)
    list(client.identify_stream([features, features], max_candidates=9, include_matches=True))
    list(client.identify_stream([b"photo"], upload=True))
    assert [(query.max_candidates, query.include_matches, query.image) for query in asked] == [
        (9, True, b""),
        (9, True, b""),
        (5, False, b"photo"),
    ]
    with pytest.raises(InvalidArgumentError, match="1 to 100"):
        client.identify_stream([], max_candidates=101)


def test_no_frames_no_answers(client: Any) -> None:
    assert list(client.identify_stream([])) == []


def test_a_frame_may_wait_for_the_answer_to_the_one_before(harness: Harness, client: Any, features: FeatureSet) -> None:
    answered: queue.Queue[int] = queue.Queue()

    def ping_pong() -> Iterator[FeatureSet]:
        yield features
        while answered.get(timeout=PATIENCE) < 4:
            yield features

    numbers = []
    for answer in client.identify_stream(harness.camera(ping_pong())):
        numbers.append(answer.frame_id)
        answered.put(answer.frame_id)
    assert numbers == [0, 1, 2, 3, 4]


class Camera:
    """Gives some frames, then blocks as a camera does whose next picture is not there yet."""

    def __init__(self, frames: list[Any]) -> None:
        self.frames = frames
        self.blocked = threading.Event()
        self.released = threading.Event()
        self.taken_after_release = 0

    def __iter__(self) -> Iterator[Any]:
        yield from self.frames
        self.blocked.set()
        self.released.wait(PATIENCE)
        while self.taken_after_release < 1000:
            self.taken_after_release += 1
            yield self.frames[0]


def test_leaving_early_cancels_the_call_and_leaves_nothing_running(
    harness: Harness, client: Any, peer: Peer, features: FeatureSet
) -> None:
    camera = Camera([features] * 3)
    answers = harness.take(client, harness.camera(iter(camera)), 2)
    assert [answer.frame_id for answer in answers] == [0, 1]
    assert peer.cancelled.wait(PATIENCE)
    camera.released.set()
    assert harness.busy() == []
    assert camera.taken_after_release <= 1
    assert client.identify(features).feature_count == 25


def test_leaving_early_while_frames_are_being_sent_leaves_nothing_running(
    harness: Harness, client: Any, peer: Peer, features: FeatureSet
) -> None:
    def endless() -> Iterator[FeatureSet]:
        while True:
            yield features

    for _ in range(5):
        assert len(harness.take(client, harness.camera(endless()), 3)) == 3
        assert peer.cancelled.wait(PATIENCE)
        peer.cancelled.clear()
    assert harness.busy() == []


def test_a_camera_between_two_frames_ends_when_the_server_ends_the_stream(
    harness: Harness, client: Any, peer: Peer, features: FeatureSet
) -> None:
    ended = threading.Event()

    def camera() -> Iterator[FeatureSet]:
        try:
            while True:
                yield features
        finally:
            ended.set()

    peer.script("IdentifyStream", lambda *_: iter(()))
    stream = client.identify_stream(harness.camera(camera()))
    assert list(stream) == []
    assert ended.wait(PATIENCE)  # although the stream is still held
    assert list(stream) == []


def test_a_stream_can_be_cancelled_while_it_is_waited_for(
    harness: Harness, client: Any, peer: Peer, features: FeatureSet
) -> None:
    camera = Camera([features])
    stream = client.identify_stream(harness.camera(iter(camera)))
    assert next(stream).frame_id == 0
    rest: queue.Queue[list[StreamAnswer]] = queue.Queue()
    waiting = threading.Thread(target=lambda: rest.put(list(stream)))
    waiting.start()
    assert camera.blocked.wait(PATIENCE)
    assert harness.feeding() != []
    stream.cancel()
    assert rest.get(timeout=PATIENCE) == []
    waiting.join(PATIENCE)
    assert peer.cancelled.wait(PATIENCE)
    camera.released.set()
    assert harness.busy() == []
    assert list(stream) == []


def test_closing_the_client_ends_its_streams(harness: Harness, client: Any, peer: Peer, features: FeatureSet) -> None:
    camera = Camera([features])
    stream = client.identify_stream(harness.camera(iter(camera)))
    next(stream)
    assert camera.blocked.wait(PATIENCE)
    threading.Timer(0.05, client.close).start()
    with pytest.raises(CancelledError):
        next(stream)
    camera.released.set()
    assert harness.busy() == []
    assert list(stream) == []


def test_a_frame_that_cannot_be_used_ends_the_stream_after_the_answers_before_it(
    client: Any, features: FeatureSet, tmp_path: Path
) -> None:
    missing = tmp_path / "missing.jpg"
    stream = client.identify_stream([b"one", b"two", missing, b"never sent"], upload=True)
    assert next(stream).frame_id == 0
    assert next(stream).frame_id == 1
    with pytest.raises(ImageError, match=r"missing\.jpg cannot be read"):
        next(stream)
    assert list(stream) == []


def test_an_exception_of_the_camera_reaches_the_consumer(harness: Harness, client: Any, features: FeatureSet) -> None:
    unplugged = OSError("unplugged")

    def camera() -> Iterator[FeatureSet]:
        yield features
        raise unplugged

    stream = client.identify_stream(harness.camera(camera()))
    assert next(stream).frame_id == 0
    with pytest.raises(OSError, match="unplugged") as caught:
        next(stream)
    assert caught.value is unplugged


def test_an_error_of_the_server_is_told_while_the_camera_blocks(
    harness: Harness, client: Any, peer: Peer, features: FeatureSet
) -> None:
    def refuse_second(requests: Any, context: grpc.ServicerContext) -> Iterator[search.IdentifyStreamResponse]:
        yield search.IdentifyStreamResponse(frame_id=next(requests).frame_id)
        next(requests)
        abort(context, grpc.StatusCode.INVALID_ARGUMENT, "the second is no image", info("IMAGE_INVALID"))

    peer.script("IdentifyStream", refuse_second)
    camera = Camera([features] * 2)
    stream = client.identify_stream(harness.camera(iter(camera)))
    assert next(stream).frame_id == 0
    with pytest.raises(ImageError, match="the second is no image"):
        next(stream)
    camera.released.set()
    assert harness.busy() == []
    assert list(stream) == []


@pytest.mark.parametrize("code", [grpc.StatusCode.INVALID_ARGUMENT, None], ids=["error", "OK"])
def test_the_end_that_the_server_gave_is_told_also_while_frames_are_being_sent(
    harness: Harness, client: Any, peer: Peer, features: FeatureSet, code: grpc.StatusCode | None
) -> None:
    def end_at_once(_: Any, context: grpc.ServicerContext) -> Iterator[search.IdentifyStreamResponse]:
        if code is not None:
            abort(context, code, "no", info("IMAGE_INVALID"))
        return iter(())

    peer.script("IdentifyStream", end_at_once)
    for _ in range(50):  # whether a message is just being sent is a matter of microseconds
        stream = client.identify_stream([features] * 3)
        if code is None:
            assert list(stream) == []
        else:
            with pytest.raises(ImageError, match="no"):
                list(stream)
    assert harness.busy() == []


def test_a_with_block_ends_the_stream(harness: Harness, client: Any, peer: Peer, features: FeatureSet) -> None:
    camera = Camera([features])
    if isinstance(harness, AsyncHarness):

        async def use() -> Any:
            async with client.wrapped.identify_stream(harness.camera(iter(camera))) as stream:
                await anext(stream)
            return stream

        harness.run(use())
    else:
        with client.identify_stream(iter(camera)) as stream:
            next(stream)
        assert list(stream) == []
    assert peer.cancelled.wait(PATIENCE)
    camera.released.set()
    assert harness.busy() == []
