"""Queries that are kept: which, of whom, what of them; reviewed, promoted, and erased so that nothing is left."""

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
from steeple.v1.catalog_service_pb2 import DUPLICATE_POLICY_REFUSE, DeleteReferenceImageRequest
from steeple.v1.features_pb2 import FeatureSet as FeatureSetMessage
from steeple.v1.review_service_pb2_grpc import ReviewServiceStub
from steeple.v1.visual_search_service_pb2 import (
    OUTCOME_IDENTIFIED,
    OUTCOME_UNKNOWN,
    IdentifyRequest,
    IdentifyStreamRequest,
    Query,
)

from .conftest import Refused, Running, Start
from .test_access import bearer, make_key
from .test_metrics import scraped

MakeFeatures = Callable[..., FeatureSet]
MakePhoto = Callable[..., bytes]

REQUEST_ID = "5f0c6a5e-0b1d-4f7a-9d3c-000000000001"


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
    async with start() as running:
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


async def test_a_full_queue_drops_and_counts(keeping: Running, make_features: MakeFeatures) -> None:
    review, gate, began = await review_of(keeping), threading.Event(), threading.Event()
    write = review.keeper._write

    def wait(draft: Any) -> None:
        began.set()
        gate.wait(30)
        write(draft)

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


# --- lists ---


async def test_lists_are_filtered_sorted_and_paged(
    keeping: Running, make_features: MakeFeatures, refused: Refused
) -> None:
    for number in (1, 5, 6):
        await ask(keeping, make_features(number))
    identified, *unknown = await kept(keeping)
    for filter, expected in {
        "outcome = identified": [identified],
        "landmark = tower AND confidence > 0.9": [identified],
        "NOT outcome = identified": unknown,
        f'create_time > "{identified.create_time.ToDatetime(UTC).isoformat()}"': unknown,
        "content = photo": [],
        "verdict = none AND promoted = false": [identified, *unknown],
    }.items():
        assert await kept(keeping, filter=filter) == expected, filter
    falling = [unknown[1], unknown[0], identified]
    assert await kept(keeping, order_by="create_time desc") == falling
    assert (await kept(keeping, order_by="confidence desc"))[0] == identified
    token, seen = "", []
    while True:
        request = api.ListKeptQueriesRequest(page_size=2, page_token=token, order_by="confidence, id desc")
        page = await stub(keeping).ListKeptQueries(request)
        assert page.total_size == 3
        seen += [query.name for query in page.kept_queries]
        if not (token := page.next_page_token):
            break
    assert sorted(seen) == [query.name for query in (identified, *unknown)]
    for filter in ("verdict = maybe", "confidence > high", "peer = 1"):
        assert (await refused(kept(keeping, filter=filter))).code is grpc.StatusCode.INVALID_ARGUMENT


# --- review and promotion ---


async def test_a_reviewed_query_becomes_a_reference_image(
    keeping: Running, make_features: MakeFeatures, make_photo: MakePhoto, refused: Refused
) -> None:
    service, photo = stub(keeping), make_photo(4)
    await keeping.add("bridge", make_features(2))
    await ask(keeping, photo)
    await ask(keeping, make_features(3))
    sources: tuple[bytes | FeatureSet, ...] = (photo, make_features(3))
    for source, query in zip(sources, await kept(keeping), strict=True):
        promote = api.PromoteQueryRequest(name=query.name, metadata={"from": "review"}, request_id=REQUEST_ID)
        promote.request_id = REQUEST_ID[:-1] + str(query.content)
        found = await refused(service.PromoteQuery(promote))
        assert (found.code, query.outcome) == (grpc.StatusCode.FAILED_PRECONDITION, OUTCOME_UNKNOWN)
        review = api.ReviewQueryRequest(
            name=query.name, verdict=api.KeptQuery.VERDICT_LANDMARK, landmark="landmarks/bridge"
        )
        reviewed = (await service.ReviewQuery(review)).kept_query
        assert (reviewed.landmark, reviewed.reviewer) == ("landmarks/bridge", "open")
        assert reviewed.HasField("review_time")
        assert await kept(keeping, filter="reviewed_landmark = bridge AND promoted = false") == [reviewed]

        made = await service.PromoteQuery(promote)
        assert made.kept_query.reference_image == made.reference_image.name
        assert made.reference_image.name.startswith("landmarks/bridge/images/")
        assert dict(made.reference_image.metadata) == {"from": "review"}
        again = await service.PromoteQuery(promote)
        assert again.reference_image.name == made.reference_image.name, "a repeat"
        promote.request_id = ""
        assert (await refused(service.PromoteQuery(promote))).code is grpc.StatusCode.ALREADY_EXISTS
        answer = await keeping.ask(source)
        assert answer.outcome == OUTCOME_IDENTIFIED
        assert answer.candidates[0].reference_image == made.reference_image.name
    photos = [name for name in files(keeping) if name.startswith("images/")]
    assert len(photos) == 1, "of the query by features there is none"

    # The photo is the image's too, and outlives the query; the image gone, the query may become one again.
    first = (await kept(keeping, filter="promoted = true AND content = photo"))[0]
    await service.EraseQueries(api.EraseQueriesRequest(all=True))
    assert [name for name in files(keeping) if name.startswith("images/")] == photos
    assert (await keeping.ask(photo)).candidates[0].reference_image == first.reference_image
    await keeping.catalog.DeleteReferenceImage(DeleteReferenceImageRequest(name=first.reference_image))
    (query,) = await kept(keeping, order_by="id desc", page_size=1)
    assert (query.outcome, query.content) == (OUTCOME_IDENTIFIED, api.KeptQuery.CONTENT_PHOTO)
    await service.ReviewQuery(api.ReviewQueryRequest(name=query.name, verdict=api.KeptQuery.VERDICT_RIGHT))
    made = await service.PromoteQuery(api.PromoteQueryRequest(name=query.name))
    assert made.reference_image.name.startswith("landmarks/bridge/images/")
    await keeping.catalog.DeleteReferenceImage(DeleteReferenceImageRequest(name=made.reference_image.name))
    assert (await service.PromoteQuery(api.PromoteQueryRequest(name=query.name))).reference_image.name


