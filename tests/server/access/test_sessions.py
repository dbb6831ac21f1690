"""Signing in: who is let in, for how long, and what ends it."""

from __future__ import annotations

import hashlib
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from steeple.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    ResourceExhaustedError,
    UnauthenticatedError,
)
from steeple.server.access import Keyring, NewSession, Scope, Session, SignIns
from steeple.server.access.attempts import SignInAttempts
from steeple.server.access.passwords import Passwords
from steeple.server.access.secret import KeyText
from steeple.server.catalogue import Catalogue

from .conftest import LIFETIME, QUICK
from .people import HERE, OTHER, PASSWORD, THERE, Clock, enter


@pytest.fixture
def ada(sign_ins: SignIns) -> SignIns:
    """Ada is an editor, and root an admin."""
    sign_ins.create("root", "Root", Scope.ADMIN, password=PASSWORD)
    sign_ins.create("ada", "Ada Lovelace", Scope.EDITOR, password=PASSWORD)
    return sign_ins


def may(keyring: Keyring, new: NewSession) -> bool:
    try:
        keyring.authenticate(new.secret)
    except UnauthenticatedError as error:
        return "this session has ended" not in error.message
    return True


# --- in ---


def test_who_signs_in_gets_a_session_that_is_of_use_as_a_key_is(ada: SignIns, keyring: Keyring, tmp_path: Path) -> None:
    new = enter(ada, " Ada ")
    found = re.fullmatch(r"sts_([a-z2-7]{16})_([a-z2-7]{52})", new.secret)
    assert found is not None
    assert new.session.digest == hashlib.sha256(found[2].encode()).hexdigest()
    for file in tmp_path.iterdir():
        assert found[2].encode() not in file.read_bytes(), file
    assert found[2] not in repr(new)
    session = keyring.authenticate(new.secret)
    assert isinstance(session, Session)
    assert (session.name, session.actor) == (f"people/ada/sessions/{found[1]}", "people/ada")
    assert (session.scope, session.display_name) == (Scope.EDITOR, "Ada Lovelace")
    assert (session.user_agent, session.address) == ("A browser", HERE)
    assert session.expire_time - session.create_time == timedelta(days=30)
    assert new.person.last_sign_in_time == session.create_time
    keyring.check_rate(session)
    keyring.begin_query(session)
    keyring.end_query(session, True)
    keyring.flush()  # of keys alone, queries are counted


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ada", OTHER),
        ("nobody", PASSWORD),
        ("not/an id", PASSWORD),
        ("gone", PASSWORD),
        ("off", PASSWORD),
        ("bare", PASSWORD),
    ],
)
def test_all_others_are_told_the_same(ada: SignIns, keyring: Keyring, name: str, password: str) -> None:
    ada.create("off", "Off", Scope.READER, password=PASSWORD, disabled=True)
    ada.create("gone", "Gone", Scope.READER, password=PASSWORD)
    ada.create("bare", "Bare", Scope.READER)
    keyring.people.delete("gone")
    with pytest.raises(UnauthenticatedError) as caught:
        enter(ada, name, password)
    assert caught.value.message == (
        "nobody can sign in with this name and password; they may be mistyped, or the person disabled"
    )
    assert caught.value.metadata == {}
    assert keyring.sessions.store.all() == {}


class Counting(Passwords):
    """Counts the comparisons."""

    def __init__(self) -> None:
        super().__init__(QUICK)
        self.compared: list[str] = []

    def verify(self, encoded: str, password: str) -> bool:
        self.compared.append(encoded)
        return super().verify(encoded, password)


@pytest.mark.parametrize("name", ["ada", "nobody", "not/an id", "off"])
def test_each_try_costs_one_comparison_whoever_it_is(keyring: Keyring, clock: Clock, name: str) -> None:
    passwords = Counting()
    sign_ins = SignIns(keyring, passwords, SignInAttempts(clock.seconds))
    sign_ins.create("ada", "Ada", Scope.ADMIN, password=PASSWORD)
    sign_ins.create("off", "Off", Scope.READER, password=PASSWORD, disabled=True)
    with pytest.raises(UnauthenticatedError):
        enter(sign_ins, name, OTHER)
    assert len(passwords.compared) == 1


