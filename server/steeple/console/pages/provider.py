"""Signing in through an identity provider."""

from __future__ import annotations

from typing import Final

from starlette.responses import RedirectResponse, Response

from steeple.console.identity_provider import IdentityProvider
from steeple.console.pages.sign_in import form
from steeple.console.rendering import sentence
from steeple.console.routing import STATUSES, Pages
from steeple.console.security import local_path
from steeple.console.signing_in import SESSION_SECONDS, begin_vouched_session, end_silently
from steeple.console.visit import Visit
from steeple.errors import NotFoundError, SteepleError

PAGES: Final = Pages()

_BACK: Final = "/sign-in/provider/back"


@PAGES.get("/sign-in/provider", scope=None)
async def leave(visit: Visit) -> Response:
    """Sends the browser to the provider."""
    target = local_path(visit.query.get("next", "/"))
    try:
        url = await _identity(visit).begin(visit.browser, _redirect(visit), target)
    except SteepleError as error:
        return _refused(visit, error, target)
    return RedirectResponse(url, 303)


@PAGES.get(_BACK, scope=None)
async def come_back(visit: Visit) -> Response:
    """Takes what the provider says, and begins a session."""
    try:
        vouched = await _identity(visit).finish(visit.browser, visit.query)
        secret = await begin_vouched_session(visit, vouched.id_token, vouched.nonce)
    except SteepleError as error:
        return _refused(visit, error, "/")
    await end_silently(visit)
    response = visit.go(vouched.target)
    visit.set_session(response, secret, SESSION_SECONDS)
    return response


def _identity(visit: Visit) -> IdentityProvider:
    identity: IdentityProvider | None = visit.request.app.state.identity
    if identity is None:
        raise NotFoundError("this server trusts no identity provider")
    return identity


def _redirect(visit: Visit) -> str:
    scheme = "https" if visit.config.secure else "http"
    return (
        f"{scheme}://{visit.request.headers['host']}{_BACK}"  # a name that the console is called by, or it is refused
    )


def _refused(visit: Visit, error: SteepleError, target: str) -> Response:
    return form(visit, target, STATUSES.get(error.status, 500), {"provider": sentence(error.message)})
