from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

from steeple.app.data import AppData
from steeple.app.found import Found, Origin
from steeple.app.search_stream import SearchStream
from steeple.app.server_watch import ServerWatch
from steeple.client import Client
from steeple.delf.features import FeatureSet
from steeple.errors import DeadlineExceededError, SteepleError, UnauthenticatedError, UnavailableError
from steeple.v1 import visual_search_service_pb2 as search
from tests.client.peer import PATIENCE, Peer, abort, fail, info
from tests.client.peer import answer_of as answer_to

from .known import answer_of, features_of
from .test_searcher import Changes, searching


class Camera:
    """Frames as a test gives them."""

    def __init__(self) -> None:
        self._frames: queue.Queue[FeatureSet | Exception | None] = queue.Queue()

    def show(self, *frames: FeatureSet | Exception | None) -> None:
        for frame in frames:
            self._frames.put(frame)

    def __iter__(self) -> Iterator[FeatureSet]:
        while (frame := self._frames.get(timeout=PATIENCE)) is not None:
            if isinstance(frame, Exception):
                raise frame
            yield frame


def features_by_pack(features: FeatureSet) -> Found:
    return Found(answer_of(f"L{len(features)}"), Origin.PACK, "Berlin")


def nobody() -> SteepleError:
    return UnavailableError("nobody")


def test_frames_are_numbered_as_they_were_taken(peer: Peer) -> None:
    frames = [features_of(count) for count in (10, 0, 12, 13)]
    with searching(peer) as searcher:
        assert [(found.frame, found.origin) for found in searcher.stream(frames)] == [
            (0, Origin.SERVER),
            (2, Origin.SERVER),  # the one before shows nothing to recognise it by
            (3, Origin.SERVER),
        ]


def test_packs_take_over_when_the_server_goes_and_hand_back_when_it_comes(
    peer: Peer, data: AppData, packs: Path, features: Mapping[int, FeatureSet]
) -> None:
    data.packs.add(packs / "gate-50.pack")
    changes, camera = Changes(), Camera()
    peer.script("IdentifyStream", breaking_after(1), fail(grpc.StatusCode.UNAVAILABLE))
    peer.script("ListModels", fail(grpc.StatusCode.UNAVAILABLE))
    with searching(peer, packs=data.packs, changes=changes) as searcher:
        stream = searcher.stream(camera)
        camera.show(features[1])
        first = next(stream)
        assert (first.frame, first.origin) == (0, Origin.SERVER)
        camera.show(features[1])
        answers = [next(stream)]
        assert (answers[0].origin, answers[0].pack, answers[0].answer.identified) == (Origin.PACK, "Gate-50", True)
        changes.wait_for(False)
        peer.script("IdentifyStream", peer.normally)
        peer.script("ListModels", peer.normally)
        searcher.retry_now()
        changes.wait_for(False, True)
        while answers[-1].origin is Origin.PACK:
            camera.show(features[1])
            answers.append(next(stream))
        camera.show(None)
        answers += stream
    numbers = [found.frame for found in answers]
    assert numbers == sorted(set(numbers))
    assert numbers[0] >= 1


def test_a_server_that_says_nothing_is_given_up(peer: Peer) -> None:
    peer.script("IdentifyStream", peer.blocked)
    peer.script("ListModels", fail(grpc.StatusCode.UNAVAILABLE))
    changes, camera = Changes(), Camera()
    with Client(f"127.0.0.1:{peer.port}") as client:
        watch = ServerWatch(client, None, changes)
        stream = SearchStream(camera, client.identify_stream, watch, features_by_pack, nobody, patience=0.2)
        camera.show(features_of(5), features_of(6), features_of(7))
        with ThreadPoolExecutor(1) as thread:
            answers = thread.submit(list, stream)
            changes.wait_for(False)
            assert isinstance(watch.problem, DeadlineExceededError | UnavailableError)
            camera.show(features_of(8), None)
            found = answers.result(PATIENCE)
        assert [(one.origin, one.pack) for one in found] == [(Origin.PACK, "Berlin")] * len(found)
        assert found[-1].frame == 3  # the newest
        assert peer.cancelled.wait(PATIENCE)
        watch.close()


