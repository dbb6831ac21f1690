"""Rows of people, read."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection, RowMapping, select

from steeple.server.access.person_records import Person
from steeple.server.access.records import Scope
from steeple.server.catalogue.person_tables import person


@dataclass(frozen=True)
class PersonRow:
    """A person, with the hash of the password.

    Attributes:
        person: Who.
        password: As :mod:`steeple.server.access.passwords` made it; empty: there is none.
    """

    person: Person
    password: str = field(repr=False)


def person_of(connection: Connection, person_id: str) -> PersonRow | None:
    """The person of that id; None if there is none, or they were deleted."""
    query = select(person).where(person.c.id == person_id, person.c.delete_time.is_(None))
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else read_person(row)


def read_person(row: RowMapping) -> PersonRow:
    """The person of a row."""
    found = Person(
        id=row["id"],
        display_name=row["display_name"],
        role=Scope.parse(row["role"]),
        disabled=row["disabled"],
        oidc_subject=row["oidc_subject"] or "",
        create_time=row["create_time"],
        update_time=row["update_time"],
        password_time=row["password_time"],
        last_sign_in_time=row["last_sign_in_time"],
    )
    return PersonRow(found, row["password"])