@pytest.mark.parametrize(("name", "password", "field"), [("", PASSWORD, "user_name"), ("ada", "", "password")])
def test_nothing_is_no_name_and_no_password(ada: SignIns, name: str, password: str, field: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        enter(ada, name, password)
    assert caught.value.metadata["field"] == field


def test_who_guesses_is_slowed_down_and_ada_at_home_is_not(ada: SignIns) -> None:
    enter(ada, "ada")
    for _ in range(5):
        with pytest.raises(UnauthenticatedError):
            enter(ada, "ada", OTHER, THERE)
    with pytest.raises(ResourceExhaustedError, match="too many attempts to sign in; try again in"):
        enter(ada, "ada", PASSWORD, THERE)
    enter(ada, "ada")


def test_a_session_tells_where_ada_is_at_home_after_a_restart(ada: SignIns, keyring: Keyring, clock: Clock) -> None:
    enter(ada, "ada")
    again = SignIns(keyring, Passwords(QUICK), SignInAttempts(clock.seconds))
    for _ in range(5):
        with pytest.raises(UnauthenticatedError):
            enter(again, "ada", OTHER, THERE)
    enter(again, "ada", PASSWORD, HERE)


def test_what_goes_wrong_otherwise_is_no_failure(ada: SignIns, catalogue: Catalogue) -> None:
    person_id, attempt = ada.begin("ada", PASSWORD, HERE)
    catalogue.close()
    for _ in range(20):
        with pytest.raises(Exception, match="closed"):
            ada.sign_in(person_id, PASSWORD, attempt, user_agent="", address=HERE)
        person_id, attempt = ada.begin("ada", PASSWORD, HERE)


def test_an_outdated_hash_is_made_anew_by_signing_in(ada: SignIns, keyring: Keyring, clock: Clock) -> None:
    slower = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    later = SignIns(keyring, Passwords(slower), SignInAttempts(clock.seconds))
    before = keyring.people.find("ada")
    enter(later, "ada")
    after = keyring.people.find("ada")
    assert before is not None
    assert after is not None
    assert "t=1" in before.password
    assert "t=2" in after.password
    assert after.person.password_time == before.person.password_time, "it is the same password"
    enter(later, "ada")


def test_a_password_that_was_changed_meanwhile_lets_nobody_in(ada: SignIns, keyring: Keyring) -> None:
    stored = keyring.people.find("ada")
    assert stored is not None
    ada.set_password("ada", OTHER)
    with pytest.raises(UnauthenticatedError, match="was changed meanwhile"):
        keyring.sessions.store.create("ada", stored.password, user_agent="", address=HERE)
    keyring.people.update("ada", disabled=True)
    with pytest.raises(UnauthenticatedError, match="was changed meanwhile"):
        keyring.sessions.store.create("ada", None, user_agent="", address=HERE)


def test_many_may_sign_in_at_once(ada: SignIns, keyring: Keyring) -> None:
    gate = threading.Barrier(4)

    def run(_: int) -> list[NewSession]:
        gate.wait(20)
        return [enter(ada, "ada") for _ in range(5)]

    with ThreadPoolExecutor(4) as pool:
        made = [new for found in pool.map(run, range(4)) for new in found]
    assert len({new.secret for new in made}) == 20
    assert all(may(keyring, new) for new in made)


# --- what is not a session's secret ---


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-1] + ("a" if text[-1] != "a" else "b"),
        lambda text: text.replace("sts_", "stp_"),
        lambda text: KeyText.make("sts").whole(),
        lambda text: KeyText(text.split("_")[1], KeyText.make().secret, "sts").whole(),
        lambda text: text + "a",
    ],
)
def test_what_is_not_the_secret_is_not_let_in(ada: SignIns, keyring: Keyring, spoil: Any) -> None:
    new = enter(ada, "ada")
    with pytest.raises(UnauthenticatedError) as caught:
        keyring.authenticate(spoil(new.secret))
    assert spoil(new.secret) not in caught.value.message


