"""What people send waits for review, is there to stay, and shows them nothing of others."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import grpc
import pytest

from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.errors import UnavailableError
from steeple.server.access import Scope
from steeple.server.catalogue import pages
from steeple.v1 import feedback_service_pb2 as api
from steeple.v1.feedback_service_pb2_grpc import FeedbackServiceStub
from steeple.v1.landmark_pb2 import Landmark, LatLng
from steeple.v1.review_service_pb2 import (
    DownloadKeptQueryRequest,
    EraseQueriesRequest,
    Feedback,
    KeptQuery,
    ListKeptQueriesRequest,
    PromoteQueryRequest,
    ReviewQueryRequest,
)
from steeple.v1.visual_search_service_pb2 import OUTCOME_IDENTIFIED, OUTCOME_UNKNOWN, IdentifyRequest, Query

from .conftest import Refused, Running, Start
from .test_access import bearer, make_key
from .test_audit import log, told
from .test_keeping import anywhere, ask, files, kept, review_of, stub
from .test_photos_served import SECRET
from .test_photos_served import told as tagged

MakeFeatures = Callable[..., FeatureSet]
MakePhoto = Callable[..., bytes]

UUID = "5f0c6a5e-0b1d-4f7a-9d3c-0000000000{:02x}"


@pytest.fixture
def database_url(catalogue_url: str) -> str:
    return catalogue_url


def people(running: Running) -> Any:
    return FeedbackServiceStub(running.channel)


def said(features: FeatureSet, verdict: int = KeptQuery.VERDICT_RIGHT, *, request_id: str = "", **more: Any) -> Any:
    query = Query(features=wire.pack(features))
    return api.SendFeedbackRequest(query=query, feedback=Feedback(verdict=verdict, **more), request_id=request_id)  # type: ignore[arg-type]


@pytest.fixture
async def closed(start: Start, make_features: MakeFeatures) -> AsyncIterator[tuple[Running, Any, Any]]:
    """A server that asks for keys and keeps no queries, with one landmark; an admin's key and a device's."""
    async with start(access="keys") as running:
        admin, phone = [bearer((await make_key(running, scope)).secret) for scope in (Scope.ADMIN, Scope.DEVICE)]
        await running.add("tower", make_features(1), metadata=admin)
        yield running, admin, phone


async def test_a_device_says_what_it_was_shown_and_an_editor_reads_it(
    closed: tuple[Running, Any, Any], make_features: MakeFeatures
) -> None:
    running, admin, phone = closed
    wrong = said(
        make_features(1),
        KeptQuery.VERDICT_LANDMARK,
        landmark="landmarks/bridge",  # that there is none is not told
        shown_landmark="landmarks/tower",
        suggested_name="Old Bridge",
        note="from the river",
        location=LatLng(latitude=48.5, longitude=2.25),
    )
    wrong.query.max_candidates = 1
    first = await people(running).SendFeedback(wrong, metadata=(*phone, ("x-request-id", "call-7")))
    second = await people(running).SendFeedback(said(make_features(5)), metadata=phone)
    one, other = await kept(running, admin)
    assert [one.name, other.name] == [first.name, second.name]
    assert (one.origin, one.outcome, one.content) == (
        KeptQuery.ORIGIN_FEEDBACK,
        OUTCOME_IDENTIFIED,
        KeptQuery.CONTENT_FEATURES,
    )
    assert [candidate.landmark for candidate in one.candidates] == ["landmarks/tower"]
    assert (one.request_id, one.verdict) == ("call-7", KeptQuery.VERDICT_UNSPECIFIED)
    assert one.feedback == wrong.feedback
    assert one.expire_time.ToDatetime() - one.create_time.ToDatetime() == timedelta(days=30)
    assert (other.outcome, other.feedback) == (OUTCOME_UNKNOWN, Feedback(verdict=KeptQuery.VERDICT_RIGHT))
    assert await kept(running, admin, filter="said = landmark AND origin = feedback") == [one]
    assert await kept(running, admin, filter="origin = query OR origin = proposal") == []
    source = await stub(running).DownloadKeptQuery(DownloadKeptQueryRequest(name=other.name), metadata=admin)
    assert source.features == wire.pack(make_features(5))
    engine = await running.server.ready()
    engine._identify_counts.save()
    assert engine.catalogue.get_image("tower", "one").identify_count == 0, "no identification"


async def test_a_proposed_photo_becomes_the_first_of_a_new_landmark(
    closed: tuple[Running, Any, Any], make_photo: MakePhoto, refused: Refused
) -> None:
    running, admin, phone = closed
    photo = tagged(make_photo(4))
    proposal = api.ProposePhotoRequest(
        image=photo, suggested_name="Old Mill", note="by the river", location=LatLng(latitude=1, longitude=2)
    )
    name = (await people(running).ProposePhoto(proposal, metadata=phone)).name
    assert anywhere(running, SECRET) == set(), "without its metadata"
    (query,) = await kept(running, admin, filter="origin = proposal AND promoted = false")
    assert (query.name, query.content, query.outcome) == (name, KeptQuery.CONTENT_PHOTO, OUTCOME_UNKNOWN)
    expected = Feedback(suggested_name="Old Mill", note="by the river", location=proposal.location)
    assert query.feedback == expected
    service = stub(running)
    promote = PromoteQueryRequest(name=name, request_id=UUID.format(1), landmark_id="mill")
    found = await refused(service.PromoteQuery(promote, metadata=admin))
    assert (found.code, "new_landmark" in found.message) == (grpc.StatusCode.INVALID_ARGUMENT, True)
    promote.new_landmark.display_name = " "
    found = await refused(service.PromoteQuery(promote, metadata=admin))
    assert found.details["BadRequest"].field_violations[0].field == "new_landmark.display_name"
    promote.new_landmark.display_name = "The Old Mill"
    made = await service.PromoteQuery(promote, metadata=admin)
    assert made.reference_image.name.startswith("landmarks/mill/images/")
    assert (made.kept_query.landmark, made.kept_query.verdict) == ("landmarks/mill", KeptQuery.VERDICT_LANDMARK)
    again = await service.PromoteQuery(promote, metadata=admin)
    assert again.reference_image.name == made.reference_image.name, "a repeat"
    listed = (await running.server.ready()).catalogue.list_landmarks().items
    assert [(one.id, one.display_name) for one in listed] == [("mill", "The Old Mill"), ("tower", "Tower")]
    answer = await running.search.Identify(IdentifyRequest(query=Query(image=make_photo(4))), metadata=phone)
    assert answer.answer.candidates[0].landmark.name == "landmarks/mill"


async def test_a_new_landmark_whose_image_is_refused_is_taken_by_the_next_attempt(
    closed: tuple[Running, Any, Any], make_photo: MakePhoto, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, admin, phone = closed
    proposal = api.ProposePhotoRequest(image=make_photo(4), suggested_name="Mill")
    name = (await people(running).ProposePhoto(proposal, metadata=phone)).name
    engine = await running.server.ready()
    promote = PromoteQueryRequest(name=name, new_landmark=Landmark(display_name="Mill"))

    def fail(*_: Any, **__: Any) -> Any:
        raise UnavailableError("as the test wants")

    with monkeypatch.context() as patched:
        patched.setattr(engine.ingest, "create_image", fail)
        assert (await refused(stub(running).PromoteQuery(promote, metadata=admin))).code is grpc.StatusCode.UNAVAILABLE
    other = PromoteQueryRequest(name=name, new_landmark=Landmark(display_name="Bridge"))
    found = await refused(stub(running).PromoteQuery(other, metadata=admin))
    assert (found.code, "landmarks/mill" in found.message) == (grpc.StatusCode.FAILED_PRECONDITION, True)
    made = await stub(running).PromoteQuery(promote, metadata=admin)
    assert made.reference_image.name.startswith("landmarks/mill/images/")
    assert [one.id for one in engine.catalogue.list_landmarks().items] == ["mill", "tower"]


async def test_a_repeat_keeps_nothing_more_and_another_keys_is_refused(
    closed: tuple[Running, Any, Any], make_features: MakeFeatures, refused: Refused
) -> None:
    running, admin, phone = closed
    request = said(make_features(5), request_id=UUID.format(2))
    name = (await people(running).SendFeedback(request, metadata=phone)).name
    for _ in range(3):
        assert (await people(running).SendFeedback(request, metadata=phone)).name == name
    found = await refused(people(running).SendFeedback(request, metadata=admin))
    assert found.code is grpc.StatusCode.INVALID_ARGUMENT, "it does not get the other's name"
    await refused(people(running).SendFeedback(said(make_features(6), request_id=UUID.format(2)), metadata=phone))
    assert [query.name for query in await kept(running, admin)] == [name]
    assert {file for file in files(running) if "queries" in file} == {name}
    events = [event for event in told(await log(running, admin)) if event[1] == "SendFeedback"]
    assert [event[2:] for event in events] == [(name, "OK")], "neither repeats nor refusals fill the audit log"
    await stub(running).EraseQueries(EraseQueriesRequest(names=[name]), metadata=admin)
    assert (await people(running).SendFeedback(request, metadata=phone)).name == name
    assert await kept(running, admin) == [], "what was erased stays so"


async def test_of_two_that_come_at_once_one_is_kept(
    running: Running, make_features: MakeFeatures, monkeypatch: pytest.MonkeyPatch
) -> None:
    review = await review_of(running)
    request = said(make_features(5), request_id=UUID.format(3))
    first = await people(running).SendFeedback(request)
    monkeypatch.setattr(review._store, "answered", lambda _: None)  # as before the first was written
    assert await people(running).SendFeedback(request) == first
    assert len(await kept(running)) == 1
    assert {name for name in files(running) if "queries" in name} == {first.name}


async def test_what_is_being_written_is_erased_too(
    running: Running, make_features: MakeFeatures, monkeypatch: pytest.MonkeyPatch
) -> None:
    review, began, gate = await review_of(running), asyncio.Event(), threading.Event()
    write, loop = review.files.write, asyncio.get_running_loop()

    def wait(*given: Any, **options: Any) -> None:
        loop.call_soon_threadsafe(began.set)
        assert gate.wait(30)
        write(*given, **options)

    monkeypatch.setattr(review.files, "write", wait)
    sending = asyncio.ensure_future(people(running).SendFeedback(said(make_features(5))))
    await began.wait()
    erasing = asyncio.ensure_future(stub(running).EraseQueries(EraseQueriesRequest(all=True)))
    gate.set()
    assert (await erasing).erased_count == 1
    await sending
    assert await kept(running) == []
    assert not [name for name in files(running) if name.startswith("queries/")]


async def test_what_a_key_may_send_in_a_day(start: Start, make_features: MakeFeatures, refused: Refused) -> None:
    async with start(access="keys", feedback_per_day=2, keep_queries="all") as running:
        admin, phone, other = [
            bearer((await make_key(running, scope)).secret) for scope in (Scope.ADMIN, Scope.DEVICE, Scope.DEVICE)
        ]
        review = await review_of(running)
        box, now = review.feedback, review._clock()
        box._clock = review.keeper._clock = lambda: now
        for number in range(2):
            await ask(running, make_features(number), metadata=phone)  # that is no feedback
            await people(running).SendFeedback(
                said(make_features(number), request_id=UUID.format(number)), metadata=phone
            )
            now += timedelta(hours=1)
        more = said(make_features(7))
        found = await refused(people(running).SendFeedback(more, metadata=phone))
        assert (found.code, found.details["ErrorInfo"].metadata["limit"]) == (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "feedback_per_day",
        )
        assert found.details["RetryInfo"].retry_delay.seconds == 22 * 3600
        assert "1320 minutes" in found.message
        await people(running).SendFeedback(said(make_features(0), request_id=UUID.format(0)), metadata=phone)
        await people(running).SendFeedback(more, metadata=other)
        now += timedelta(hours=22)
        await people(running).SendFeedback(more, metadata=phone)
        assert len(await kept(running, admin, filter="origin = feedback")) == 4


async def test_one_key_cannot_drive_out_what_others_have_sent(
    start: Start, make_features: MakeFeatures, refused: Refused
) -> None:
    async with start(access="keys", kept_queries_max_bytes=5 * 46 * 200) as running:
        admin, noisy, other = [
            bearer((await make_key(running, scope)).secret) for scope in (Scope.ADMIN, Scope.DEVICE, Scope.DEVICE)
        ]
        name = (await people(running).SendFeedback(said(make_features(1)), metadata=other)).name
        for number in range(2):
            await people(running).SendFeedback(said(make_features(number)), metadata=noisy)
        found = await refused(people(running).SendFeedback(said(make_features(3)), metadata=noisy))
        assert (found.code, found.details["ErrorInfo"].metadata["limit"]) == (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "kept_queries_max_bytes",
        )
        assert name in [query.name for query in await kept(running, admin)]
        await people(running).SendFeedback(said(make_features(4)), metadata=other)


async def test_what_goes_for_feedback_is_no_change_that_its_sender_has_made(
    start: Start, make_features: MakeFeatures
) -> None:
    async with start(access="keys", kept_queries_max_bytes=5 * 46 * 200) as running:
        admin = bearer((await make_key(running, Scope.ADMIN)).secret)
        sent = []
        for number in range(6):
            phone = bearer((await make_key(running, Scope.DEVICE)).secret)
            sent.append((await people(running).SendFeedback(said(make_features(number)), metadata=phone)).name)
        left = [query.name for query in await kept(running, admin)]
        assert 0 < len(left) < len(sent)
        assert left == sent[-len(left) :], "the oldest went"
        events = [event for event in told(await log(running, admin)) if event[1] == "SendFeedback"]
        assert [event[2] for event in events][::-1] == sent, "an entry for each that was sent, and no other"


async def test_what_failed_or_went_meanwhile_counts_as_it_should(
    start: Start, make_features: MakeFeatures, refused: Refused
) -> None:
    stranger = make_features(1)
    async with start(feedback_per_day=2) as running:
        bad = said(stranger)
        bad.query.features.model = "models/another"
        for _ in range(3):
            assert (await refused(people(running).SendFeedback(bad))).code is grpc.StatusCode.FAILED_PRECONDITION
        for number in range(2):
            await people(running).SendFeedback(said(make_features(number)))
        await stub(running).EraseQueries(EraseQueriesRequest(all=True))
        found = await refused(people(running).SendFeedback(said(stranger)))
        assert found.code is grpc.StatusCode.RESOURCE_EXHAUSTED, "what is gone was sent all the same"


async def test_who_takes_none_says_so(
    start: Start, make_features: MakeFeatures, make_photo: MakePhoto, refused: Refused
) -> None:
    proposal = api.ProposePhotoRequest(image=make_photo(4), suggested_name="Mill")
    async with start(feedback="off") as running:
        for call in (people(running).SendFeedback(said(make_features(1))), people(running).ProposePhoto(proposal)):
            found = await refused(call)
            assert (found.code, "feedback = off" in found.message) == (grpc.StatusCode.FAILED_PRECONDITION, True)
        assert not [name for name in files(running) if name.startswith("queries")]
    async with start(access="keys") as running:
        phone = await make_key(running, Scope.DEVICE)
    async with start(access="keys", keep_queries_excluded_keys=[phone.key.id]) as running:
        found = await refused(people(running).ProposePhoto(proposal, metadata=bearer(phone.secret)))
        assert found.code is grpc.StatusCode.FAILED_PRECONDITION


@pytest.mark.parametrize(
    ("feedback", "field"),
    [
        (Feedback(), "feedback.verdict"),
        (Feedback(verdict=KeptQuery.VERDICT_LANDMARK), "feedback.landmark"),
        (Feedback(verdict=KeptQuery.VERDICT_WRONG, landmark="landmarks/tower"), "feedback.landmark"),
        (Feedback(verdict=KeptQuery.VERDICT_RIGHT, shown_landmark="tower"), "feedback.shown_landmark"),
        (Feedback(verdict=KeptQuery.VERDICT_RIGHT, note="x" * 2001), "feedback.note"),
        (Feedback(verdict=KeptQuery.VERDICT_RIGHT, suggested_name="x" * 201), "feedback.suggested_name"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    running: Running, make_features: MakeFeatures, refused: Refused, feedback: Feedback, field: str
) -> None:
    request = api.SendFeedbackRequest(query=Query(features=wire.pack(make_features(1))), feedback=feedback)
    found = await refused(people(running).SendFeedback(request))
    assert (found.code, found.details["BadRequest"].field_violations[0].field) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        field,
    )
    assert await kept(running) == []


async def test_a_photo_that_cannot_be_used_is_refused_and_not_kept(running: Running, refused: Refused) -> None:
    for request, field in (
        (api.ProposePhotoRequest(image=b"GIF89a", suggested_name="Mill"), "image"),
        (api.ProposePhotoRequest(image=b"x"), "suggested_name"),
    ):
        found = await refused(people(running).ProposePhoto(request))
        assert found.details["BadRequest"].field_violations[0].field == field
    assert await kept(running) == []
    assert not [name for name in files(running) if name.startswith("queries")]


@pytest.mark.parametrize("catalogue_url", [""])  # the file is looked into
async def test_it_is_erased_and_goes_like_the_others(
    closed: tuple[Running, Any, Any], make_photo: MakePhoto, make_features: MakeFeatures
) -> None:
    running, admin, phone = closed
    photo, words = make_photo(4), b"behind the hedge of my neighbour"
    proposal = api.ProposePhotoRequest(image=photo, suggested_name="Mill", note=words.decode())
    await people(running).ProposePhoto(proposal, metadata=phone)
    traces = (photo[len(photo) // 2 :][:64], words)
    assert all(anywhere(running, trace) for trace in traces)
    (query,) = await kept(running, admin)
    await stub(running).EraseQueries(EraseQueriesRequest(key=query.key), metadata=admin)
    assert anywhere(running, *traces) == set()
    await people(running).SendFeedback(said(make_features(5)), metadata=phone)
    assert len(await kept(running, admin)) == 1, "what comes later is kept"
    review = await review_of(running)
    review.purge(review._clock() + timedelta(days=31))
    assert await kept(running, admin) == []


async def test_pages_of_long_notes_stay_small(
    running: Running, make_features: MakeFeatures, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        await people(running).SendFeedback(said(make_features(number), note="\N{CASTLE}" * 2000))
    monkeypatch.setattr(pages, "MAX_PAGE_BYTES", 17_500)
    page = await stub(running).ListKeptQueries(ListKeptQueriesRequest())
    assert (len(page.kept_queries), page.total_size, bool(page.next_page_token)) == (2, 3, True)
    assert page.ByteSize() < 17_500


async def test_feedback_is_reviewed_and_promoted_like_a_query(
    closed: tuple[Running, Any, Any], make_features: MakeFeatures
) -> None:
    running, admin, phone = closed
    name = (await people(running).SendFeedback(said(make_features(5)), metadata=phone)).name
    verdict = ReviewQueryRequest(name=name, verdict=KeptQuery.VERDICT_LANDMARK, landmark="landmarks/tower")
    reviewed = (await stub(running).ReviewQuery(verdict, metadata=admin)).kept_query
    assert (reviewed.origin, reviewed.feedback.verdict) == (KeptQuery.ORIGIN_FEEDBACK, KeptQuery.VERDICT_RIGHT)
    made = await stub(running).PromoteQuery(PromoteQueryRequest(name=name), metadata=admin)
    assert made.reference_image.name.startswith("landmarks/tower/images/")
