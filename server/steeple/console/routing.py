"""Ties paths to pages. Every page is made for somebody who may see it, and every form is one of this console's."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from steeple.console.bodies import FROM_PEOPLE, FROM_STRANGERS, HTTP_STATUS, BodyLimits, limited
from steeple.console.clients import Clients
from steeple.console.config import ConsoleConfig
from steeple.console.security import SAFE_METHODS, new_secret
from steeple.console.sessions import note_cookie
from steeple.console.signing_in import who
from steeple.console.visit import Visit
from steeple.errors import InternalError, SteepleError, UnauthenticatedError

log = logging.getLogger(__name__)

Handler = Callable[[Visit], Awaitable[Response]]

STATUSES: Final[Mapping[str, int]] = {
    "INVALID_ARGUMENT": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "FAILED_PRECONDITION": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "INTERNAL": 500,
    "DATA_LOSS": 500,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
"""HTTP statuses of the gRPC statuses that errors stand for."""

SCRIPT_HEADER: Final = "x-steeple-script"
"""Sent by the console's own script, which wants errors as JSON."""


@dataclass(frozen=True)
class Row:
    """What answers at a path.

    Attributes:
        method: GET or POST.
        path: As Starlette reads it.
        scope: Whom it is for; None: for everybody, signed in or not.
        own_form: Whether the handler itself reads the form, or the body.
        handler: What answers.
    """

    method: str
    path: str
    scope: str | None
    own_form: bool
    handler: Handler

    @property
    def limits(self) -> BodyLimits:
        """Of what browsers send there."""
        return FROM_STRANGERS if self.scope is None or self.method in SAFE_METHODS else FROM_PEOPLE


class Pages:
    """Paths of one part of the console, and what answers there.

    Attributes:
        rows: All of them, in the order in which they are asked.
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def get(self, path: str, scope: str | None = "reader") -> Callable[[Handler], Handler]:
        """What answers when a page is asked for.

        Args:
            path: As Starlette reads it.
            scope: Whom it is for; None: for everybody, signed in or not.
        """
        return self._row("GET", path, scope, own_form=False)

    def post(self, path: str, scope: str | None = "editor", *, own_form: bool = False) -> Callable[[Handler], Handler]:
        """What answers when a form is sent.

        Args:
            path: As Starlette reads it.
            scope: Whom it is for; None: for everybody, signed in or not.
            own_form: Whether the handler itself reads the form, or the body, and checks whose it is.
        """
        return self._row("POST", path, scope, own_form=own_form)

    def _row(self, method: str, path: str, scope: str | None, *, own_form: bool) -> Callable[[Handler], Handler]:
        def add(handler: Handler) -> Handler:
            self.rows.append(Row(method, path, scope, own_form, handler))
            return handler

        return add

    def routes(self, config: ConsoleConfig, clients: Clients, templates: Environment) -> list[Route]:
        """For Starlette."""

        def route(row: Row) -> Route:
            async def answer(request: Request) -> Response:
                bounded = Request(request.scope, limited(request.receive, row.limits))
                return await _answered(Visit(bounded, config, clients, templates), row)

            return Route(row.path, answer, methods=[row.method], name=f"{row.method} {row.path}")

        return [route(row) for row in self.rows]


async def _answered(visit: Visit, row: Row) -> Response:
    first = not visit.browser
    if first:
        visit.browser = new_secret()
    try:
        visit.note = _note_of(visit)
        visit.me = await who(visit)
        if row.scope is not None:
            visit.require(row.scope)
        if row.method == "POST" and not row.own_form:
            await visit.read_form()
        response = await row.handler(visit)
    except Exception as error:
        if not isinstance(error, SteepleError):
            log.exception("a page of the console failed", extra={"path": visit.request.url.path})
            error = InternalError("something went wrong in the console; the server's log says what")
        response = failure(visit, error)
    if first:
        visit.set_browser(response, visit.browser)
    visit.tidy(response)
    return response


def failure(visit: Visit, error: SteepleError) -> Response:
    """What a browser is told about an error: where to sign in, or what is wrong and what to do."""
    status = int(error.metadata.get(HTTP_STATUS, STATUSES.get(error.status, 500)))
    if visit.request.headers.get(SCRIPT_HEADER):
        field = error.metadata.get("field", "")
        facts = {"message": error.message, "status": error.status, "field": field, "sign_in": ""}
        if isinstance(error, UnauthenticatedError):
            facts["sign_in"] = "/sign-in"
        return JSONResponse(facts, status)
    if isinstance(error, UnauthenticatedError) and visit.request.method == "GET":
        visit.disown()
        return visit.go(visit.sign_in_path())
    return visit.show("error.html", status, error=error, status=status)


def _note_of(visit: Visit) -> str:
    text = visit.request.cookies.get(note_cookie(visit.config), "")
    if not text or visit.request.method != "GET" or visit.request.headers.get(SCRIPT_HEADER):
        return ""
    try:
        note = json.loads(base64.urlsafe_b64decode(text))
    except ValueError:
        return ""
    return note[:500] if isinstance(note, str) else ""
