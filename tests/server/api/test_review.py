"""Kept queries are listed, reviewed, promoted, and erased so that nothing is left."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC
from typing import Any

import grpc
import pytest

from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.server.access import Scope
from steeple.server.catalogue import audit
from steeple.v1 import review_service_pb2 as api
from steeple.v1.catalog_service_pb2 import DUPLICATE_POLICY_REFUSE, DeleteReferenceImageRequest
from steeple.v1.visual_search_service_pb2 import (
    OUTCOME_IDENTIFIED,
    OUTCOME_UNKNOWN,
    IdentifyStreamRequest,
    Query,
)

from .conftest import Refused, Running, Start
from .test_access import bearer, make_key
from .test_keeping import anywhere, ask, files, kept, review_of, stub

MakeFeatures = Callable[..., FeatureSet]
MakePhoto = Callable[..., bytes]

REQUEST_ID = "5f0c6a5e-0b1d-4f7a-9d3c-000000000001"


@pytest.fixture
def database_url(catalogue_url: str) -> str:
    return catalogue_url


@pytest.fixture
async def keeping(start: Start, make_features: MakeFeatures) -> AsyncIterator[Running]:
    """A server that keeps all queries, with one landmark."""
    async with start(keep_queries="all", metrics_address=":0") as running:
        await running.add("tower", make_features(1))
        yield running


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
    with (await review_of(keeping))._only_one(query.name.removeprefix("queries/")):
        found = await refused(service.PromoteQuery(api.PromoteQueryRequest(name=query.name)))
    assert found.code is grpc.StatusCode.ABORTED
    refuse = api.PromoteQueryRequest(name=query.name, duplicate_policy=DUPLICATE_POLICY_REFUSE)
    found = await refused(service.PromoteQuery(refuse))
    assert found.code is grpc.StatusCode.ALREADY_EXISTS, "it is the image that it was found by"
    found = await refused(service.GetKeptQuery(api.GetKeptQueryRequest(name="queries/nothing")))
    assert found.details["ResourceInfo"].resource_type == "steeple.v1.KeptQuery"


# --- erasing ---


@pytest.mark.parametrize("catalogue_url", [""])  # the file is looked into
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
        log = audit.events((await running.server.ready()).catalogue.database).items
        assert [(event.actor, event.resource, event.outcome) for event in log[:5]] == [
            (admin.key.name, what, "OK")
            for what in ("queries", "queries", app.key.name, "queries", f"{names[0]}, queries/nothing")
        ]
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
