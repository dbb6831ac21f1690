"""Signing in and out."""

from __future__ import annotations

import math
from typing import Final

from starlette.responses import Response

from steeple.console.rendering import sentence
from steeple.console.routing import Pages
from steeple.console.security import local_path
from steeple.console.signing_in import SESSION_SECONDS, begin_session, check_key, end_session, end_silently
from steeple.console.visit import Visit
from steeple.errors import InvalidArgumentError, ResourceExhaustedError, SteepleError, UnauthenticatedError

PAGES: Final = Pages()

_RETRY_DELAY: Final = "retry_delay_seconds"


@PAGES.get("/sign-in", scope=None)
async def ask(visit: Visit) -> Response:
    """Asks who somebody is; whoever is known already goes on."""
    target = local_path(visit.query.get("next", "/"))
    return visit.go(target) if visit.me.known else form(visit, target)


@PAGES.post("/sign-in", scope=None)
async def sign_in(visit: Visit) -> Response:
    """Begins a session by a password, or goes on with a key."""
    target = local_path(visit.text("next", "/"))
    if visit.me.known and not visit.me.signed_in:
        return visit.go(target)  # a server that asks nobody
    name, password, key = visit.text("username"), _as_typed(visit, "password"), visit.text("key")
    if key:
        return await _with_key(visit, key, target)
    if problems := _missing(name, password):
        return form(visit, target, 400, problems)
    try:
        secret = await begin_session(visit, name, password)
    except (UnauthenticatedError, ResourceExhaustedError, InvalidArgumentError) as error:
        return _refused(visit, target, error)
    await end_silently(visit)
    response = visit.go(target)
    visit.set_session(response, secret, SESSION_SECONDS)
    return response


@PAGES.post("/sign-out", scope=None)
async def sign_out(visit: Visit) -> Response:
    """Ends the session of this browser, which forgets it even where the server cannot be asked."""
    response = visit.go("/sign-in", "You have signed out.")
    try:
        await end_session(visit)
    except SteepleError:
        response = visit.go(
            "/sign-in", "This browser has signed out, but the server did not answer: sign out everywhere."
        )
    visit.set_session(response, "")
    return response


def _missing(name: str, password: str) -> dict[str, str]:
    return {
        field: told
        for field, value, told in (
            ("username", name, "Your name is missing."),
            ("password", password, "Your password is missing."),
        )
        if not value
    }


def _refused(visit: Visit, target: str, error: SteepleError) -> Response:
    """Says what is wrong, the same whether there is such a name or not."""
    if isinstance(error, UnauthenticatedError):
        told = "Nobody can sign in with this name and password. Look for typing errors, or ask an admin of this server."
        return form(visit, target, 401, {"password": told})
    if isinstance(error, ResourceExhaustedError):
        wait = _seconds(error)
        response = form(visit, target, 429, {"password": _slowed(wait)})
        response.headers["retry-after"] = str(wait)
        return response
    field = "username" if error.metadata.get("field") == "user_name" else "password"
    return form(visit, target, 400, {field: "That is too long."})


async def _with_key(visit: Visit, key: str, target: str) -> Response:
    try:
        secret = await check_key(visit, key)
    except UnauthenticatedError:
        return form(visit, target, 401, {"key": "This server does not know that key, or it has ended."})
    except InvalidArgumentError as error:
        return form(visit, target, 403, {"key": sentence(error.message)})
    await end_silently(visit)
    response = visit.go(target)
    visit.set_session(response, secret)  # keys last long, so browsers keep them until they are closed
    return response


def _as_typed(visit: Visit, name: str) -> str:
    value = visit.form.get(name, "")
    return value if isinstance(value, str) else ""


def _seconds(error: SteepleError) -> int:
    try:
        return max(1, math.ceil(float(error.metadata.get(_RETRY_DELAY, "1"))))
    except ValueError:
        return 1


def _slowed(wait: int) -> str:
    span = "a second" if wait == 1 else f"{wait} seconds"
    return f"There were too many tries that failed. Your password was not looked at: try again in {span}."


def form(visit: Visit, target: str, status: int = 200, problems: dict[str, str] | None = None) -> Response:
    """The page that asks who somebody is.

    Args:
        visit: Theirs.
        target: Where they go then.
        status: Of the answer.
        problems: What was wrong, by field; ``provider``: with the identity provider.
    """
    return visit.show(
        "sign_in.html",
        status,
        target=target,
        problems=problems or {},
        username=visit.text("username")[:320],
        with_key="key" in (problems or {}),
    )
