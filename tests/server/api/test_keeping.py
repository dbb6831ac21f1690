"""Queries that are kept: which, of whom, what of them, and for how long."""

from __future__ import annotations

import itertools
import threading
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest

from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.server.access import Scope
from steeple.server.review import Review
from steeple.server.review.keeper import MOST_WAITING
from steeple.v1 import review_service_pb2 as api
from steeple.v1.features_pb2 import FeatureSet as FeatureSetMessage
from steeple.v1.review_service_pb2_grpc import ReviewServiceStub
from steeple.v1.visual_search_service_pb2 import (
    IdentifyRequest,
    IdentifyStreamRequest,
    Query,
)

from .conftest import Refused, Running, Start
from .test_access import bearer, make_key
from .test_metrics import scraped

MakeFeatures = Callable[..., FeatureSet]
MakePhoto = Callable[..., bytes]


@pytest.fixture
def database_url(catalogue_url: str) -> str:
    return catalogue_url


def stub(running: Running) -> Any:
    return ReviewServiceStub(running.channel)


async def review_of(running: Running) -> Review:
    return (await running.server.ready()).review


async def ask(running: Running, source: bytes | FeatureSet, *, no_keep: bool = False, metadata: Any = None) -> None:
    query = Query(no_keep=no_keep)
    if isinstance(source, bytes):
        query.image = source
    else:
        query.features.CopyFrom(wire.pack(source))
    await running.search.Identify(IdentifyRequest(query=query), metadata=metadata)


async def kept(running: Running, metadata: Any = None, **asked: Any) -> list[api.KeptQuery]:
    """Once everything that was answered is written."""
    (await review_of(running)).keeper.settle()
    found = await stub(running).ListKeptQueries(api.ListKeptQueriesRequest(**asked), metadata=metadata)
    return list(found.kept_queries)


def files(running: Running) -> dict[str, bytes]:
    folder = running.settings.data_dir
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def anywhere(running: Running, *parts: bytes) -> set[str]:
    """Files of the data folder that hold one of these."""
    return {name for name, data in files(running).items() if any(part in data for part in parts)}


@pytest.fixture
async def keeping(start: Start, make_features: MakeFeatures) -> AsyncIterator[Running]:
    """A server that keeps all queries, with one landmark."""
    async with start(keep_queries="all", metrics_address=":0") as running:
        await running.add("tower", make_features(1))
        yield running


# --- what is kept ---


async def test_nothing_is_kept_by_default(
    start: Start, make_features: MakeFeatures, make_photo: MakePhoto, refused: Refused
) -> None:
    photo, features = make_photo(4), make_features(9)
    async with start(feedback="off") as running:
        await running.add("tower", make_features(1))
        before = set(files(running))
        for source in (photo, features, make_features(1)):
            await ask(running, source)
        call: Any = running.search.IdentifyStream()
        await call.write(IdentifyStreamRequest(frame_id=1, query=Query(features=wire.pack(features))))
        await call.read()
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF
        found = await refused(kept(running))
        assert found.code is grpc.StatusCode.FAILED_PRECONDITION
        assert "steeple serve --keep-queries unknown" in found.message
        with (await running.server.ready()).catalogue.database.read() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM kept_query").scalar_one() == 0
    assert {name for name in set(files(running)) - before if not name.startswith("index/")} == set()
    assert anywhere(running, photo[1000:1064], wire.pack(features).descriptors[400:464]) == set()


