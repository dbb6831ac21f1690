"""People in front of every method: signing in, what a session may do, and what of others it may not."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.server.access import Scope
from steeple.server.access.passwords import Passwords
from steeple.v1 import person_service_pb2 as people
from steeple.v1.catalog_service_pb2 import CreateLandmarkRequest, ListLandmarksRequest
from steeple.v1.feedback_service_pb2 import ProposePhotoRequest
from steeple.v1.feedback_service_pb2_grpc import FeedbackServiceStub
from steeple.v1.key_service_pb2 import Key, ListKeysRequest
from steeple.v1.key_service_pb2_grpc import KeyServiceStub
from steeple.v1.landmark_pb2 import Landmark
from steeple.v1.person_service_pb2_grpc import PersonServiceStub
from steeple.v1.server_service_pb2 import GetUsageRequest
from steeple.v1.server_service_pb2_grpc import ServerServiceStub
from steeple.v1.visual_search_service_pb2 import IdentifyRequest, IdentifyStreamRequest, Query
from tests.identity_provider import CLIENT, Pages, Provider, site_of

from .conftest import Refused, Running, Start
from .test_access import METHODS, bearer, least, make_key, outcome
from .test_audit import log, told

MakeFeatures = Callable[..., FeatureSet]

PASSWORD = "correct horse battery"  # noqa: S105 - of people in tests
OTHER = "staple and a long tail"


@pytest.fixture
async def closed(start: Start) -> AsyncIterator[Running]:
    """A server that asks who calls, with people of each role."""
    async with start(access="keys") as running:
        store = (await running.server.ready()).keyring.people
        store.create("root", "Root", Scope.ADMIN, password=hashed())
        store.create("ada", "Ada Lovelace", Scope.EDITOR, password=hashed())
        store.create("bob", "Bob", Scope.READER, password=hashed())
        yield running


@functools.cache
def hashed() -> str:
    return Passwords().hash(PASSWORD)


def stub(running: Running) -> Any:
    return PersonServiceStub(running.channel)


async def sign_in(running: Running, name: str, password: str = PASSWORD, **more: Any) -> people.SignInResponse:
    request = people.SignInRequest(user_name=name, password=password, **more)
    made: people.SignInResponse = await stub(running).SignIn(request)
    return made


async def session_of(running: Running, name: str) -> Any:
    """Metadata of calls of who has signed in, without the time of hashing."""
    engine = await running.server.ready()
    make = engine.keyring.sessions.store.create
    return bearer(engine.keyring.apply(make, name, None, user_agent="A test", address="192.0.2.1").secret)


# --- signing in and out ---


async def test_a_session_from_sign_in_to_sign_out(closed: Running, refused: Refused) -> None:
    made = await sign_in(closed, "Ada", user_agent="A browser")
    mine = bearer(made.secret)
    assert (made.person.name, made.person.display_name, made.person.role) == (
        "people/ada",
        "Ada Lovelace",
        Key.SCOPE_EDITOR,
    )
    assert made.person.last_sign_in_time == made.session.create_time
    assert made.session.name == f"people/ada/sessions/{made.secret.split('_')[1]}"
    assert (made.session.user_agent, made.session.address, made.session.current) == ("A browser", "127.0.0.1", True)
    left = made.session.expire_time.ToDatetime(UTC) - datetime.now(UTC)
    assert timedelta(hours=11, minutes=59) < left <= timedelta(hours=12)

    me = await stub(closed).GetMe(people.GetMeRequest(), metadata=mine)
    assert (me.asks_for_keys, me.actor, me.display_name, me.scope) == (
        True,
        "people/ada",
        "Ada Lovelace",
        Key.SCOPE_EDITOR,
    )
    assert me.session.name == made.session.name
    request = CreateLandmarkRequest(landmark=Landmark(display_name="Big Ben"))
    await closed.catalog.CreateLandmark(request, metadata=mine)

    await stub(closed).SignOut(people.SignOutRequest(), metadata=mine)
    found = await refused(closed.catalog.ListLandmarks(ListLandmarksRequest(), metadata=mine))
    assert (found.code, "this session has ended" in found.message) == (grpc.StatusCode.UNAUTHENTICATED, True)
    root = await session_of(closed, "root")
    assert told(await log(closed, root))[:3] == [
        ("people/ada", "SignOut", made.session.name, "OK"),
        ("people/ada", "CreateLandmark", "landmarks/big-ben", "OK"),
        ("people/ada", "SignIn", made.session.name, "OK"),
    ]


async def test_who_cannot_sign_in_is_told_nothing_and_written_down_nowhere(
    closed: Running, refused: Refused, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="steeple")
    wrong = await refused(sign_in(closed, "ada", OTHER))
    nobody = await refused(sign_in(closed, "not-ada", OTHER))
    assert (wrong.code, wrong.message) == (nobody.code, nobody.message)
    assert wrong.code is grpc.StatusCode.UNAUTHENTICATED
    assert [dict(each.details["ErrorInfo"].metadata) for each in (wrong, nobody)] == [{}, {}]
    assert await log(closed, await session_of(closed, "root")) == [], "or anybody could fill the database"
    records = [f"{record.getMessage()} {record.__dict__}" for record in caplog.records]
    assert any("people/ada" in record and "could not sign in" in record for record in records)
    assert not any(secret in record for record in records for secret in (OTHER, "not-ada"))


async def test_who_guesses_is_told_when_to_try_again(closed: Running, refused: Refused) -> None:
    for _ in range(5):
        await refused(sign_in(closed, "nobody", OTHER))
    found = await refused(sign_in(closed, "nobody", OTHER))
    assert found.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert found.details["ErrorInfo"].metadata["limit"] == "sign_in"
    delay = found.details["RetryInfo"].retry_delay
    assert 0 < delay.seconds + delay.nanos / 1e9 <= 1
    await sign_in(closed, "ada")


async def test_only_who_comes_over_a_socket_of_this_host_says_for_whom(
    start: Start, closed: Running, tmp_path: Path
) -> None:
    assert (await sign_in(closed, "ada", address="198.51.100.7")).session.address == "127.0.0.1"
    socket = f"unix:{tmp_path}/steeple.sock"
    async with start(access="keys", address=socket, data_dir=tmp_path / "other") as running:
        engine = await running.server.ready()
        engine.sign_ins.create("ada", "Ada", Scope.ADMIN, password=PASSWORD)
        async with grpc.aio.insecure_channel(socket) as channel:
            request = people.SignInRequest(user_name="ada", password=PASSWORD, address="198.51.100.7")
            local: Any = PersonServiceStub(channel)
            assert (await local.SignIn(request)).session.address == "198.51.100.7"
            request.address = ""
            made = await local.SignIn(request)
            assert made.session.address == "unix"
            assert made.session.user_agent.startswith("grpc-python-asyncio/")


async def test_where_nobody_is_asked_there_is_nothing_to_sign_in_to(running: Running, refused: Refused) -> None:
    engine = await running.server.ready()
    engine.sign_ins.create("ada", "Ada", Scope.ADMIN, password=PASSWORD)
    for _ in range(8):  # none of which counts as a guess
        found = await refused(sign_in(running, "ada"))
        assert (found.code, "asks nobody" in found.message) == (grpc.StatusCode.FAILED_PRECONDITION, True)
    me = await stub(running).GetMe(people.GetMeRequest(), metadata=bearer("stp_x_y"))
    assert (me.asks_for_keys, me.actor, me.display_name, me.scope) == (False, "open", "", Key.SCOPE_ADMIN)
    found = await refused(stub(running).SignInWithIdToken(people.SignInWithIdTokenRequest(id_token="x")))  # noqa: S106
    assert (found.code, "asks nobody" in found.message) == (grpc.StatusCode.FAILED_PRECONDITION, True)
    await stub(running).SetPassword(people.SetPasswordRequest(name="people/ada", password=OTHER))
    assert (await stub(running).ListPeople(people.ListPeopleRequest())).total_size == 1


async def test_an_identity_provider_vouches_for_people(start: Start, refused: Refused) -> None:
    pages: Pages = {}
    with site_of(pages) as issuer:
        provider = Provider(issuer, int(time.time()))
        pages.update(provider.pages())
        async with start(access="keys", oidc_issuer=issuer, oidc_client_id=CLIENT) as running:
            engine = await running.server.ready()
            engine.keyring.people.create("ada", "Ada", Scope.ADMIN, oidc_subject="sub-1")
            me = await stub(running).GetMe(people.GetMeRequest())
            assert (me.asks_for_keys, me.oidc_issuer, me.oidc_client_id) == (True, issuer, CLIENT)
            request = people.SignInWithIdTokenRequest(id_token=provider.token(), nonce="n", user_agent="A browser")
            made = await stub(running).SignInWithIdToken(request)
            assert (made.person.name, made.session.user_agent) == ("people/ada", "A browser")
            me = await stub(running).GetMe(people.GetMeRequest(), metadata=bearer(made.secret))
            assert me.actor == "people/ada"
            found = await refused(stub(running).SignInWithIdToken(request))
            assert (found.code, "was used before" in found.message) == (grpc.StatusCode.UNAUTHENTICATED, True)
            request.id_token = provider.token(sub="sub-2")
            found = await refused(stub(running).SignInWithIdToken(request))
            assert (found.code, "'sub-2', who may not sign in" in found.message) == (
                grpc.StatusCode.UNAUTHENTICATED,
                True,
            )


# --- who asks ---


async def test_a_key_is_told_whose_it_is_and_nobody_that_they_are_nobody(closed: Running, refused: Refused) -> None:
    key = await make_key(closed, Scope.DEVICE)
    me = await stub(closed).GetMe(people.GetMeRequest(), metadata=bearer(key.secret))
    assert (me.asks_for_keys, me.actor, me.display_name) == (True, key.key.name, "The device's")
    assert (me.scope, me.HasField("session")) == (Key.SCOPE_DEVICE, False)
    me = await stub(closed).GetMe(people.GetMeRequest())
    assert (me.asks_for_keys, me.actor, me.scope) == (True, "", Key.SCOPE_UNSPECIFIED)
    found = await refused(stub(closed).GetMe(people.GetMeRequest(), metadata=bearer(key.secret[:-4] + "aaaa")))
    assert found.code is grpc.StatusCode.UNAUTHENTICATED
    found = await refused(
        stub(closed).SignOut(people.SignOutRequest(), metadata=bearer((await make_key(closed, Scope.READER)).secret))
    )
    assert (found.code, "came with no session" in found.message) == (grpc.StatusCode.FAILED_PRECONDITION, True)


async def test_each_role_may_call_exactly_what_a_key_of_that_scope_may(closed: Running) -> None:
    for name, scope in (("bob", Scope.READER), ("ada", Scope.EDITOR), ("root", Scope.ADMIN)):
        mine = await session_of(closed, name)
        secret = mine[0][1].removeprefix("Bearer ")
        for method in sorted(METHODS, key=lambda each: each.endswith("/SignOut")):  # the last
            code = await outcome(closed, method, secret)
            assert code is not grpc.StatusCode.UNAUTHENTICATED, (method, name)
            assert (code is grpc.StatusCode.PERMISSION_DENIED) == (scope < least(method)), (method, name)


async def test_people_search_and_send_photos_without_a_key(
    closed: Running, make_features: MakeFeatures, make_photo: Callable[..., bytes]
) -> None:
    mine = await session_of(closed, "ada")
    query = Query(features=wire.pack(make_features(0)))
    await closed.search.Identify(IdentifyRequest(query=query), metadata=mine)
    feedback: Any = FeedbackServiceStub(closed.channel)
    await feedback.ProposePhoto(ProposePhotoRequest(image=make_photo(3), suggested_name="Mill"), metadata=mine)
    server: Any = ServerServiceStub(closed.channel)
    usage = await server.GetUsage(GetUsageRequest(), metadata=mine)
    assert (usage.months[0].unknown_count, list(usage.keys)) == (1, [])


async def test_a_stream_ends_with_its_session(closed: Running, make_features: MakeFeatures) -> None:
    made = await session_of(closed, "ada")
    call: Any = closed.search.IdentifyStream(metadata=made)
    frame = IdentifyStreamRequest(frame_id=1, query=Query(features=wire.pack(make_features(0))))
    await call.write(frame)
    assert (await call.read()).frame_id == 1
    root = await session_of(closed, "root")
    update = people.Person(name="people/ada", disabled=True)
    await stub(closed).UpdatePerson(people.UpdatePersonRequest(person=update), metadata=root)
    frame.frame_id = 2
    await call.write(frame)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


# --- the people ---


async def test_people_are_made_changed_and_deleted(closed: Running, refused: Refused) -> None:
    root = await session_of(closed, "root")
    asked = people.Person(display_name="Grace", role=Key.SCOPE_READER, oidc_subject="sub-1")
    request = people.CreatePersonRequest(person=asked, person_id="grace", password=PASSWORD)
    made = (await stub(closed).CreatePerson(request, metadata=root)).person
    assert (made.name, made.has_password, made.oidc_subject) == ("people/grace", True, "sub-1")
    found = await refused(stub(closed).CreatePerson(request, metadata=root))
    assert (found.code, found.details["ResourceInfo"].resource_type) == (
        grpc.StatusCode.ALREADY_EXISTS,
        "steeple.v1.Person",
    )
    await sign_in(closed, "grace")

    update = people.Person(name="people/grace", role=Key.SCOPE_EDITOR)
    changed = (await stub(closed).UpdatePerson(people.UpdatePersonRequest(person=update), metadata=root)).person
    assert (changed.display_name, changed.role, changed.disabled) == ("Grace", Key.SCOPE_EDITOR, False)
    emptied = people.UpdatePersonRequest(person=update, update_mask=FieldMask(paths=["oidc_subject"]))
    changed = (await stub(closed).UpdatePerson(emptied, metadata=root)).person
    assert (changed.oidc_subject, changed.role) == ("", Key.SCOPE_EDITOR)
    wrong = people.UpdatePersonRequest(person=update, update_mask=FieldMask(paths=["password"]))
    assert (
        "update_mask cannot have 'password'" in (await refused(stub(closed).UpdatePerson(wrong, metadata=root))).message
    )

    listed = await stub(closed).ListPeople(people.ListPeopleRequest(page_size=2), metadata=root)
    rest = await stub(closed).ListPeople(people.ListPeopleRequest(page_token=listed.next_page_token), metadata=root)
    assert [each.name for each in (*listed.people, *rest.people)] == [
        f"people/{name}" for name in ("ada", "bob", "grace", "root")
    ]
    await stub(closed).DeletePerson(people.DeletePersonRequest(name="people/grace"), metadata=root)
    found = await refused(stub(closed).GetPerson(people.GetPersonRequest(name="people/grace"), metadata=root))
    assert found.code is grpc.StatusCode.NOT_FOUND
    found = await refused(stub(closed).DeletePerson(people.DeletePersonRequest(name="people/root"), metadata=root))
    assert (found.code, "last admin" in found.message) == (grpc.StatusCode.FAILED_PRECONDITION, True)


WRONG: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"role": Key.SCOPE_DEVICE}, {}, "person.role"),
    ({"role": Key.SCOPE_UNSPECIFIED}, {}, "person.role"),
    ({"display_name": ""}, {}, "person.display_name"),
    ({}, {"person_id": "Grace H"}, "person_id"),
    ({}, {"password": "grace"}, "password"),
]


async def test_wrong_fields_are_named(closed: Running, refused: Refused) -> None:
    root = await session_of(closed, "root")
    for person, given, field in WRONG:
        asked = people.Person(**{"display_name": "Grace", "role": Key.SCOPE_READER, **person})
        request = people.CreatePersonRequest(**{"person": asked, "person_id": "grace", "password": PASSWORD, **given})
        found = await refused(stub(closed).CreatePerson(request, metadata=root))
        assert found.code is grpc.StatusCode.INVALID_ARGUMENT
        assert [each.field for each in found.details["BadRequest"].field_violations] == [field]


# --- what is one's own ---


async def test_people_set_their_own_passwords_and_admins_those_of_others(closed: Running, refused: Refused) -> None:
    ada, root = await session_of(closed, "ada"), await session_of(closed, "root")
    own = people.SetPasswordRequest(name="people/ada", password=OTHER, old_password=OTHER)
    found = await refused(stub(closed).SetPassword(own, metadata=ada))
    assert found.details["BadRequest"].field_violations[0].field == "old_password"
    own.old_password = PASSWORD
    before = datetime.now(UTC)
    changed = await stub(closed).SetPassword(own, metadata=ada)
    assert changed.person.password_time.ToDatetime(UTC) >= before
    await closed.catalog.ListLandmarks(ListLandmarksRequest(), metadata=ada)
    await sign_in(closed, "ada", OTHER)

    of_others = people.SetPasswordRequest(name="people/bob", password=OTHER, old_password=PASSWORD)
    found = await refused(stub(closed).SetPassword(of_others, metadata=ada))
    assert (found.code, "only admins may set the passwords of others" in found.message) == (
        grpc.StatusCode.PERMISSION_DENIED,
        True,
    )
    bob = await session_of(closed, "bob")
    await stub(closed).SetPassword(people.SetPasswordRequest(name="people/bob", password=OTHER), metadata=root)
    assert (
        await refused(stub(closed).GetMe(people.GetMeRequest(), metadata=bob))
    ).code is grpc.StatusCode.UNAUTHENTICATED
    # Also an admin's own takes the old one: a session may be somebody else's by now.
    found = await refused(
        stub(closed).SetPassword(people.SetPasswordRequest(name="people/root", password=OTHER), metadata=root)
    )
    assert found.details["BadRequest"].field_violations[0].field == "old_password"
    # A key of an admin is nobody's own.
    key = bearer((await make_key(closed, Scope.ADMIN)).secret)
    await stub(closed).SetPassword(people.SetPasswordRequest(name="people/root", password=OTHER), metadata=key)


async def test_people_see_and_end_their_own_sessions_and_admins_those_of_others(
    closed: Running, refused: Refused
) -> None:
    ada, elsewhere, bob, root = [await session_of(closed, name) for name in ("ada", "ada", "bob", "root")]
    mine = people.ListSessionsRequest(parent="people/ada")
    listed = (await stub(closed).ListSessions(mine, metadata=ada)).sessions
    assert [each.current for each in listed].count(True) == 1
    assert {each.name.split("/")[3] for each in listed} == {each[0][1].split("_")[1] for each in (ada, elsewhere)}
    assert listed[0].current, "it was used last"
    assert len((await stub(closed).ListSessions(mine, metadata=root)).sessions) == 2
    found = await refused(stub(closed).ListSessions(mine, metadata=bob))
    assert (found.code, found.details["ErrorInfo"].metadata["needed_scope"]) == (
        grpc.StatusCode.PERMISSION_DENIED,
        "admin",
    )

    other = people.RevokeSessionRequest(name=listed[1].name)
    assert (await refused(stub(closed).RevokeSession(other, metadata=bob))).code is grpc.StatusCode.PERMISSION_DENIED
    await stub(closed).RevokeSession(other, metadata=ada)
    found = await refused(stub(closed).RevokeSession(other, metadata=ada))
    assert (found.code, found.details["ResourceInfo"].resource_type) == (
        grpc.StatusCode.NOT_FOUND,
        "steeple.v1.Session",
    )
    found = await refused(stub(closed).GetMe(people.GetMeRequest(), metadata=elsewhere))
    assert found.code is grpc.StatusCode.UNAUTHENTICATED
    await stub(closed).RevokeSession(people.RevokeSessionRequest(name=listed[0].name), metadata=root)
    assert (
        await refused(stub(closed).GetMe(people.GetMeRequest(), metadata=ada))
    ).code is grpc.StatusCode.UNAUTHENTICATED
    found = await refused(stub(closed).ListSessions(people.ListSessionsRequest(parent="people/nobody"), metadata=root))
    assert found.code is grpc.StatusCode.NOT_FOUND
    # Readers and editors keep no keys; what is refused to them is not in the audit log.
    keys: Any = KeyServiceStub(closed.channel)
    assert (await refused(keys.ListKeys(ListKeysRequest(), metadata=bob))).code is grpc.StatusCode.PERMISSION_DENIED
    assert {outcome for _, _, _, outcome in told(await log(closed, root))} == {"OK"}