def test_a_key_is_no_session(ada: SignIns, keyring: Keyring) -> None:
    key = keyring.apply(keyring.store.create, "A key", Scope.ADMIN)
    with pytest.raises(UnauthenticatedError):
        keyring.authenticate(key.secret.replace("stp_", "sts_"))


# --- out ---


def test_a_session_ends_when_it_is_not_used(ada: SignIns, keyring: Keyring, clock: Clock) -> None:
    new = enter(ada, "ada")
    for _ in range(3):  # each use prolongs it, also before that is written
        clock.now += timedelta(hours=11, minutes=59)
        assert may(keyring, new)
    keyring.flush()
    clock.now += timedelta(hours=11, minutes=59)
    assert may(keyring, new)
    clock.now += timedelta(hours=12)
    assert not may(keyring, new)
    assert keyring.sessions.of("ada") == []


def test_a_session_ends_after_the_longest_time_however_it_is_used(ada: SignIns, keyring: Keyring, clock: Clock) -> None:
    new = enter(ada, "ada")
    for _ in range(60 * 2 - 1):
        clock.now += timedelta(hours=6)
        assert may(keyring, new)
    (session,) = keyring.sessions.of("ada")
    assert session.ends(LIFETIME.idle) == session.expire_time
    clock.now += timedelta(hours=6, minutes=1)
    assert not may(keyring, new)


@pytest.mark.parametrize(
    ("change", "ends"),
    [
        (lambda sign_ins, people: sign_ins.set_password("ada", OTHER), True),
        (lambda sign_ins, people: people.update("ada", role=Scope.READER), True),
        (lambda sign_ins, people: people.update("ada", disabled=True), True),
        (lambda sign_ins, people: people.delete("ada"), True),
        (lambda sign_ins, people: people.update("ada", display_name="Ada L.", role=Scope.EDITOR), False),
        (lambda sign_ins, people: people.update("root", display_name="Somebody else"), False),
    ],
)
def test_what_changes_a_person_ends_their_sessions(ada: SignIns, keyring: Keyring, change: Any, ends: bool) -> None:
    mine, other = enter(ada, "ada"), enter(ada, "root")
    session = keyring.authenticate(mine.secret)
    keyring.apply(change, ada, keyring.people)
    assert may(keyring, mine) is not ends
    assert may(keyring, other)
    if ends:
        with pytest.raises(UnauthenticatedError):
            keyring.current(session)  # of a stream that goes on


def test_signing_out_ends_one_session_alone(ada: SignIns, keyring: Keyring) -> None:
    first, second = enter(ada, "ada"), enter(ada, "ada")
    with pytest.raises(NotFoundError, match=f"there is no people/root/sessions/{first.session.id}"):
        keyring.sessions.store.end("root", first.session.id)
    keyring.apply(keyring.sessions.store.end, "ada", first.session.id)
    assert not may(keyring, first)
    assert may(keyring, second)
    with pytest.raises(NotFoundError):
        keyring.sessions.store.end("ada", first.session.id)


def test_ones_own_password_takes_the_old_one_and_ends_the_other_sessions(ada: SignIns, keyring: Keyring) -> None:
    here, elsewhere = enter(ada, "ada"), enter(ada, "ada", PASSWORD, THERE)
    session = keyring.authenticate(here.secret)
    assert isinstance(session, Session)
    with pytest.raises(InvalidArgumentError, match="old_password is not your password") as caught:
        ada.change_password(session, OTHER, "a third one, and long")
    assert caught.value.metadata["field"] == "old_password"
    with pytest.raises(InvalidArgumentError, match="at least 12 characters"):
        ada.change_password(session, PASSWORD, "short")
    assert may(keyring, elsewhere)
    ada.change_password(session, PASSWORD, OTHER)
    assert may(keyring, here)
    assert not may(keyring, elsewhere)
    enter(ada, "ada", OTHER)
    with pytest.raises(UnauthenticatedError):
        enter(ada, "ada", PASSWORD)


