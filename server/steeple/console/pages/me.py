"""Whoever is signed in: their sessions and their password."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.responses import Response

from steeple.console.browsers import device
from steeple.console.rendering import sentence
from steeple.console.routing import Pages
from steeple.console.visit import Visit
from steeple.console.wrong_fields import problem_of
from steeple.errors import InvalidArgumentError, NotFoundError, PermissionDeniedError, ResourceExhaustedError

PAGES: Final = Pages()

_FIELDS: Final = {"old_password": "old", "password": "new"}
_SHORTEST: Final = 12


@PAGES.get("/me")
async def me(visit: Visit) -> Response:
    """Their sessions, and a form for another password."""
    return await _page(visit)


@PAGES.post("/me/password", scope="reader")
async def change_password(visit: Visit) -> Response:
    """Sets their password, which ends their other sessions."""
    _check_person(visit)
    old, new, again = (_typed(visit, name) for name in ("old", "new", "again"))
    problems: dict[str, str] = {}
    if not old:
        problems["old"] = "Your password as it is now is missing."
    if len(new) < _SHORTEST:
        problems["new"] = (
            f"A password takes {_SHORTEST} characters or more; some words in a row are easy to keep in mind."
        )
    elif new != again:
        problems["again"] = "This is not the same."
    if problems:
        return await _page(visit, 400, problems)
    try:
        await visit.client.set_password(visit.me.name, new, old_password=old)
    except InvalidArgumentError as error:
        told = problem_of(error, _FIELDS)
        if "old" in told:
            told = {"old": "That is not your password."}
        return await _page(visit, 400, told)
    except ResourceExhaustedError as error:
        return await _page(visit, 429, {"old": sentence(error.message)})
    return visit.go("/me", "Your password is changed. You are signed out everywhere else.")


@PAGES.post("/me/sessions/end", scope="reader")
async def end_sessions(visit: Visit) -> Response:
    """Ends one of their sessions, or all others."""
    _check_person(visit)
    asked = visit.text("session")
    sessions = await visit.client.list_sessions(visit.me.name)
    ending = [each for each in sessions if not each.current and asked in (each.id, "")]
    await asyncio.gather(*(_end(visit, each.name) for each in ending))
    if asked:
        return visit.go("/me", "That device is signed out.")
    return visit.go("/me", "You are signed out everywhere else.")


async def _end(visit: Visit, name: str) -> None:
    try:
        await visit.client.revoke_session(name)
    except NotFoundError:
        return  # it has ended meanwhile


async def _page(visit: Visit, status: int = 200, problems: dict[str, str] | None = None) -> Response:
    sessions = await visit.client.list_sessions(visit.me.name) if visit.me.is_person else ()
    return visit.show(
        "me.html",
        status,
        sessions=sorted(sessions, key=lambda each: not each.current),
        device=device,
        problems=problems or {},
        shortest=_SHORTEST,
    )


def _check_person(visit: Visit) -> None:
    if not visit.me.is_person:
        raise PermissionDeniedError("only people have sessions and passwords; you use this server otherwise")


def _typed(visit: Visit, name: str) -> str:
    value = visit.form.get(name, "")
    return value if isinstance(value, str) else ""