async def test_verdicts_are_checked_and_taken_back(
    keeping: Running, make_features: MakeFeatures, refused: Refused
) -> None:
    service, verdicts = stub(keeping), api.KeptQuery
    await ask(keeping, make_features(1))
    (query,) = await kept(keeping)
    for verdict, landmark, code in (
        (verdicts.VERDICT_LANDMARK, "", grpc.StatusCode.INVALID_ARGUMENT),
        (verdicts.VERDICT_RIGHT, "landmarks/tower", grpc.StatusCode.INVALID_ARGUMENT),
        (verdicts.VERDICT_LANDMARK, "landmarks/nowhere", grpc.StatusCode.NOT_FOUND),
        (99, "", grpc.StatusCode.INVALID_ARGUMENT),
    ):
        request = api.ReviewQueryRequest(name=query.name, landmark=landmark)
        request.verdict = verdict  # type: ignore[assignment]
        assert (await refused(service.ReviewQuery(request))).code is code
    for verdict in (verdicts.VERDICT_WRONG, verdicts.VERDICT_NOT_LANDMARK, verdicts.VERDICT_UNSPECIFIED):
        reviewed = (await service.ReviewQuery(api.ReviewQueryRequest(name=query.name, verdict=verdict))).kept_query
        assert (reviewed.verdict, bool(reviewed.reviewer)) == (verdict, verdict != verdicts.VERDICT_UNSPECIFIED)
        found = await refused(service.PromoteQuery(api.PromoteQueryRequest(name=query.name)))
        assert found.code is grpc.StatusCode.FAILED_PRECONDITION
    assert not reviewed.HasField("review_time")
    right = api.ReviewQueryRequest(name=query.name, verdict=verdicts.VERDICT_RIGHT)
    await service.ReviewQuery(right)
    refuse = api.PromoteQueryRequest(name=query.name, duplicate_policy=DUPLICATE_POLICY_REFUSE)
    found = await refused(service.PromoteQuery(refuse))
    assert found.code is grpc.StatusCode.ALREADY_EXISTS, "it is the image that it was found by"
    found = await refused(service.GetKeptQuery(api.GetKeptQueryRequest(name="queries/nothing")))
    assert found.details["ResourceInfo"].resource_type == "steeple.v1.KeptQuery"


# --- erasing ---


async def test_erased_queries_leave_no_bytes(
    start: Start, make_features: MakeFeatures, make_photo: MakePhoto, refused: Refused
) -> None:
    photo, features = make_photo(4), make_features(9)
    async with start(keep_queries="all", access="keys") as running:
        admin, app = [await make_key(running, scope) for scope in (Scope.ADMIN, Scope.DEVICE)]
        rights, service = bearer(admin.secret), stub(running)
        sources: tuple[bytes | FeatureSet, ...] = (photo, features, make_features(8))
        for number, source in enumerate(sources):
            await ask(running, source, metadata=(*bearer(app.secret), ("x-request-id", f"find-me-{number}")))
        await ask(running, make_features(8), metadata=rights)
        names = [query.name for query in await kept(running, rights)]
        traces = [photo[len(photo) // 2 :][:64], wire.pack(features).descriptors[400:464], b"find-me-"]
        assert all(anywhere(running, trace) for trace in traces)

        async def erase(**what: Any) -> int:
            response = await service.EraseQueries(api.EraseQueriesRequest(**what), metadata=rights)
            return int(response.erased_count)

        assert await erase(names=[names[0], "queries/nothing"]) == 1
        assert anywhere(running, traces[0], b"find-me-0") == set()
        assert await erase(filter="request_id = find-me-1") == 1
        assert anywhere(running, traces[1], b"find-me-1") == set()
        assert await erase(key=app.key.name) == 1
        assert anywhere(running, *traces) == set()
        assert [query.name for query in await kept(running, rights)] == names[3:]
        assert await erase(all=True) == 1
        assert await erase(all=True) == 0
        for wrong in ({}, {"all": True, "key": app.key.name}, {"filter": "peer = 1"}, {"names": names * 300}):
            found = await refused(service.EraseQueries(api.EraseQueriesRequest(**wrong), metadata=rights))
            assert found.code is grpc.StatusCode.INVALID_ARGUMENT
    assert anywhere(running, *traces) == set(), "also once it has stopped"


async def test_what_is_on_its_way_to_the_disk_is_erased_too(keeping: Running, make_features: MakeFeatures) -> None:
    call: Any = keeping.search.IdentifyStream()
    query = Query(features=wire.pack(make_features(5)))
    await call.write(IdentifyStreamRequest(frame_id=1, query=query))
    await call.read()  # the camera goes on, so the frame is only in memory
    assert (await stub(keeping).EraseQueries(api.EraseQueriesRequest(all=True))).erased_count == 0
    await call.done_writing()
    assert await call.read() is grpc.aio.EOF
    await ask(keeping, make_features(6))
    assert len(await kept(keeping)) == 1, "and what comes later is kept"
