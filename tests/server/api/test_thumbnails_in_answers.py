"""Answers with small reference images, for applications that may not read the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import grpc
import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.delf.image import read_image
from steeple.server.access import Scope
from steeple.server.api import conversion
from steeple.server.thumbnails import Thumbnails, thumbnail
from steeple.v1.visual_search_service_pb2 import (
    Answer,
    IdentifyRequest,
    IdentifyStreamRequest,
    Query,
)
from tests.scenes import encoded, scene

from .conftest import Running, Start
from .test_access import bearer, make_key
from .test_photos_served import SECRET, told

MakeFeatures = Callable[..., FeatureSet]
MakePhoto = Callable[..., bytes]


async def identify(running: Running, metadata: Any = None, **query: Any) -> Answer:
    request = IdentifyRequest(query=Query(**query))
    return (await running.search.Identify(request, metadata=metadata)).answer


async def test_a_device_sees_the_photo_of_what_it_found_and_no_other(start: Start, make_photo: MakePhoto) -> None:
    photo = told(make_photo(0))
    async with start(access="keys") as running:
        editor, phone = [bearer((await make_key(running, scope)).secret) for scope in (Scope.EDITOR, Scope.DEVICE)]
        await running.add("tower", photo, metadata=editor)
        (found,) = (await identify(running, phone, image=photo, include_thumbnails=True)).candidates
    assert (found.reference_width, found.reference_height) == (240, 320), "turned, as matches are"
    assert SECRET not in found.thumbnail
    assert read_image(found.thumbnail).shape == (256, 192, 3)
    expected = cv2.resize(read_image(photo), (192, 256), interpolation=cv2.INTER_AREA)
    assert np.abs(read_image(found.thumbnail).astype(int) - expected).mean() < 6


async def test_an_image_without_a_photo_or_with_a_lost_one_is_answered_without(
    start: Start, make_features: MakeFeatures, make_photo: MakePhoto
) -> None:
    async with start() as running:
        await running.add("tower", make_features(1))
        (found,) = (await identify(running, features=wire.pack(make_features(1)), include_thumbnails=True)).candidates
        assert (found.landmark.name, found.thumbnail) == ("landmarks/tower", b"")
        assert (found.reference_width, found.reference_height) == (make_features(1).width, make_features(1).height)
        photo = make_photo(0)
        await running.add("mill", photo)
        stored = [path for path in Path(running.settings.photos_url).rglob("*") if path.is_file()]
        for path in stored:
            path.unlink()
        answer = await identify(running, image=photo, include_thumbnails=True)
        assert (answer.candidates[0].landmark.name, answer.candidates[0].thumbnail) == ("landmarks/mill", b"")


async def test_only_the_first_candidates_have_one(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "MAX_THUMBNAILS", 1)
    view = scene(7, 320, 240)
    async with start() as running:
        await running.add("tower", encoded(view))
        await running.add("turned", encoded(np.roll(view, 3, axis=1)))
        answer = await identify(running, image=encoded(view), max_candidates=100, include_thumbnails=True)
        assert [bool(candidate.thumbnail) for candidate in answer.candidates] == [True, False]


async def test_a_camera_gets_them_where_it_asks(start: Start, make_photo: MakePhoto) -> None:
    photo = make_photo(0)
    async with start() as running:
        await running.add("tower", photo)
        features = wire.pack((await running.server.ready()).serving.default.extractors.extract(photo))
        call: Any = running.search.IdentifyStream()
        for number, wanted in enumerate((False, True, False)):
            query = Query(features=features, include_thumbnails=wanted)
            await call.write(IdentifyStreamRequest(frame_id=number, query=query))
            response = await call.read()
            assert bool(response.answer.candidates[0].thumbnail) == wanted
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF


async def test_provisional_answers_carry_none_and_take_none_to_make(
    start: Start, make_photo: MakePhoto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("steeple.recognition.records.CERTAIN", 1.1)  # nothing is certain before its last part
    async with start() as running:
        await running.add("tower", make_photo(0))
        engine = await running.server.ready()
        features = engine.serving.default.extractors.extract(make_photo(0))
        rows = np.arange(len(features))
        call: Any = running.search.IdentifyStream()
        for chosen, more in ((rows[::2], True), (rows[1::2], False)):
            query = Query(features=wire.pack(features.chosen(chosen)), include_thumbnails=True)
            await call.write(IdentifyStreamRequest(frame_id=1, query=query, more=more))
            response = await call.read()
            assert response.provisional == more
            assert [bool(candidate.thumbnail) for candidate in response.answer.candidates] == [not more]
            assert bool(engine.ingest.thumbnails._held) == (not more)
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF


async def test_an_answer_that_is_certain_before_its_last_part_has_them(start: Start, make_photo: MakePhoto) -> None:
    async with start() as running:
        await running.add("tower", make_photo(0))
        features = wire.pack((await running.server.ready()).serving.default.extractors.extract(make_photo(0)))
        call: Any = running.search.IdentifyStream()
        query = Query(features=features, include_thumbnails=True)
        await call.write(IdentifyStreamRequest(frame_id=1, query=query, more=True))
        response = await call.read()
        assert (response.provisional, bool(response.answer.candidates[0].thumbnail)) == (False, True)
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF


# --- what is held in memory ---


def test_those_used_last_are_held_within_the_room_that_there_is() -> None:
    photos = {str(number): encoded(scene(number, 320, 240)) for number in range(4)}
    read: list[str] = []

    def get(sha256: str) -> bytes:
        read.append(sha256)
        return photos[sha256]

    sizes = {name: len(thumbnail(read_image(photo))) for name, photo in photos.items()}
    shelf = Thumbnails(get, decoded, max_bytes=sizes["0"] + sizes["1"] + sizes["2"])
    made = {name: shelf.of(name) for name in "012"}
    assert {name: len(one) for name, one in made.items()} == {name: sizes[name] for name in "012"}
    assert shelf.of("0") == made["0"]
    assert read == ["0", "1", "2"]
    shelf.of("3")  # takes the place of what was not used for longest
    assert shelf.of("0") == made["0"]
    assert read == ["0", "1", "2", "3"]
    shelf.of("1")
    assert read[-1] == "1"
    tiny = Thumbnails(get, decoded, max_bytes=10)
    assert tiny.of("0") == made["0"], "what never fits is made anew each time"


@contextmanager
def decoded(photo: bytes) -> Iterator[NDArray[np.uint8]]:
    yield read_image(photo)
