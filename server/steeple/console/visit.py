"""One request of a browser: who it is, what it sent, and what it is shown."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from jinja2 import Environment
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from steeple.client import AsyncClient
from steeple.console.clients import Clients
from steeple.console.config import ConsoleConfig
from steeple.console.navigation import Item, items_for
from steeple.console.security import form_token, is_form_token
from steeple.console.sessions import ANYBODY, Me, browser_cookie, note_cookie, session_cookie, theme_of
from steeple.errors import PermissionDeniedError, UnauthenticatedError

NOTE_SECONDS: Final = 60
"""A note that no page has shown by then is forgotten."""


class Visit:
    """One request, from one browser.

    Args:
        request: As Starlette has it.
        config: Of the console.
        clients: Of the server.
        templates: Of pages.

    Attributes:
        request: The same.
        config: The same.
        client: Calls the server as whoever is signed in.
        me: Who that is.
        form: What a form sent; empty for requests that change nothing.
    """

    def __init__(self, request: Request, config: ConsoleConfig, clients: Clients, templates: Environment) -> None:
        self.request = request
        self.config = config
        self._templates = templates
        self._clients = clients
        self.secret = request.cookies.get(session_cookie(config), "")
        self.browser = request.cookies.get(browser_cookie(config), "")
        self.client: AsyncClient = clients.of(self.secret)
        self.me: Me = ANYBODY
        self.form: FormData = FormData()
        self.note = ""

    @property
    def path(self) -> str:
        """Where the browser is, with its query."""
        url = self.request.url
        return f"{url.path}?{url.query}" if url.query else url.path

    @property
    def query(self) -> Mapping[str, str]:
        """What follows the path."""
        return self.request.query_params

    @property
    def token(self) -> str:
        """What forms of this browser carry."""
        return form_token(self.secret or self.browser)

    async def read_form(self, *, max_files: int = 1000, max_fields: int = 2000) -> None:
        """Reads the form, which must be one of this browser's.

        Raises:
            PermissionDeniedError: If it is not.
        """
        self.take_form(await self.request.form(max_files=max_files, max_fields=max_fields))

    def take_form(self, form: FormData) -> None:
        """Takes a form that was read in another way.

        Raises:
            PermissionDeniedError: If it is none of this browser's.
        """
        given = self.request.headers.get("x-form-token") or form.get("token")
        if not isinstance(given, str) or not is_form_token(given, self.secret or self.browser):
            raise PermissionDeniedError("this form is of another visit; go back, reload the page and send it again")
        self.form = form

    def text(self, name: str, default: str = "") -> str:
        """A field of the form."""
        value = self.form.get(name, default)
        return value.strip() if isinstance(value, str) else default

    def texts(self, name: str) -> list[str]:
        """All fields of that name."""
        return [value for value in self.form.getlist(name) if isinstance(value, str)]

    def show(self, template: str, status: int = 200, /, **values: object) -> Response:
        """A page."""
        context = {
            "visit": self,
            "me": self.me,
            "token": self.token,
            "navigation": self.navigation(),
            "theme": theme_of(self.request),
            "note": self.note,
            **values,
        }
        response = HTMLResponse(self._templates.get_template(template).render(context), status)
        if self.note:
            response.delete_cookie(note_cookie(self.config), path="/")
        return response

    def go(self, path: str, note: str = "") -> Response:
        """Sends the browser to another page of the console.

        Args:
            path: Of the page.
            note: What that page tells first.
        """
        response = RedirectResponse(path, 303)
        if note:
            self.leave(response, note)
        return response

    def leave(self, response: Response, note: str) -> None:
        """Leaves a note for the next page."""
        text = base64.urlsafe_b64encode(json.dumps(note[:500]).encode()).decode()
        self._set_cookie(response, note_cookie(self.config), text, NOTE_SECONDS)

    def set_session(self, response: Response, secret: str, seconds: int) -> None:
        """Signs the browser in, or out with an empty secret."""
        if secret:
            self._set_cookie(response, session_cookie(self.config), secret, seconds)
        else:
            response.delete_cookie(session_cookie(self.config), path="/", secure=self.config.secure, httponly=True)

    def set_browser(self, response: Response, secret: str) -> None:
        """Tells this browser's forms from those of others, before anybody is signed in."""
        self._set_cookie(response, browser_cookie(self.config), secret, None)

    def client_of(self, secret: str) -> AsyncClient:
        """A client that calls with another secret."""
        return self._clients.of(secret)

    def navigation(self) -> list[Item]:
        """Pages that are for whoever is signed in."""
        return items_for(self.me, self.request.url.path)

    def sign_in_path(self) -> str:
        """Where to sign in, and to come back from."""
        return f"/sign-in?next={quote(self.path, safe='')}"

    def require(self, scope: str) -> None:
        """Returns if whoever is signed in may do that.

        Raises:
            UnauthenticatedError: If nobody is.
            PermissionDeniedError: If they may not.
        """
        if not self.me.known:
            raise UnauthenticatedError("sign in first")
        if not self.me.may(scope):
            raise PermissionDeniedError(f"this page is for {scope}s; you are signed in as {self.me.scope}")

    def _set_cookie(self, response: Response, name: str, value: str, seconds: int | None) -> None:
        response.set_cookie(
            name, value, max_age=seconds, path="/", secure=self.config.secure, httponly=True, samesite="lax"
        )
