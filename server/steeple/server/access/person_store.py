"""People in the catalogue's database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy
from sqlalchemy import Connection, func, insert, select

from steeple.errors import AlreadyExistsError, FailedPreconditionError, InvalidArgumentError, NotFoundError
from steeple.server.access.person_records import ROLES, Person, person_name
from steeple.server.access.person_rows import PersonRow, person_of, read_person
from steeple.server.access.records import Scope
from steeple.server.access.session_store import end_sessions
from steeple.server.catalogue import Page, audit, pages
from steeple.server.catalogue.database import Database
from steeple.server.catalogue.ids import check_id
from steeple.server.catalogue.limits import check_display_name, check_text
from steeple.server.catalogue.person_tables import person

_LONGEST_SUBJECT: Final = 255


class PersonStore:
    """People. Thread-safe; a call that returned is on the disk.

    Args:
        database: The catalogue's.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def check_new(self, person_id: str, display_name: str, role: Scope, oidc_subject: str = "") -> None:
        """Whether there can be such a person.

        Raises:
            InvalidArgumentError: If a value is out of its limits.
            AlreadyExistsError: If there is or was somebody of that id, or the subject is somebody else's.
        """
        check_id(person_id, "person_id")
        _check(display_name, role, oidc_subject)
        with self._database.read() as connection:
            _check_free(connection, person_id)
            _check_subject_free(connection, oidc_subject, person_id)

    def create(
        self,
        person_id: str,
        display_name: str,
        role: Scope,
        *,
        password: str = "",
        oidc_subject: str = "",
        disabled: bool = False,
    ) -> Person:
        """Makes a person.

        Args:
            person_id: The name to sign in with.
            display_name: What others call them.
            role: What they may do.
            password: Its hash; empty: none.
            oidc_subject: Who they are to the identity provider.
            disabled: Whether they cannot sign in.

        Raises:
            InvalidArgumentError: If a value is out of its limits.
            AlreadyExistsError: As :meth:`check_new`.
        """
        check_id(person_id, "person_id")
        _check(display_name, role, oidc_subject)
        with self._database.write() as connection:
            now = datetime.now(UTC)
            _check_free(connection, person_id)
            _check_subject_free(connection, oidc_subject, person_id)
            values = {
                "id": person_id,
                "display_name": display_name,
                "role": str(role),
                "disabled": disabled,
                "oidc_subject": oidc_subject or None,
                "password": password,
                "password_time": now if password else None,
                "create_time": now,
                "update_time": now,
            }
            connection.execute(insert(person).values(values))
            audit.record(connection, now, person_name(person_id))
            return _get(connection, person_id).person

    def get(self, person_id: str) -> Person:
        """The person of that id.

        Raises:
            NotFoundError: If there is none.
        """
        with self._database.read() as connection:
            return _get(connection, person_id).person

    def find(self, person_id: str) -> PersonRow | None:
        """The person of that id with the hash of the password; None if there is none."""
        with self._database.read() as connection:
            return person_of(connection, person_id)

    def find_subject(self, oidc_subject: str) -> Person | None:
        """Who that is to the identity provider; None if it is nobody here."""
        query = select(person).where(person.c.oidc_subject == oidc_subject, person.c.delete_time.is_(None))
        with self._database.read() as connection:
            row = connection.execute(query).mappings().one_or_none()
        return None if row is None else read_person(row).person

    def list(self, page_size: int = pages.DEFAULT_PAGE_SIZE, page_token: str = "") -> Page[Person]:
        """A page of all people, by id. A size of 0 stands for 50, more than 1000 for 1000."""
        size = pages.check_page_size(page_size)
        last = pages.last_id("people", page_token)
        there = person.c.delete_time.is_(None)
        query = select(person).where(there, person.c.id > last).order_by(person.c.id).limit(size + 1)
        with self._database.read() as connection:
            found = [read_person(row).person for row in connection.execute(query).mappings()]
            total = int(connection.execute(select(func.count()).select_from(person).where(there)).scalar_one())
        return pages.page_by_id(found, size, "people", total)

    def update(
        self,
        person_id: str,
        *,
        display_name: str | None = None,
        role: Scope | None = None,
        disabled: bool | None = None,
        oidc_subject: str | None = None,
    ) -> Person:
        """Sets what is given. Another role, or being disabled, ends the person's sessions.

        Raises:
            NotFoundError: If there is no such person.
            InvalidArgumentError: If a value is out of its limits.
            AlreadyExistsError: If the subject is somebody else's.
            FailedPreconditionError: If no admin would be left.
        """
        _check(display_name, role, oidc_subject)
        with self._database.write() as connection:
            now = datetime.now(UTC)
            before = _get(connection, person_id).person
            after: dict[str, Any] = {
                "display_name": before.display_name if display_name is None else display_name,
                "role": str(before.role if role is None else role),
                "disabled": before.disabled if disabled is None else disabled,
                "oidc_subject": (before.oidc_subject if oidc_subject is None else oidc_subject) or None,
                "update_time": now,
            }
            _check_subject_free(connection, after["oidc_subject"] or "", person_id)
            if after["disabled"] or after["role"] != str(Scope.ADMIN):
                _check_admin_left(connection, before)
            if after["disabled"] or after["role"] != str(before.role):
                end_sessions(connection, person_id)
            connection.execute(sqlalchemy.update(person).where(person.c.id == person_id).values(after))
            audit.record(connection, now, before.name)
            return _get(connection, person_id).person

    def set_password(self, person_id: str, password: str, *, but: str = "") -> Person:
        """Sets a password, and ends the person's sessions.

        Args:
            person_id: Whose.
            password: Its hash.
            but: Id of a session that goes on.

        Raises:
            NotFoundError: If there is no such person.
        """
        with self._database.write() as connection:
            now = datetime.now(UTC)
            before = _get(connection, person_id).person
            values = {"password": password, "password_time": now}
            connection.execute(sqlalchemy.update(person).where(person.c.id == person_id).values(values))
            end_sessions(connection, person_id, but=but)
            audit.record(connection, now, before.name)
            return _get(connection, person_id).person

    def rehash(self, person_id: str, old: str, new: str) -> None:
        """Puts a hash of the same password in the place of another, unless it was changed meanwhile."""
        with self._database.write() as connection:
            same = (person.c.id == person_id, person.c.password == old)
            connection.execute(sqlalchemy.update(person).where(*same).values(password=new))

    def delete(self, person_id: str) -> None:
        """Deletes a person for good; what stays is that there was somebody of that id.

        Raises:
            NotFoundError: If there is no such person.
            FailedPreconditionError: If no admin would be left.
        """
        with self._database.write() as connection:
            now = datetime.now(UTC)
            before = _get(connection, person_id).person
            _check_admin_left(connection, before)
            end_sessions(connection, person_id)
            nothing = {
                "display_name": "",
                "role": str(Scope.READER),
                "disabled": True,
                "oidc_subject": None,
                "password": "",
                "password_time": None,
                "last_sign_in_time": None,
                "delete_time": now,
            }
            connection.execute(sqlalchemy.update(person).where(person.c.id == person_id).values(nothing))
            audit.record(connection, now, before.name)

    def any_admin(self) -> bool:
        """Whether there is an admin who may sign in."""
        with self._database.read() as connection:
            return _admins(connection) > 0


