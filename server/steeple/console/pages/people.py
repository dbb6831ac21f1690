"""Who may sign in, and what they may do."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from steeple.client import Person
from steeple.console.browsers import device
from steeple.console.routing import Pages
from steeple.console.visit import Visit
from steeple.console.wrong_fields import problem_of
from steeple.errors import AlreadyExistsError, FailedPreconditionError, InvalidArgumentError, NotFoundError

PAGES: Final = Pages()

ROLES: Final = (
    ("reader", "Reader: looks at everything"),
    ("editor", "Editor: also changes the catalogue"),
    ("admin", "Admin: everything, people and keys among it"),
)

_PAGE_SIZE: Final = 50
_FIELDS: Final = {
    "person_id": "id",
    "display_name": "display_name",
    "role": "role",
    "password": "password",
    "oidc_subject": "oidc_subject",
}


@dataclass(frozen=True)
class Draft:
    """A person as a form has them."""

    id: str = ""
    display_name: str = ""
    role: str = "editor"
    oidc_subject: str = ""
    disabled: bool = False

    @staticmethod
    def of(person: Person) -> Draft:
        """As the server has them."""
        return Draft(person.id, person.display_name, person.role.value, person.oidc_subject, person.disabled)

    @staticmethod
    def sent(visit: Visit, person_id: str) -> Draft:
        """As they were typed."""
        return Draft(
            person_id,
            visit.text("display_name"),
            visit.text("role", "editor"),
            visit.text("oidc_subject"),
            visit.text("disabled") == "yes",
        )


@PAGES.get("/people", scope="admin")
async def people(visit: Visit) -> Response:
    """All of them."""
    page = await visit.client.list_people(page_size=_PAGE_SIZE).page(visit.query.get("page", ""))
    return visit.show("people.html", page=page)


@PAGES.get("/people/new", scope="admin")
async def new(visit: Visit) -> Response:
    """A form for somebody new."""
    return _form(visit, Draft())


@PAGES.post("/people/new", scope="admin")
async def create(visit: Visit) -> Response:
    """Makes a person."""
    draft = Draft.sent(visit, visit.text("id"))
    try:
        made = await visit.client.create_person(
            draft.id,
            draft.display_name,
            draft.role,
            password=_password(visit),
            oidc_subject=draft.oidc_subject,
        )
    except AlreadyExistsError as error:
        field = "oidc_subject" if "subject" in error.message else "id"
        return _form(visit, draft, 409, {field: "Somebody has that already, or had it: choose another."})
    except InvalidArgumentError as error:
        return _form(visit, draft, 400, problem_of(error, _FIELDS))
    return visit.go(f"/people/{made.id}", f"{made.display_name} can sign in as {made.id}.")


@PAGES.get("/people/{id}", scope="admin")
async def person(visit: Visit) -> Response:
    """One person, and what they have signed in to."""
    return await _person(visit)


@PAGES.post("/people/{id}", scope="admin")
async def update(visit: Visit) -> Response:
    """Changes a person."""
    person_id = visit.request.path_params["id"]
    before = await visit.client.get_person(person_id)
    draft = Draft.sent(visit, person_id)
    changes = {
        field: getattr(draft, field)
        for field in ("display_name", "role", "oidc_subject", "disabled")
        if getattr(draft, field) != getattr(Draft.of(before), field)
    }
    if not changes:
        return visit.go(f"/people/{person_id}", "Nothing was different.")
    try:
        made = await visit.client.update_person(person_id, **changes)
    except InvalidArgumentError as error:
        return await _person(visit, 400, draft, problem_of(error, _FIELDS))
    except AlreadyExistsError:
        return await _person(visit, 409, draft, {"oidc_subject": "Somebody else has that already."})
    except FailedPreconditionError:
        field = "disabled" if draft.disabled else "role"
        told = "Nobody would be left who may do everything. Make somebody else an admin first."
        return await _person(visit, 409, draft, {field: told})
    return visit.go(f"/people/{person_id}", f"{made.display_name} is changed.")


@PAGES.post("/people/{id}/password", scope="admin")
async def set_password(visit: Visit) -> Response:
    """Sets the password of somebody else, which signs them out."""
    person_id = visit.request.path_params["id"]
    if visit.me.name == f"people/{person_id}":
        return visit.go("/me", "Change your own password here.")
    try:
        made = await visit.client.set_password(person_id, _password(visit))
    except InvalidArgumentError as error:
        return await _person(visit, 400, problems=problem_of(error, _FIELDS))
    return visit.go(f"/people/{person_id}", f"{made.display_name} has a new password, and is signed out everywhere.")


@PAGES.post("/people/{id}/sessions/end", scope="admin")
async def end_sessions(visit: Visit) -> Response:
    """Ends a session of somebody, or all of them."""
    person_id, asked = visit.request.path_params["id"], visit.text("session")
    sessions = await visit.client.list_sessions(person_id)
    await asyncio.gather(*(_end(visit, each.name) for each in sessions if asked in (each.id, "")))
    return visit.go(
        f"/people/{person_id}", "That device is signed out." if asked else "They are signed out everywhere."
    )


@PAGES.post("/people/{id}/delete", scope="admin")
async def delete(visit: Visit) -> Response:
    """Deletes a person for good."""
    person_id = visit.request.path_params["id"]
    await visit.client.delete_person(person_id)
    return visit.go("/people", f"{person_id} is deleted. Nobody else gets that name.")


async def _person(
    visit: Visit, status: int = 200, draft: Draft | None = None, problems: dict[str, str] | None = None
) -> Response:
    person_id = visit.request.path_params["id"]
    found, sessions = await asyncio.gather(visit.client.get_person(person_id), visit.client.list_sessions(person_id))
    return visit.show(
        "person.html",
        status,
        person=found,
        draft=draft or Draft.of(found),
        sessions=sessions,
        device=device,
        roles=ROLES,
        problems=problems or {},
    )


async def _end(visit: Visit, name: str) -> None:
    try:
        await visit.client.revoke_session(name)
    except NotFoundError:
        return  # it has ended meanwhile


def _form(visit: Visit, draft: Draft, status: int = 200, problems: dict[str, str] | None = None) -> Response:
    return visit.show("person_new.html", status, draft=draft, roles=ROLES, problems=problems or {})


def _password(visit: Visit) -> str:
    value = visit.form.get("password", "")
    return value if isinstance(value, str) else ""
