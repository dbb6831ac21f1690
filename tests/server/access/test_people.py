"""People: made, changed and deleted, never without an admin."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from steeple.errors import AlreadyExistsError, FailedPreconditionError, InvalidArgumentError, NotFoundError
from steeple.server.access import Keyring, PersonStore, Scope, SignIns
from steeple.server.catalogue import Catalogue, audit

from .people import OTHER, PASSWORD, enter


@pytest.fixture
def people(keyring: Keyring) -> PersonStore:
    return keyring.people


def test_a_person_is_stored_as_given_and_the_password_is_not(
    sign_ins: SignIns, people: PersonStore, tmp_path: Path
) -> None:
    before = datetime.now(UTC)
    made = sign_ins.create("ada", "Ada Lovelace", Scope.ADMIN, password=PASSWORD, oidc_subject="sub-1")
    assert (made.name, made.display_name, made.role, made.disabled) == (
        "people/ada",
        "Ada Lovelace",
        Scope.ADMIN,
        False,
    )
    assert (made.oidc_subject, made.last_sign_in_time) == ("sub-1", None)
    assert made.password_time is not None
    assert before <= made.create_time == made.update_time == made.password_time
    assert people.get("ada") == made
    for file in tmp_path.iterdir():
        assert PASSWORD.encode() not in file.read_bytes(), file
    row = people.find("ada")
    assert row is not None
    assert row.password not in repr(row)


def test_people_are_listed_in_pages_without_those_deleted(people: PersonStore) -> None:
    for name in ("ada", "bob", "cid", "dan", "eve"):
        people.create(name, name.title(), Scope.ADMIN)
    people.delete("cid")
    first = people.list(page_size=2)
    second = people.list(page_size=2, page_token=first.next_page_token)
    assert [person.id for person in (*first.items, *second.items)] == ["ada", "bob", "dan", "eve"]
    assert (first.total_size, second.next_page_token) == (4, "")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"person_id": "Ada"}, "person_id"),
        ({"person_id": ""}, "person_id"),
        ({"person_id": "a" * 64}, "person_id"),
        ({"display_name": " "}, "display_name"),
        ({"display_name": "x" * 201}, "display_name"),
        ({"role": Scope.DEVICE}, "role"),
        ({"oidc_subject": "x" * 256}, "oidc_subject"),
        ({"password": "too short"}, "password"),
    ],
)
def test_values_out_of_their_limits_are_refused(sign_ins: SignIns, people: PersonStore, given: Any, field: str) -> None:
    values = {"person_id": "ada", "display_name": "Ada", "role": Scope.READER, "password": PASSWORD, **given}
    with pytest.raises(InvalidArgumentError) as caught:
        sign_ins.create(**values)
    assert caught.value.metadata["field"] == field
    assert people.list().total_size == 0


def test_names_and_subjects_are_of_one_person(people: PersonStore) -> None:
    people.create("ada", "Ada", Scope.ADMIN, oidc_subject="sub-1")
    people.create("bob", "Bob", Scope.READER)
    people.create("cid", "Cid", Scope.READER)  # nobody to the provider either
    with pytest.raises(AlreadyExistsError, match="people/ada exists already"):
        people.create("ada", "Another", Scope.READER)
    with pytest.raises(AlreadyExistsError, match="oidc_subject is that of people/ada"):
        people.create("dan", "Dan", Scope.READER, oidc_subject="sub-1")
    with pytest.raises(AlreadyExistsError, match="oidc_subject is that of people/ada"):
        people.update("bob", oidc_subject="sub-1")
    people.update("ada", oidc_subject="")
    assert people.update("bob", oidc_subject="sub-1").oidc_subject == "sub-1"


def test_who_is_deleted_leaves_the_name_and_nothing_else(
    sign_ins: SignIns, people: PersonStore, catalogue: Catalogue, keyring: Keyring
) -> None:
    people.create("root", "Root", Scope.ADMIN)
    sign_ins.create("ada", "Ada Lovelace", Scope.READER, password=PASSWORD, oidc_subject="sub-1")
    enter(sign_ins, "ada")
    keyring.apply(people.delete, "ada")
    with pytest.raises(NotFoundError, match="there is no people/ada"):
        people.get("ada")
    with pytest.raises(NotFoundError):
        people.update("ada", disabled=False)
    with pytest.raises(AlreadyExistsError, match="was deleted, and the audit log still names them"):
        people.create("ada", "Another", Scope.READER)
    with catalogue.database.read() as connection:
        (row,) = connection.exec_driver_sql("SELECT * FROM person WHERE id = 'ada'").mappings()
        assert connection.exec_driver_sql("SELECT count(*) FROM session").scalar_one() == 0
    assert {row[name] for name in ("display_name", "password", "oidc_subject", "last_sign_in_time")} == {"", None}
    people.create("bob", "Bob", Scope.READER, oidc_subject="sub-1")


@pytest.mark.parametrize(
    "leave",
    [
        lambda people: people.delete("ada"),
        lambda people: people.update("ada", disabled=True),
        lambda people: people.update("ada", role=Scope.EDITOR),
    ],
)
def test_the_last_admin_stays(people: PersonStore, leave: Any) -> None:
    people.create("ada", "Ada", Scope.ADMIN)
    people.create("bob", "Bob", Scope.EDITOR)
    people.create("cid", "Cid", Scope.ADMIN, disabled=True)
    with pytest.raises(FailedPreconditionError, match="people/ada is the last admin who may sign in"):
        leave(people)
    assert people.get("ada").role is Scope.ADMIN
    assert people.any_admin()
    people.update("ada", display_name="Ada Lovelace", role=Scope.ADMIN)
    people.update("bob", role=Scope.ADMIN)
    leave(people)
    with pytest.raises(FailedPreconditionError, match="people/bob is the last admin"):
        people.delete("bob")


def test_what_is_not_given_stays(people: PersonStore) -> None:
    people.create("root", "Root", Scope.ADMIN)
    before = people.create("ada", "Ada", Scope.EDITOR, oidc_subject="sub-1")
    after = people.update("ada", display_name="Ada Lovelace")
    assert (after.role, after.disabled, after.oidc_subject) == (Scope.EDITOR, False, "sub-1")
    assert after.update_time > before.update_time == before.create_time
    assert people.update("ada", disabled=True).disabled


def test_changes_are_in_the_audit_log(sign_ins: SignIns, people: PersonStore, catalogue: Catalogue) -> None:
    def attempted(method: str) -> Any:
        return audit.attempting(audit.Attempt(audit.LOCAL, method))

    with attempted("Create"):
        sign_ins.create("ada", "Ada", Scope.ADMIN, password=PASSWORD)
    with attempted("Set"):
        sign_ins.set_password("ada", OTHER)
    with attempted("SignIn"):
        new = enter(sign_ins, "ada", OTHER)
    with attempted("Update"):
        people.update("ada", display_name="Ada L.")
    events = audit.events(catalogue.database).items
    assert [(event.method, event.actor, event.resource) for event in events] == [
        ("Update", "local", "people/ada"),
        ("SignIn", "people/ada", new.session.name),
        ("Set", "local", "people/ada"),
        ("Create", "local", "people/ada"),
    ]
    assert audit.events(catalogue.database, resource="people/ada").items == events
