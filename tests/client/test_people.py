"""Signing in, and keeping the people, through the SDK and a real server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from steeple.cli.keys_local import create_in_data_dir
from steeple.cli.local_server import local_server
from steeple.client import KeyLimits, Scope
from steeple.client._convert_people import to_me, to_person
from steeple.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    ResourceExhaustedError,
    UnauthenticatedError,
)
from steeple.v1 import person_service_pb2 as api
from steeple.v1.key_service_pb2 import Key

from .harness import Harness

PASSWORD = "correct horse battery"  # noqa: S105 - of people in tests
OTHER = "staple and a long tail"

Connect = Callable[..., Any]


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A server that asks who calls: its address, and an admin's key."""
    folder = tmp_path_factory.mktemp("closed")
    made = create_in_data_dir(folder / "data", None, "First", "admin", None, KeyLimits())
    with local_server(folder / "data", folder / "server.log", "--access", "keys") as address:
        yield address, made.secret


@pytest.fixture
def connect(harness: Harness, closed: tuple[str, str]) -> Connect:
    """A client with that key; None: with none."""
    return lambda key=closed[1], **options: harness.client(closed[0], key=key, **options)


@pytest.fixture
def ada(connect: Connect) -> Iterator[str]:
    """Somebody who edits."""
    admin = connect()
    name = f"ada-{datetime.now(UTC):%H%M%S%f}"
    admin.create_person(name, "Ada Lovelace", "editor", password=PASSWORD)
    yield name
    admin.delete_person(name)


def test_a_session_is_a_key_until_it_ends(connect: Connect, ada: str) -> None:
    stranger = connect(None)
    me = stranger.get_me()
    assert (me.asks_for_keys, me.actor, me.scope, me.session) == (True, "", None, None)
    made = stranger.sign_in(ada.upper(), PASSWORD, user_agent="A browser")
    assert (made.person.id, made.person.role, made.session.user_agent) == (ada, Scope.EDITOR, "A browser")
    assert made.session.current
    assert made.secret not in repr(made)
    assert made.to_dict()["secret"] == made.secret
    mine = connect(made.secret)
    me = mine.get_me()
    assert (me.actor, me.display_name, me.scope) == (f"people/{ada}", "Ada Lovelace", Scope.EDITOR)
    assert me.session is not None
    assert me.to_dict()["session"]["id"] == made.session.id == made.secret.split("_")[1]
    landmark = mine.create_landmark("A tower")
    mine.delete_landmark(landmark)
    with pytest.raises(PermissionDeniedError, match=f"people/{ada}.* has the scope editor"):
        list(mine.list_people())
    with pytest.raises(FailedPreconditionError, match="trusts no identity provider"):
        stranger.sign_in_with_id_token("e30.e30.e30", nonce="n")
    mine.sign_out()
    with pytest.raises(UnauthenticatedError, match="this session has ended"):
        mine.get_me()
    with pytest.raises(FailedPreconditionError, match="came with no session"):
        connect().sign_out()


def test_people_are_made_changed_and_deleted(connect: Connect, ada: str) -> None:
    admin = connect()
    found = admin.get_person(ada)
    assert (found.name, found.display_name, found.disabled) == (f"people/{ada}", "Ada Lovelace", False)
    assert found.password_time is not None
    assert found.to_dict()["role"] == "editor"
    assert found in list(admin.list_people(page_size=1))
    with pytest.raises(AlreadyExistsError):
        admin.create_person(ada, "Another", Scope.READER)
    changed = admin.update_person(found, display_name="Ada L.", role=Scope.READER, oidc_subject="sub-" + ada)
    assert (changed.display_name, changed.role, changed.oidc_subject) == ("Ada L.", Scope.READER, "sub-" + ada)
    assert admin.update_person(ada, disabled=True, oidc_subject="").oidc_subject == ""
    with pytest.raises(UnauthenticatedError, match="nobody can sign in with this name and password"):
        connect(None).sign_in(ada, PASSWORD)
    with pytest.raises(InvalidArgumentError, match="nothing to update; give at least one of display_name"):
        admin.update_person(ada)
    with pytest.raises(InvalidArgumentError, match="scope must be device, reader, editor, admin"):
        admin.create_person("x", "X", "god")
    with pytest.raises(InvalidArgumentError, match="a person needs a role"):
        admin.create_person("x", "X", Scope.DEVICE)
    with pytest.raises(NotFoundError, match="there is no people/nobody"):
        admin.delete_person("nobody")


def test_passwords_and_sessions_of_ones_own(connect: Connect, ada: str) -> None:
    here, there = (connect(connect(None).sign_in(ada, PASSWORD).secret) for _ in range(2))
    assert [session.current for session in here.list_sessions(ada)].count(True) == 1
    with pytest.raises(InvalidArgumentError, match="old_password is not your password"):
        here.set_password(ada, OTHER, old_password=OTHER)
    here.set_password(ada, OTHER, old_password=PASSWORD)
    with pytest.raises(UnauthenticatedError):
        there.get_me()
    (left,) = here.list_sessions(f"people/{ada}")
    assert left.current
    with pytest.raises(PermissionDeniedError, match="only admins may set the passwords of others"):
        here.set_password("somebody-else", OTHER)
    admin = connect()
    admin.revoke_session(left)
    with pytest.raises(NotFoundError, match="or it has ended"):
        admin.revoke_session(left.name)
    again = connect(connect(None).sign_in(ada, OTHER).secret)
    assert admin.set_password(ada, PASSWORD).has_password
    with pytest.raises(UnauthenticatedError):
        again.get_me()


def test_who_guesses_waits_as_long_as_the_deadline_allows(connect: Connect, ada: str) -> None:
    stranger = connect(None, max_attempts=1)
    for _ in range(8):
        with pytest.raises((UnauthenticatedError, ResourceExhaustedError)) as caught:
            stranger.sign_in(f"not-{ada}", OTHER)
    assert isinstance(caught.value, ResourceExhaustedError)
    assert caught.value.metadata["limit"] == "sign_in"
    assert connect(None).sign_in(ada, PASSWORD).person.id == ada


def test_an_open_server_says_that_it_is_open() -> None:
    me = to_me(api.GetMeResponse(asks_for_keys=False, actor="open", scope=Key.SCOPE_ADMIN))
    assert (me.asks_for_keys, me.actor, me.scope) == (False, "open", Scope.ADMIN)


def test_a_role_of_a_later_version_is_some_other() -> None:
    assert to_person(api.Person(name="people/ada", role=9)).role is Scope.OTHER  # type: ignore[arg-type]