@pytest.mark.parametrize("provisional", [False, True])
def test_a_server_that_ends_the_stream_or_stops_in_the_middle_of_a_frame_is_away(provisional: bool, peer: Peer) -> None:
    def begin(requests: Any, context: grpc.ServicerContext) -> Iterator[search.IdentifyStreamResponse]:
        if provisional:
            request = next(requests)
            yield search.IdentifyStreamResponse(
                frame_id=request.frame_id, answer=answer_to(request.query), provisional=True
            )
            peer.blocked(request, context)

    peer.script("IdentifyStream", begin)
    peer.script("ListModels", fail(grpc.StatusCode.UNAVAILABLE))
    changes, camera = Changes(), Camera()
    with Client(f"127.0.0.1:{peer.port}") as client:
        watch = ServerWatch(client, None, changes)
        stream = SearchStream(camera, client.identify_stream, watch, features_by_pack, nobody, patience=0.2)
        camera.show(features_of(5))
        if provisional:
            assert next(stream).provisional
        later = threading.Timer(0.6, camera.show, [features_of(6)])
        later.start()
        assert next(stream).origin is Origin.PACK
        assert changes.told == [False]
        later.join()
        stream.cancel()
        watch.close()


def test_a_camera_that_shows_nothing_for_long_is_no_silent_server(peer: Peer) -> None:
    changes, camera = Changes(), Camera()
    with Client(f"127.0.0.1:{peer.port}") as client:
        watch = ServerWatch(client, None, changes)
        stream = SearchStream(camera, client.identify_stream, watch, features_by_pack, nobody, patience=0.2)
        camera.show(features_of(5))
        assert next(stream).frame == 0
        later = threading.Timer(0.6, camera.show, [features_of(6), None])
        later.start()
        assert [found.frame for found in stream] == [1]
        assert (changes.told, watch.problem) == ([], None)
        later.join()
        watch.close()


@pytest.mark.parametrize("origin", list(Origin))
def test_what_the_camera_raises_comes_through(origin: Origin, peer: Peer) -> None:
    changes = Changes()
    with Client(f"127.0.0.1:{peer.port}") as client:
        watch = ServerWatch(client, None, changes)
        of_server = client.identify_stream if origin is Origin.SERVER else None
        for error in (RuntimeError("the lens fell off"), UnavailableError("the camera is used by another app")):
            camera = Camera()
            camera.show(features_of(5), error)
            stream = SearchStream(
                camera, of_server, watch if of_server else None, features_by_pack, nobody, patience=PATIENCE
            )
            assert next(stream).origin is origin
            with pytest.raises(type(error), match=str(error)):
                next(stream)
            assert list(stream) == []
        assert changes.told == []
        watch.close()


@pytest.mark.parametrize("origin", list(Origin))
def test_it_can_be_cancelled_from_another_thread(origin: Origin, peer: Peer) -> None:
    with Client(f"127.0.0.1:{peer.port}") as client:
        watch, camera = ServerWatch(client, None, Changes()), Camera()
        of_server = client.identify_stream if origin is Origin.SERVER else None
        stream = SearchStream(
            camera, of_server, watch if of_server else None, features_by_pack, nobody, patience=PATIENCE
        )
        camera.show(features_of(5))
        assert next(stream).frame == 0
        with ThreadPoolExecutor(1) as thread:
            rest = thread.submit(list, stream)
            stream.cancel()
            camera.show(None)
            assert rest.result(PATIENCE) == []
        assert (watch.problem, list(stream)) == (None, [])
        watch.close()


def test_with_neither_server_nor_pack_it_says_why_and_asks_the_server_once(peer: Peer) -> None:
    refusal = fail(grpc.StatusCode.UNAUTHENTICATED, "an unknown key", info("UNAUTHENTICATED"))
    peer.script("IdentifyStream", refusal)
    peer.script("ListModels", refusal)
    with searching(peer) as searcher:
        for _ in range(3):
            with pytest.raises(UnauthenticatedError, match="an unknown key; and no pack on this device can answer"):
                list(searcher.stream([features_of(5), features_of(6)]))
        assert len(peer.calls("IdentifyStream")) == 1


def test_closing_the_searcher_ends_its_streams(peer: Peer, data: AppData, packs: Path) -> None:
    data.packs.add(packs / "gate-50.pack")
    camera = Camera()
    with ThreadPoolExecutor(1) as thread:
        with searching(peer, packs=data.packs) as searcher:
            stream = searcher.stream(camera)
            camera.show(features_of(5))
            next(stream)
            rest = thread.submit(list, stream)
        camera.show(features_of(5))
        assert rest.result(PATIENCE) == []


def breaking_after(count: int) -> Callable[[Any, grpc.ServicerContext], Any]:
    """A stream that answers so many frames, and breaks."""

    def step(requests: Any, context: grpc.ServicerContext) -> Any:
        def answers() -> Iterator[search.IdentifyStreamResponse]:
            for number, request in enumerate(requests, start=1):
                yield search.IdentifyStreamResponse(frame_id=request.frame_id, answer=answer_to(request.query))
                if number == count:
                    abort(context, grpc.StatusCode.UNAVAILABLE, "gone")

        return answers()

    return step