def test_an_old_password_is_not_to_be_guessed_with_a_stolen_session(ada: SignIns, keyring: Keyring) -> None:
    session = keyring.authenticate(enter(ada, "ada").secret)
    assert isinstance(session, Session)
    for _ in range(5):
        with pytest.raises(InvalidArgumentError):
            ada.change_password(session, OTHER, "a third one, and long")
    with pytest.raises(ResourceExhaustedError):
        ada.change_password(session, PASSWORD, "a third one, and long")


def test_who_has_no_password_cannot_set_one(ada: SignIns, keyring: Keyring) -> None:
    ada.create("bare", "Bare", Scope.READER)
    new = keyring.apply(keyring.sessions.store.create, "bare", None, user_agent="", address=HERE)
    with pytest.raises(FailedPreconditionError, match="people/bare has no password; an admin can set one"):
        ada.change_password(new.session, "", OTHER)


def test_the_fifty_first_session_ends_the_one_not_used_for_longest(
    ada: SignIns, keyring: Keyring, clock: Clock
) -> None:
    made = [enter(ada, "ada") for _ in range(50)]
    clock.now += timedelta(hours=1)
    for new in made[:1] + made[2:]:
        assert may(keyring, new)
    keyring.flush()
    last = enter(ada, "ada")
    assert not may(keyring, made[1])
    assert may(keyring, last)
    assert may(keyring, made[0])
    assert len(keyring.sessions.of("ada")) == 50


# --- memory and disk ---


def test_sessions_are_listed_by_their_last_use_also_before_that_is_written(
    ada: SignIns, keyring: Keyring, clock: Clock
) -> None:
    first, second = enter(ada, "ada"), enter(ada, "ada", PASSWORD, THERE)
    enter(ada, "root")
    clock.now += timedelta(minutes=5)
    may(keyring, first)
    found = keyring.sessions.of("ada")
    assert [session.id for session in found] == [first.session.id, second.session.id]
    assert found[0].last_use_time == clock.now
    assert keyring.sessions.store.all()[first.session.id].last_use_time < clock.now
    keyring.flush()
    assert keyring.sessions.store.all()[first.session.id].last_use_time == clock.now


def test_sessions_outlive_a_restart_and_those_that_have_ended_are_forgotten(
    ada: SignIns, keyring: Keyring, catalogue: Catalogue, clock: Clock
) -> None:
    old = enter(ada, "ada")
    keyring.close()
    again = Keyring(catalogue.database, LIFETIME, clock=clock)
    assert may(again, old)
    clock.now += timedelta(days=2)
    late = Keyring(catalogue.database, LIFETIME, clock=clock)
    assert not may(late, old)
    assert late.sessions.store.all(), "a look at it writes nothing"
    late.flush()
    assert late.sessions.store.all() == {}


def test_what_another_server_ends_has_ended_with_the_next_look(
    ada: SignIns, keyring: Keyring, catalogue: Catalogue, clock: Clock
) -> None:
    other = Keyring(catalogue.database, LIFETIME, clock=clock)
    new = enter(ada, "ada")
    other.flush()
    assert may(other, new)
    keyring.apply(keyring.sessions.store.end, "ada", new.session.id)
    other.flush()
    assert not may(other, new)


def test_an_admin_who_can_sign_in_is_as_good_as_a_key(keyring: Keyring, sign_ins: SignIns) -> None:
    assert keyring.empty
    sign_ins.create("ada", "Ada", Scope.READER, password=PASSWORD)
    assert keyring.empty
    sign_ins.create("root", "Root", Scope.ADMIN, password=PASSWORD)
    assert not keyring.empty