async def test_what_is_kept_of_a_photo_and_of_features(
    start: Start, make_features: MakeFeatures, make_photo: MakePhoto
) -> None:
    photo, features = make_photo(4), make_features(1)
    tagged = photo[:2] + b"\xff\xfe\x00\x0aSECRET12" + photo[2:]
    async with start(keep_queries="all", access="keys") as running:
        editor, app = [await make_key(running, scope) for scope in (Scope.EDITOR, Scope.DEVICE)]
        await running.add("tower", features, metadata=bearer(editor.secret))
        await ask(running, tagged, metadata=(*bearer(app.secret), ("x-request-id", "call-1")))
        await ask(running, features, metadata=bearer(app.secret))
        by_photo, by_features = await kept(running, bearer(editor.secret))
        assert (by_photo.outcome, by_photo.content, by_photo.media_type) == (2, 1, "image/jpeg")
        assert (by_photo.key, by_photo.request_id, by_photo.model) == (app.key.name, "call-1", "models/delf-lite2-v1")
        assert (by_photo.image_width, by_photo.image_height) == (320, 240)
        assert by_photo.expire_time.ToDatetime() - by_photo.create_time.ToDatetime() == timedelta(days=30)
        assert (by_features.outcome, by_features.content, by_features.media_type) == (1, 2, "")
        (candidate,) = by_features.candidates
        assert (candidate.landmark, candidate.reference_image) == ("landmarks/tower", "landmarks/tower/images/one")
        assert candidate.confidence > 0.9
        assert by_features.feature_count == candidate.matches == 200

        async def download(name: str) -> api.DownloadKeptQueryResponse:
            request = api.DownloadKeptQueryRequest(name=name)
            found: api.DownloadKeptQueryResponse = await stub(running).DownloadKeptQuery(
                request, metadata=bearer(editor.secret)
            )
            return found

        found = await download(by_photo.name)
        assert found.image.endswith(photo[-4096:])
        assert len(found.image) == by_photo.size_bytes < len(tagged)
        assert anywhere(running, b"SECRET12") == set()
        assert FeatureSetMessage.FromString((await download(by_features.name)).features.SerializeToString()) == (
            wire.pack(features)
        )
        small = await stub(running).GetKeptQueryThumbnail(
            api.GetKeptQueryThumbnailRequest(name=by_photo.name), metadata=bearer(editor.secret)
        )
        assert small.image.startswith(b"\xff\xd8")
        with pytest.raises(grpc.aio.AioRpcError, match="the photo stayed on the device"):
            await stub(running).GetKeptQueryThumbnail(
                api.GetKeptQueryThumbnailRequest(name=by_features.name), metadata=bearer(editor.secret)
            )


async def test_who_does_not_want_it_is_heeded(start: Start, make_features: MakeFeatures) -> None:
    async with start(access="keys") as first:
        editor, app = [await make_key(first, scope) for scope in (Scope.EDITOR, Scope.DEVICE)]
        await first.add("tower", make_features(1), metadata=bearer(editor.secret))
    flags = {"access": "keys", "keep_queries_excluded_keys": [app.key.id]}
    async with start(keep_queries="unknown", **flags) as running:
        await ask(running, make_features(1), metadata=bearer(editor.secret))  # identified
        await ask(running, make_features(7), metadata=bearer(editor.secret), no_keep=True)
        await ask(running, make_features(8), metadata=bearer(app.secret))
        keyring = (await running.server.ready()).keyring
        successor, _ = keyring.store.rotate(app.key.id)
        keyring.reload()
        await ask(running, make_features(8), metadata=bearer(successor.secret))
        await ask(running, make_features(9), metadata=bearer(editor.secret))
        assert [query.key for query in await kept(running, bearer(editor.secret))] == [editor.key.name]


async def test_a_share_is_kept(start: Start, make_features: MakeFeatures) -> None:
    async with start(keep_queries="all", keep_queries_sample=0.5) as running:
        (await review_of(running)).keeper._share = itertools.cycle([0.2, 0.9, 0.4, 0.5]).__next__
        for number in range(4):
            await ask(running, make_features(number))
        assert len(await kept(running)) == 2


async def test_of_a_camera_the_last_frame_is_kept_with_its_last_answer(
    keeping: Running, make_features: MakeFeatures
) -> None:
    parts = {number: wire.pack(make_features(number, count=40)) for number in range(10)}

    async def camera(*frames: tuple[int, int, bool, bool]) -> list[api.KeptQuery]:
        before = {query.name for query in await kept(keeping)}
        call: Any = keeping.search.IdentifyStream()
        for frame, number, more, no_keep in frames:
            query = Query(features=parts[number], no_keep=no_keep)
            await call.write(IdentifyStreamRequest(frame_id=frame, query=query, more=more))
            await call.read()
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF
        return [query for query in await kept(keeping) if query.name not in before]

    (query,) = await camera((1, 5, False, False), (2, 6, False, False), (3, 7, True, False), (3, 8, False, False))
    assert query.feature_count == 80, "both parts of the last frame"
    source = (await review_of(keeping)).source(query.name.removeprefix("queries/"))[1]
    assert isinstance(source, FeatureSet)
    assert wire.pack(source).descriptors == parts[7].descriptors + parts[8].descriptors
    (query,) = await camera((1, 5, False, False), (2, 6, False, True))
    assert query.feature_count == 40
    assert await camera((1, 5, True, False), (1, 6, False, True)) == [], "one part that says so is enough"