def _get(connection: Connection, person_id: str) -> PersonRow:
    found = person_of(connection, person_id)
    if found is None:
        name = person_name(person_id)
        raise NotFoundError(f"there is no {name}", resource=name)
    return found


def _check(display_name: str | None, role: Scope | None, oidc_subject: str | None) -> None:
    """Values that are given, as each of them must be."""
    if display_name is not None:
        check_display_name(display_name)
    if role not in (None, *ROLES):
        raise InvalidArgumentError(f"role must be {', '.join(map(str, ROLES))}, not {role}", field="role")
    check_text(oidc_subject or "", "oidc_subject", _LONGEST_SUBJECT)


def _check_free(connection: Connection, person_id: str) -> None:
    query = select(person.c.delete_time).where(person.c.id == person_id)
    row = connection.execute(query).one_or_none()
    if row is not None:
        name = person_name(person_id)
        what = "exists already" if row.delete_time is None else "was deleted, and the audit log still names them"
        raise AlreadyExistsError(f"{name} {what}; choose another name", resource=name)


def _check_subject_free(connection: Connection, oidc_subject: str, person_id: str) -> None:
    if not oidc_subject:
        return
    query = select(person.c.id).where(person.c.oidc_subject == oidc_subject, person.c.id != person_id)
    found = connection.execute(query).scalar_one_or_none()
    if found is not None:
        raise AlreadyExistsError(f"oidc_subject is that of {person_name(found)}", resource=person_name(found))


def _admins(connection: Connection, but: str = "") -> int:
    admins = (person.c.role == str(Scope.ADMIN), ~person.c.disabled, person.c.delete_time.is_(None), person.c.id != but)
    return int(connection.execute(select(func.count()).select_from(person).where(*admins)).scalar_one())


def _check_admin_left(connection: Connection, leaving: Person) -> None:
    if leaving.role is Scope.ADMIN and not leaving.disabled and not _admins(connection, leaving.id):
        raise FailedPreconditionError(
            f"{leaving.name} is the last admin who may sign in; make somebody else one first", resource=leaving.name
        )