# --- time and room ---


async def test_what_is_old_goes(keeping: Running, make_features: MakeFeatures) -> None:
    review, now = await review_of(keeping), datetime(2027, 1, 1, tzinfo=UTC)
    review._clock = review.keeper._clock = lambda: now
    await ask(keeping, make_features(5))
    await kept(keeping)
    now += timedelta(days=20)
    await ask(keeping, make_features(6))
    first, second = await kept(keeping)
    now += timedelta(days=10)
    review.purge()
    assert len(await kept(keeping)) == 2, "30 days are not over"
    now += timedelta(microseconds=1)
    review.purge()
    assert await kept(keeping) == [second]
    assert {name for name in files(keeping) if "queries" in name} == {second.name}
    assert first.name < second.name


async def test_the_oldest_go_where_there_is_no_room(start: Start, make_features: MakeFeatures) -> None:
    async with start(keep_queries="all", kept_queries_max_bytes=3 * 46 * 200) as running:
        for number in range(4):
            await ask(running, make_features(number))
            names = [query.name for query in await kept(running)]
        assert len(names) == 2, "each takes a little more than its features"
        assert {name for name in files(running) if "queries" in name} == set(names)
        await ask(running, make_features(5, count=1000))
        assert [query.name for query in await kept(running)] == names, "what never fits throws nothing out"


async def test_a_start_makes_room_where_there_is_less_also_if_no_more_is_kept(
    start: Start, make_features: MakeFeatures
) -> None:
    async with start(keep_queries="all") as running:
        for number in range(4):
            await ask(running, make_features(number))
        names = [query.name for query in await kept(running)]
    async with start(kept_queries_max_bytes=3 * 46 * 200) as running:
        left = [query.name for query in await kept(running)]
    assert sorted(left) == sorted(names)[2:], "the latest"
    assert {name for name in files(running) if "queries" in name} == set(left)


async def test_a_full_queue_drops_and_counts(keeping: Running, make_features: MakeFeatures) -> None:
    review, gate, began = await review_of(keeping), threading.Event(), threading.Event()
    write = review.keeper._write

    def wait(draft: Any, request: Any = None) -> str:
        began.set()
        gate.wait(30)
        return write(draft, request)

    review.keeper._write = wait  # type: ignore[method-assign]
    await ask(keeping, make_features(5))
    assert began.wait(30)
    try:
        for _ in range(MOST_WAITING + 3):
            await ask(keeping, make_features(5, count=20))  # none of them waits for the disk
    finally:
        gate.set()
    assert len(await kept(keeping, page_size=1000)) == MOST_WAITING + 1
    told = await scraped(keeping)
    assert told['steeple_kept_queries_total{result="kept"}'] == MOST_WAITING + 1
    assert told['steeple_kept_queries_total{result="dropped"}'] == 3
    assert told['steeple_kept_queries_total{result="failed"}'] == 0


async def test_what_cannot_be_written_is_counted_and_leaves_nothing(
    keeping: Running, make_features: MakeFeatures
) -> None:
    folder = keeping.settings.data_dir / "queries"
    folder.write_text("in the way")
    await ask(keeping, make_features(5))
    (await review_of(keeping)).keeper.settle()
    assert (await review_of(keeping)).keeper.counts == {"kept": 0, "dropped": 0, "failed": 1}
    folder.unlink()
    await ask(keeping, make_features(6))
    assert len(await kept(keeping)) == 1


async def test_a_stopped_server_writes_what_waits_and_a_start_removes_strangers(
    start: Start, make_features: MakeFeatures
) -> None:
    async with start(keep_queries="all") as running:
        await ask(running, make_features(5))
    stranger = Path(running.settings.data_dir, "queries", "20270131-120000123-x7kq2m4a")
    stranger.write_bytes(b"as after a crash")
    async with start() as running:  # keeps no more, and still has what was kept
        assert len(await kept(running)) == 1
        assert not stranger.exists()
